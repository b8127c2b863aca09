//! Azure's meaning, as pure functions over an immutable [`Snapshot`](snapshot::Snapshot).
//!
//! [`admission`] says who sends, [`decide`] what happens to the first packet of a flow, one line a stage:
//!
//! | stage | file |
//! |---|---|
//! | outbound NSGs | [`nsg`] |
//! | effective routes | [`route`] |
//! | what the destination sees as source | [`source_rewrite`] |
//! | what is at the destination | [`destination`] |
//! | endpoint policy, service firewall | [`endpoint_policy`], [`service_firewall`] |
//! | inbound NSGs | [`nsg`] |
//! | the way out | [`delivery`] |

pub mod admission;
pub mod decide;
pub mod delivery;
pub mod destination;
pub mod endpoint_policy;
pub mod explain;
pub mod ids;
pub mod nsg;
pub mod peering;
pub mod position;
pub mod question;
pub mod route;
pub mod service_firewall;
pub mod snapshot;
pub mod source_rewrite;
pub mod topology;
