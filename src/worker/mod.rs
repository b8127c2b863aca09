//! Threads that poll ports and run the pipeline.
//!
//! | file | what it is |
//! |---|---|
//! | [`dataplane`] | the control side: start, publish, attach, detach, inspect, stop |
//! | `fellows` | a worker's way to the others: queues of parcels, and bells |
//! | `exchange` | what a worker gives to others and takes from them |
//! | `doze` | whether a worker sleeps and is to be woken |
//! | `command` | what the control side asks of a worker, between two batches |
//! | `event_loop` | the worker's loop: wait → `rx_burst` → process → `tx_burst` |
//! | `departure` | a queue of the outbox, made ready for its port: super-frames joined, or taken apart |
//! | `appetite` | how many frames a port is asked for at once |
//! | `load` | whether more comes in at a port than the worker can take |
//! | `publication` | a snapshot's way to the workers, and the former one's way back |
//! | `slots` | the ports of a worker |
//! | `poller` | waiting for frames and commands |
//!
//! Worker *i* has queue *i* of every port and a pipeline of its own. Between two batches it looks at its commands, which costs one atomic load; nothing in the loop
//! takes a lock or allocates once its buffers are warm.

mod appetite;
mod command;
pub mod dataplane;
mod departure;
mod doze;
mod event_loop;
mod exchange;
mod fellows;
mod line;
mod load;
mod poller;
mod primitives;
mod publication;
mod slots;

#[cfg(test)]
mod tests;

pub use dataplane::{Dataplane, Failure, OnFailure, Options};
