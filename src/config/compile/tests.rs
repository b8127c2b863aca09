//! Compiled networks, asked.

pub(crate) mod build;
mod firewalls;
pub(crate) mod quickstart;
mod reference;
mod ways;
