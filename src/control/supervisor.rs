//! Starts, reloads and stops a dataplane. Whatever goes wrong in a reload, the old configuration keeps running.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use super::board::{Board, BoardPort};
use super::change::Change;
use super::parts::{Candidate, Dataplane, Loader, PortPlan, Report};
use crate::policy::ids::PortId;
use crate::port::PortState;

/// Why a dataplane did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The workers did not start.
    #[error("cannot start the workers: {0}")]
    Workers(#[from] io::Error),
    /// Ports could not be opened; all of them are told.
    #[error("{}", .0.join("\n"))]
    Ports(Vec<String>),
}

/// Keeps one dataplane going.
#[derive(Debug)]
pub struct Supervisor<L, D> {
    loader: L,
    dataplane: D,
    board: Arc<Board>,
    running: Vec<PortPlan>,
    states: HashMap<PortId, Arc<PortState>>,
}

impl<C, L: Loader<Configuration = C>, D: Dataplane<Configuration = C>> Supervisor<L, D> {
    /// Starts the workers with the first configuration and opens its ports: packets can flow then. `start` returns when
    /// the workers have adopted what it is given.
    ///
    /// # Errors
    /// See [`StartError`]; nothing is left running then.
    pub fn start(
        loader: L,
        candidate: Candidate<C>,
        start: impl FnOnce(C) -> io::Result<D>,
        board: Arc<Board>,
    ) -> Result<Self, StartError> {
        let dataplane = start(candidate.configuration)?;
        board.metrics.watch(dataplane.readers());
        let mut supervisor = Self { loader, dataplane, board, running: Vec::new(), states: HashMap::new() };
        let failures = match supervisor.open_all(candidate.ports.iter()) {
            Ok(opened) => supervisor.attach_all(opened),
            Err(failures) => failures,
        };
        if !failures.is_empty() {
            supervisor.stop();
            return Err(StartError::Ports(failures));
        }
        supervisor.board.metrics.adopt(1, candidate.names);
        supervisor.settle(candidate.ports);
        supervisor.board.set_ready(true);
        Ok(supervisor)
    }

    /// Reads the file again and puts it in force. Logged and counted either way. Gives the warnings.
    ///
    /// # Errors
    /// What is wrong with the file or a port: the old configuration keeps running.
    pub fn reload(&mut self) -> Result<Report, Report> {
        let result = self.replace();
        match &result {
            Ok(report) => {
                let generation = self.board.metrics.generation();
                tracing::info!(generation, "reloaded {}", self.board.file.display());
                tell(&report.text);
            }
            Err(report) => tracing::error!("reload failed, the old configuration keeps running: {}", report.text),
        }
        self.board.reloaded(result.as_ref().err().map(|report| report.text.clone()));
        result
    }

    /// Whether all workers live.
    ///
    /// # Errors
    /// Which one ended, and of what.
    pub fn check(&self) -> Result<(), String> {
        self.dataplane.check()
    }

    /// Stops the workers and closes the ports.
    pub fn stop(self) {
        self.board.set_ready(false);
        self.dataplane.stop();
    }

    fn replace(&mut self) -> Result<Report, Report> {
        let generation = self.board.metrics.generation() + 1;
        let mut candidate = self.loader.load(generation)?;
        let change = Change::between(&self.running, &candidate.ports);
        let fresh = self.open_all(change.fresh.iter()).map_err(|failures| Report::sentence(failures.join("\n")))?;
        self.dataplane.publish(candidate.configuration).map_err(Report::sentence)?;
        for port in &change.gone {
            self.dataplane.detach(*port);
            self.states.remove(port);
        }
        // The new configuration is in force: a port that fails from here on is told, and the others go on.
        let mut failures = self.attach_all(fresh);
        failures.extend(self.inherit(&change.inherited));
        for failure in failures {
            candidate.report.text.push_str(&format!("warning: not open: {failure}\n"));
        }
        self.board.metrics.adopt(generation, candidate.names);
        self.settle(candidate.ports);
        Ok(candidate.report)
    }

    /// Opens all or none, and tells every failure.
    fn open_all<'a>(&mut self, plans: impl Iterator<Item = &'a PortPlan>) -> Result<Vec<(PortPlan, D::Opened)>, Vec<String>> {
        let mut opened = Vec::new();
        let mut failures = Vec::new();
        for plan in plans {
            match self.dataplane.open(plan) {
                Ok(device) => opened.push((plan.clone(), device)),
                Err(error) => failures.push(format!("port '{}': {error}", plan.name)),
            }
        }
        if failures.is_empty() { Ok(opened) } else { Err(failures) }
    }

    /// Attaches what it can, and tells every failure.
    fn attach_all(&mut self, opened: Vec<(PortPlan, D::Opened)>) -> Vec<String> {
        let mut failures = Vec::new();
        for (plan, device) in opened {
            match self.dataplane.attach(&plan, device) {
                Ok(state) => drop(self.states.insert(plan.id, state)),
                Err(error) => failures.push(format!("port '{}': {error}", plan.name)),
            }
        }
        failures
    }

    /// Opens what ports that went have let go of, and tells every failure.
    fn inherit(&mut self, plans: &[PortPlan]) -> Vec<String> {
        let mut failures = Vec::new();
        for plan in plans {
            match self.open_all(std::iter::once(plan)) {
                Ok(opened) => failures.extend(self.attach_all(opened)),
                Err(failure) => failures.extend(failure),
            }
        }
        failures
    }

    /// A port that could not be opened does not run: the next reload tries again.
    fn settle(&mut self, ports: Vec<PortPlan>) {
        self.board.metrics.set_devices(self.states.iter().map(|(id, state)| (*id, Arc::clone(state))).collect());
        let seen = |plan: PortPlan| BoardPort { state: self.states.get(&plan.id).cloned(), plan };
        self.board.set_ports(ports.iter().cloned().map(seen).collect());
        self.running = ports.into_iter().filter(|plan| self.states.contains_key(&plan.id)).collect();
    }
}

/// Logs what is not empty, as a warning.
pub(super) fn tell(warnings: &str) {
    if !warnings.is_empty() {
        tracing::warn!("{}", warnings.trim_end());
    }
}

#[cfg(test)]
#[path = "supervisor_tests.rs"]
mod tests;
