//! The network file: text → model (what a person writes) → validated network → snapshot.
//!
//! [`load::load`] does all but the last step, and collects every finding on the way; [`compile::compile`] does the last.

pub mod catalogue;
pub mod code;
pub mod compile;
pub mod finding;
pub mod load;
pub mod model;
pub mod nearest;
pub mod network;
mod pages;
pub mod regions;
pub mod render;
pub mod tags;
pub mod text;
pub mod validate;
