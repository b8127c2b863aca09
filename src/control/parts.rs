//! What the supervisor needs of the configuration and of the dataplane. It looks inside neither.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::config::network::Device;
use crate::counters::Reader;
use crate::policy::ids::PortId;
use crate::port::PortState;
use crate::telemetry::Names;

/// What was found in a network file: warnings of one that is good, errors of one that is not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The findings as `causeway check` prints them; empty where there are none.
    pub text: String,
    /// The findings as `causeway check -o json` lists them.
    pub findings: Vec<serde_json::Value>,
}

impl Report {
    /// A report of one sentence that stands for no place in the file.
    pub fn sentence(text: impl Into<String>) -> Self {
        Self { text: text.into(), findings: Vec::new() }
    }
}

/// A port that the configuration wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortPlan {
    /// Its stable number.
    pub id: PortId,
    /// Its name.
    pub name: String,
    /// What is behind it, as the file writes it.
    pub attachment: String,
    /// What carries its frames.
    pub device: Device,
}

/// A configuration that was read, validated and compiled, and is not yet in force.
#[derive(Clone, Debug)]
pub struct Candidate<C> {
    /// What the workers run: the snapshot.
    pub configuration: C,
    /// The names that its counters are shown under.
    pub names: Names,
    /// The ports that it wants.
    pub ports: Vec<PortPlan>,
    /// Warnings.
    pub report: Report,
}

/// Reads the network file, again at each call, and always the path that it was made with.
pub trait Loader {
    /// A compiled configuration: `Arc<Snapshot>`.
    type Configuration;

    /// Reads, validates and compiles the file as generation `generation`. Changes nothing that runs.
    ///
    /// # Errors
    /// Every error in the file.
    fn load(&mut self, generation: u64) -> Result<Candidate<Self::Configuration>, Report>;
}

/// The workers and their ports.
pub trait Dataplane {
    /// A compiled configuration: `Arc<Snapshot>`.
    type Configuration;
    /// A device that is open and carries nothing yet. Dropped: closed.
    type Opened;

    /// The reading ends of the workers' counters, one per worker.
    fn readers(&self) -> Vec<Reader>;

    /// Opens a port's device. Ports that run, the one of the same number too, notice nothing.
    ///
    /// # Errors
    /// Why not, in one sentence that names the device.
    fn open(&mut self, plan: &PortPlan) -> Result<Self::Opened, String>;

    /// Gives an open device to the workers, and has it watched from now on.
    ///
    /// # Errors
    /// Why the workers do not take it, in one sentence.
    fn attach(&mut self, plan: &PortPlan, opened: Self::Opened) -> Result<Arc<PortState>, String>;

    /// Takes a port from the workers and closes its device; returns when it is closed, so that it may be opened again.
    fn detach(&mut self, port: PortId);

    /// Gives the workers a new configuration, between two batches, and returns when all of them have adopted it.
    ///
    /// # Errors
    /// A worker ended or does not answer.
    fn publish(&mut self, configuration: Self::Configuration) -> Result<(), String>;

    /// Whether all workers live.
    ///
    /// # Errors
    /// Which one ended, and of what.
    fn check(&self) -> Result<(), String>;

    /// Stops the workers and closes all ports.
    fn stop(self);
}
