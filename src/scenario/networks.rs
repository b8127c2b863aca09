//! The network files that scenarios are about: each read and compiled once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::config::compile::compile;
use crate::config::finding::Findings;
use crate::config::load::load;
use crate::config::network::Network;
use crate::policy::ids::Ids;
use crate::policy::snapshot::Snapshot;

/// A network that can be asked.
#[derive(Debug)]
pub struct Compiled {
    /// The file.
    pub path: PathBuf,
    /// What it says.
    pub network: Network,
    /// What the policy knows of it.
    pub snapshot: Snapshot,
}

/// The networks that were read so far. Their numbers are drawn from one stock, as after reloads: what has one name in two
/// files has one number.
#[derive(Debug, Default)]
pub struct Networks {
    ids: Ids,
    known: HashMap<PathBuf, Option<Rc<Compiled>>>,
    /// What is wrong with those that are wrong, as `check` prints it.
    pub findings: Vec<Findings>,
    /// What cannot be compiled, as sentences.
    pub too_large: Vec<String>,
}

impl Networks {
    /// The network of a file; `None` where it is wrong, which is then in the findings, once.
    pub fn get(&mut self, path: &Path) -> Option<Rc<Compiled>> {
        if let Some(known) = self.known.get(path) {
            return known.clone();
        }
        let compiled = self.read(path).map(Rc::new);
        self.known.insert(path.to_owned(), compiled.clone());
        compiled
    }

    fn read(&mut self, path: &Path) -> Option<Compiled> {
        let loaded = load(path);
        let Some(network) = loaded.network else {
            self.findings.push(loaded.findings);
            return None;
        };
        match compile(&network, &mut self.ids, 1) {
            Ok(snapshot) => Some(Compiled { path: path.to_owned(), network, snapshot }),
            Err(error) => {
                self.too_large.push(format!("{}: {error}", path.display()));
                None
            }
        }
    }
}
