//! Security rules from the file to the answer: order, sides, tags, groups, the platform, network managers, what is
//! refused, what is listed, and what happens to open flows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub, reason = "a test that cannot go on fails")]

#[path = "../rig/mod.rs"]
mod rig;

mod admin_rules;
mod application_groups;
mod effective;
mod flows;
mod network;
mod not_carried;
mod order;
mod platform;
mod refused;
mod sides;
mod tags;
