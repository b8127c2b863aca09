//! Azure's meaning, as pure functions over an immutable [`Snapshot`](snapshot::Snapshot).
//!
//! [`admission`] says who sends, [`decide`] what happens to the first packet of a flow, one line a stage:
//!
//! | stage | file |
//! |---|---|
//! | what networks do not carry | `not_carried` |
//! | outbound security rules | [`security_admin`], [`nsg`], [`platform_traffic`] |
//! | effective routes | [`route`], [`private_endpoint`] |
//! | what the destination sees as source | [`source_rewrite`], [`service_tunnel`] |
//! | what is at the destination | [`destination`] |
//! | endpoint policy, service firewall | [`endpoint_policy`], [`service_firewall`] |
//! | inbound security rules | [`security_admin`], [`nsg`] |
//! | the way out | [`delivery`] |

pub mod admission;
pub mod app_service;
pub mod decide;
pub mod delivery;
pub mod destination;
pub mod effective_routes;
pub mod endpoint_policy;
pub mod established;
pub mod explain;
pub mod host_key;
pub mod ids;
mod not_carried;
pub mod nsg;
pub mod peering;
pub mod platform_traffic;
pub mod position;
pub mod private_endpoint;
pub mod question;
mod reserved;
pub mod route;
pub mod security_admin;
pub mod service_firewall;
pub mod service_tunnel;
pub mod snapshot;
pub mod source_rewrite;
pub mod subnet_places;
pub mod topology;
