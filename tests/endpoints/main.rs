//! Service endpoints, endpoint policies, private endpoints, integrated apps and services that send, asked in words and
//! with packets between in-memory hosts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub, reason = "a test that cannot go on fails")]

#[path = "../rig/mod.rs"]
mod rig;

mod apps;
mod asked;
mod coverage;
mod identity;
mod limits;
mod policies;
mod private;
mod senders;
mod switching;
