//! Makes a disagreement small: takes things out of the network while the two still disagree in the same way.

use std::time::Instant;

use crate::compare::{Difference, compare, load_world};
use crate::network::{Side, World};

/// A smaller network with the same kind of disagreement.
pub fn shrink(world: &World, difference: &Difference, deadline: Instant) -> (World, Difference) {
    let (mut world, mut difference) = (world.clone(), difference.clone());
    let class = difference.class();
    for _ in 0..40 {
        if Instant::now() > deadline {
            break;
        }
        let smaller = candidates(&world).into_iter().find_map(|candidate| {
            let snapshot = std::panic::catch_unwind(|| load_world(&candidate)).ok()?.ok()?;
            let packet = difference.packet.clone();
            if !candidate.ports.iter().any(|port| port.name == packet.port) {
                return None;
            }
            let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| compare(&candidate, &snapshot, &packet))).ok()?;
            let found = found.err().filter(|found| found.class() == class)?;
            Some((candidate, *found))
        });
        match smaller {
            Some((next, found)) => (world, difference) = (next, found),
            None => break,
        }
    }
    (world, difference)
}

/// Networks with one thing less; big things first.
#[allow(clippy::cognitive_complexity, reason = "a list of what can be left out")]
fn candidates(world: &World) -> Vec<World> {
    let mut all = Vec::new();
    macro_rules! without_each {
        ($($list:tt)+) => {
            for index in 0..world.$($list)+.len() {
                let mut smaller = world.clone();
                smaller.$($list)+.remove(index);
                all.push(smaller);
            }
        };
    }
    for change in clearings() {
        let mut smaller = world.clone();
        change(&mut smaller);
        if smaller.yaml() != world.yaml() {
            all.push(smaller);
        }
    }
    without_each!(networks);
    without_each!(services);
    without_each!(gateways);
    without_each!(interfaces);
    without_each!(groups);
    without_each!(tables);
    without_each!(policies);
    without_each!(tags);
    without_each!(ports);
    without_each!(nat_gateways);
    without_each!(collections);
    without_each!(private_endpoints);
    for at in 0..world.collections.len() {
        without_each!(collections[at].rules);
    }
    without_each!(application_groups);
    for at in 0..world.networks.len() {
        without_each!(networks[at].subnets);
        without_each!(networks[at].prefixes);
        without_each!(networks[at].peerings);
        for inner in 0..world.networks[at].subnets.len() {
            without_each!(networks[at].subnets[inner].endpoints);
            without_each!(networks[at].subnets[inner].policies);
            let clear: [fn(&mut crate::network::Subnet); 4] = [
                |subnet| subnet.group = None,
                |subnet| subnet.table = None,
                |subnet| subnet.nat_gateway = None,
                |subnet| subnet.wire_prefix = None,
            ];
            for change in clear {
                let mut smaller = world.clone();
                change(&mut smaller.networks[at].subnets[inner]);
                if smaller.yaml() != world.yaml() {
                    all.push(smaller);
                }
            }
        }
    }
    for at in 0..world.groups.len() {
        without_each!(groups[at].rules);
        for inner in 0..world.groups[at].rules.len() {
            for source in [true, false] {
                let mut smaller = world.clone();
                let rule = &mut smaller.groups[at].rules[inner];
                let side = if source { &mut rule.source } else { &mut rule.destination };
                if let Side::Prefixes(entries) = side
                    && entries.len() > 1
                {
                    entries.pop();
                    all.push(smaller);
                }
            }
        }
    }
    for at in 0..world.tables.len() {
        without_each!(tables[at].routes);
    }
    for at in 0..world.interfaces.len() {
        without_each!(interfaces[at].application_groups);
        for change in [(|nic| nic.group = None) as fn(&mut crate::network::Interface), |nic| nic.public = None] {
            let mut smaller = world.clone();
            change(&mut smaller.interfaces[at]);
            if smaller.yaml() != world.yaml() {
                all.push(smaller);
            }
        }
    }
    for at in 0..world.services.len() {
        let mut smaller = world.clone();
        if smaller.services[at].firewall.take().is_some() {
            all.push(smaller);
        }
    }
    all
}

type Clearing = fn(&mut World);

fn clearings() -> Vec<Clearing> {
    vec![
        |world| world.tags.clear(),
        |world| world.interfaces.clear(),
        |world| world.gateways.clear(),
        |world| world.groups.iter_mut().for_each(|group| group.rules.clear()),
        |world| world.tables.iter_mut().for_each(|table| table.routes.clear()),
        |world| world.services.iter_mut().for_each(|service| service.firewall = None),
        |world| world.networks.iter_mut().for_each(|network| network.peerings.clear()),
        |world| world.endpoint_by_longest_prefix = false,
        |world| world.lenient_forwarding = false,
        |world| world.default_removes_named = false,
        |world| world.default_to_internet_keeps = false,
        |world| world.observed_none = false,
        |world| world.named_globally = false,
        |world| world.networks.iter_mut().flat_map(|network| &mut network.subnets).for_each(|subnet| subnet.table = None),
        |world| world.collections.clear(),
        |world| world.networks.iter_mut().for_each(|network| network.default_outbound = None),
    ]
}
