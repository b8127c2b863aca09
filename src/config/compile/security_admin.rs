//! Security admin rules, compiled for the subnets of the networks that they apply to.

use std::sync::Arc;

use super::security_groups::Context;
use super::{CompileError, Compiler};
use crate::config::network::{AdminRule, AdminRuleCollection, Direction, Network, SubnetIndex, VirtualNetworkIndex};
use crate::policy::ids::RuleName;
use crate::policy::security_admin::{self, AdminRuleList, SecurityAdmin};

/// The rules of one direction that a network meets, in the order in which they are tried, each with its collection.
pub fn in_order(network: &Network, at: VirtualNetworkIndex, direction: Direction) -> Vec<(&AdminRuleCollection, &AdminRule)> {
    let applies = network.admin_rule_collections.iter().filter(|collection| collection.virtual_networks.contains(&at));
    let rules = applies.flat_map(|collection| collection.rules.iter().map(move |rule| (collection, rule)));
    let mut rules: Vec<_> = rules.filter(|(_, rule)| rule.rule.direction == direction).collect();
    // Stable: of equal priorities the first of the file stays first.
    rules.sort_by_key(|(_, rule)| rule.rule.priority);
    rules
}

impl Compiler<'_> {
    /// The rules that a subnet meets: those of its network.
    pub(super) fn security_admin(&mut self, subnet: SubnetIndex) -> Result<Arc<SecurityAdmin>, CompileError> {
        let Some(place) = self.surroundings(subnet) else { return Ok(Arc::default()) };
        if let Some(known) = self.managed.get(&place) {
            return Ok(Arc::clone(known));
        }
        let compiled = Arc::new(self.compile_security_admin(place.0, subnet)?);
        self.managed.insert(place, Arc::clone(&compiled));
        Ok(compiled)
    }

    fn compile_security_admin(&mut self, home: VirtualNetworkIndex, subnet: SubnetIndex) -> Result<SecurityAdmin, CompileError> {
        let network = self.network;
        if !network.admin_rule_collections.iter().any(|collection| collection.virtual_networks.contains(&home)) {
            return Ok(SecurityAdmin::default());
        }
        let context = self.context(subnet);
        Ok(SecurityAdmin {
            inbound: self.admin_rules(in_order(network, home, Direction::Inbound), Direction::Inbound, &context)?,
            outbound: self.admin_rules(in_order(network, home, Direction::Outbound), Direction::Outbound, &context)?,
        })
    }

    fn admin_rules(
        &mut self,
        rules: Vec<(&AdminRuleCollection, &AdminRule)>,
        direction: Direction,
        context: &Context,
    ) -> Result<AdminRuleList, CompileError> {
        let mut list = AdminRuleList::default();
        let mut conditions = Vec::with_capacity(rules.len());
        for (collection, rule) in rules {
            let (object, name) = (collection.named.name.clone(), rule.rule.named.name.clone());
            let id = self.rule(RuleName { object: object.clone(), rule: name.clone(), direction, access: rule.rule.access })?;
            let position = rule.rule.named.position;
            list.rules.push(security_admin::AdminRule { collection: object, name, id, access: rule.access, position });
            conditions.push(self.conditions(&rule.rule, context));
        }
        list.table = self.kept.matcher(conditions)?;
        Ok(list)
    }
}
