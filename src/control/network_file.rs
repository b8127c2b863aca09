//! The real loader: the network file, read, validated and compiled, with numbers that stay the same across reloads.

use std::path::PathBuf;
use std::sync::Arc;

use super::parts::{Candidate, Loader, PortPlan, Report};
use crate::config::compile::{Kept, recompile};
use crate::config::finding::Findings;
use crate::config::load::load;
use crate::config::network::{Network, Port};
use crate::policy::ids::Ids;
use crate::policy::snapshot::Snapshot;
use crate::telemetry::Names;

/// Loads one path, again and again.
#[derive(Debug)]
pub struct NetworkFile {
    path: PathBuf,
    ids: Ids,
    kept: Kept,
}

impl NetworkFile {
    /// The file at `path`, which is not read yet.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path, ids: Ids::default(), kept: Kept::default() }
    }
}

impl Loader for NetworkFile {
    type Configuration = Arc<Snapshot>;

    fn load(&mut self, generation: u64) -> Result<Candidate<Arc<Snapshot>>, Report> {
        let loaded = load(&self.path);
        let report = report(&loaded.findings);
        let Some(network) = loaded.network else { return Err(report) };
        // A configuration that cannot be compiled leaves no names behind.
        let mut ids = self.ids.clone();
        let snapshot = recompile(&network, &mut ids, generation, &mut self.kept)
            .map_err(|error| Report::sentence(format!("{}: error: {error}\n", network.file)))?;
        self.ids = ids;
        let ports = plans(&network, &snapshot);
        self.kept.remember(network);
        Ok(Candidate { names: names(&snapshot), ports, report, configuration: Arc::new(snapshot) })
    }
}

fn report(findings: &Findings) -> Report {
    let listed = findings.to_json().into_iter().filter_map(|finding| serde_json::to_value(finding).ok());
    Report { text: findings.render(false), findings: listed.collect() }
}

/// The file's ports under the snapshot's numbers. Names are compared without regard to case, as in Azure.
fn plans(network: &Network, snapshot: &Snapshot) -> Vec<PortPlan> {
    let plan = |port: &Port| {
        let known = snapshot.ports.iter().find(|known| known.name.eq_ignore_ascii_case(&port.named.name))?;
        Some(PortPlan { id: known.id, name: known.name.clone(), attachment: known.attachment.clone(), device: port.device.clone() })
    };
    network.ports.iter().filter_map(plan).collect()
}

/// What the snapshot has is shown; what it no longer has is not.
fn names(snapshot: &Snapshot) -> Names {
    Names::of(&snapshot.ids, snapshot.ports.iter().map(|port| port.id), snapshot.zones(), snapshot.rules())
}
