//! causeway runs an Azure virtual network on one Linux host, with real packets.
//!
//! The modules are layers. Each uses only those above it in this list (a test holds the order):
//!
//! | module | what it is |
//! |---|---|
//! | [`wire`] | views over header bytes, checksums; no policy, no allocation |
//! | [`packet`] | a frame in a buffer, its parsed layout, its flow key, its verdict |
//! | [`counters`] | what each worker counts, private in its loop, added up by readers |
//! | [`table`] | structures that know bits, not Azure: prefix sets, longest-prefix match, flows |
//! | [`policy`] | Azure's meaning: pure functions over an immutable snapshot |
//! | [`pipeline`] | a packet's way: ingress, fast path, slow path, rewrite, egress |
//! | [`port`] | frames in and out: TAP, AF_PACKET, memory; the unsafe code |
//! | [`worker`] | threads that poll ports and run the pipeline |
//! | [`config`] | the network file: text, model, validated network, snapshot |
//! | [`ask`] | a question in words, and the policy's answer |
//! | [`telemetry`] | metrics over the counters |
//! | [`control`] | a running daemon's socket and HTTP endpoints |
//! | [`lab`] | test hosts in network namespaces |
//! | [`scenario`] | scenario files: questions with the answers that are expected |
//! | [`cli`] | one file per command |
//!
//! A packet's way: `worker` receives a burst from a `port`, `pipeline` parses each frame (`packet`), finds its flow
//! (`table`) or asks `policy` for a decision, rewrites it (`wire`) and hands it to the worker for sending.

pub mod ask;
pub mod cli;
pub mod config;
pub mod control;
pub mod counters;
pub mod lab;
pub mod packet;
pub mod pipeline;
pub mod policy;
pub mod port;
pub mod scenario;
pub mod table;
pub mod telemetry;
pub mod wire;
pub mod worker;
