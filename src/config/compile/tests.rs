//! Compiled networks, asked.

pub(crate) mod build;
mod firewalls;
mod kept;
pub(crate) mod quickstart;
mod reference;
mod ways;
