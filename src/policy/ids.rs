//! Numbers for names. Those that flows and counters hold stay the same across reloads.

use std::hash::Hash;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};

pub use crate::packet::Zone;

/// A port of the dataplane. Stable across reloads: the same name has the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortId(pub u16);

/// A rule that is counted: one of an NSG, a service firewall, or a default. Stable across reloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId(pub u32);

/// Whether a rule lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub enum Access {
    /// Lets through.
    Allow,
    /// Refuses.
    Deny,
}

/// Which way a rule looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub enum Direction {
    /// Into the subnet, interface or service.
    Inbound,
    /// Out of the subnet or interface.
    Outbound,
}

/// What a counted rule is called: the labels of `causeway_rule_hits_total`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleName {
    /// Bare name of the NSG or service.
    pub object: String,
    /// Rule name, as `explain` prints it (`allow-storage`, `DenyAllInBound`, `virtualNetworkRules[0]`).
    pub rule: String,
    /// The rule's direction; a service firewall's is inbound.
    pub direction: Direction,
    /// What it decides.
    pub access: Access,
}

/// Gives each distinct name a number, and the same one ever after. Clones share the names until one learns a new one.
#[derive(Debug)]
pub struct Interner<T: Eq + Hash> {
    known: Arc<Known<T>>,
}

impl<T: Eq + Hash> Clone for Interner<T> {
    fn clone(&self) -> Self {
        Self { known: Arc::clone(&self.known) }
    }
}

#[derive(Debug)]
struct Known<T> {
    numbers: HashMap<Arc<T>, usize>,
    names: Vec<Arc<T>>,
}

impl<T> Clone for Known<T> {
    fn clone(&self) -> Self {
        Self { numbers: self.numbers.clone(), names: self.names.clone() }
    }
}

impl<T: Eq + Hash> Default for Interner<T> {
    fn default() -> Self {
        Self { known: Arc::new(Known { numbers: HashMap::new(), names: Vec::new() }) }
    }
}

impl<T: Eq + Hash> Interner<T> {
    /// The number of `name`, new if it was never seen.
    pub fn intern(&mut self, name: T) -> usize {
        if let Some(number) = self.get(&name) {
            return number;
        }
        let known = Arc::make_mut(&mut self.known);
        let (number, name) = (known.names.len(), Arc::new(name));
        known.names.push(Arc::clone(&name));
        known.numbers.insert(name, number);
        number
    }

    /// The number of `name`, if it has one.
    #[must_use]
    pub fn get(&self, name: &T) -> Option<usize> {
        self.known.numbers.get(name).copied()
    }

    /// All names; the index is the number.
    #[must_use]
    pub fn names(&self) -> &[Arc<T>] {
        &self.known.names
    }
}

/// The numbers that outlive a snapshot: kept by whoever compiles snapshots, one for the life of the process.
#[derive(Clone, Debug, Default)]
pub struct Ids {
    /// Port names → [`PortId`].
    pub ports: Interner<String>,
    /// `VNET/SUBNET`, `internet`, `service/NAME`, `gateway/NAME`, `platform` → [`Zone`].
    pub zones: Interner<String>,
    /// Rules → [`RuleId`].
    pub rules: Interner<RuleName>,
}
