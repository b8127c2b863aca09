//! A frame in a buffer, its parsed layout, its flow key, its verdict.

pub mod coalesce;
pub mod flow_key;
pub mod frame;
pub mod parse;
pub mod rewrite;
pub mod segments;
#[cfg(test)]
pub(crate) mod testing;
pub mod verdict;

pub use flow_key::{FlowKey, Zone};
pub use frame::{Frame, FramePool, Gso, Offload};
pub use parse::{Layout, Parsed};
pub use verdict::Reason;
