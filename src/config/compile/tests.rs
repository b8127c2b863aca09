//! Compiled networks, asked.

pub(crate) mod build;
pub(crate) mod quickstart;
mod reference;
mod ways;
