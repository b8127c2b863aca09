//! Scenario files: questions about networks, and the answers that are expected.
//!
//! [`suite::load`] reads them, with every fault in its place; [`networks::Networks`] reads each network file once;
//! [`asked`] puts the questions to the policy, [`packets`] has them played with real packets in the lab. What comes out is [`report::Report`].
//! `docs/scenarios.md` describes the format for its users.

pub mod asked;
pub mod compare;
pub mod established;
pub mod expectation;
pub mod model;
pub mod networks;
pub mod packets;
pub mod report;
pub mod suite;
