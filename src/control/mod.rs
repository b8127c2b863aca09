//! The running daemon: what keeps the dataplane going, and the ways to talk to it.
//!
//! | file | what it is |
//! |---|---|
//! | [`daemon`] | the assembly: load, claim the socket, open ports, start workers, serve, obey signals, stop |
//! | [`supervisor`] | starts, reloads and stops a dataplane; keeps the old configuration on any error |
//! | [`parts`] | what the supervisor needs of configuration and dataplane, as two small traits |
//! | [`change`] | which ports a reload opens, moves and closes |
//! | [`board`] | what others may read of a running daemon |
//! | [`status`] | the same as a document |
//! | [`events`] | what happens to a daemon: signals, requests |
//! | [`server`] | the thread and the bounded accept loop under both endpoints |
//! | [`http`] | `/metrics`, `/healthz`, `/readyz` over TCP |
//! | [`api`] | `/v1/status`, `/v1/reload` over the Unix socket |
//! | [`socket`] | who owns `/run/causeway/NAME.sock` |
//! | [`client`] | the other end of the socket |
//! | [`privileges`], [`background`] | what a daemon gives up: capabilities, its caller's descriptors |

pub mod api;
pub mod background;
pub mod board;
pub mod change;
pub mod client;
pub mod daemon;

pub mod events;
pub mod http;
pub mod network_file;
pub mod parts;
pub mod privileges;
pub mod server;
pub mod socket;
pub mod status;
pub mod supervisor;
pub mod workers;

#[cfg(test)]
mod fake;
