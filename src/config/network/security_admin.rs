//! Security admin rules of network managers.

use super::security::SecurityRule;
use super::{Named, VirtualNetworkIndex};
use crate::policy::security_admin::AdminAccess;

/// A rule collection, with the networks that it applies to.
#[derive(Clone, Debug)]
pub struct AdminRuleCollection {
    /// Name and place.
    pub named: Named,
    /// Name of the network manager.
    pub manager: String,
    /// Name of the security admin configuration.
    pub configuration: String,
    /// The networks of its groups, each once.
    pub virtual_networks: Vec<VirtualNetworkIndex>,
    /// Its rules, in file order.
    pub rules: Vec<AdminRule>,
}

/// A security admin rule.
#[derive(Clone, Debug)]
pub struct AdminRule {
    /// What it decides.
    pub access: AdminAccess,
    /// Name, priority (1 to 4096), direction and conditions. Its own access says only whether it lets through.
    pub rule: SecurityRule,
}
