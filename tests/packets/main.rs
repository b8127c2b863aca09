//! Real packets through the real command: each test has a lab of its own, and ends with a look at the balance
//! (packets in = forwarded + answered + Σ drops).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub, reason = "a test that cannot go on fails")]

#[path = "../common/mod.rs"]
mod common;

mod admission;
mod appliance_identity;
mod apps;
mod coalesce;
mod conversation;
mod denial;
mod endpoint_switch;
mod errors;
mod fragments;
mod injected;
mod ipv6;
mod matrix;
mod overlap;
mod public_address;
mod reload;
mod restart;
mod routing;
mod scenarios;
mod security;
mod service_tunnel;
mod transfer;
mod workers;
