//! Open flows and new rules: replies need no rule, a flow outlives its rule, `flushConnection` ends that.

use std::time::Duration;

use causeway::packet::Reason;

use crate::network::{group, rule};
use crate::rig::{Rig, echo, tcp, udp};

const A: &str = "10.0.1.4";
const B: &str = "10.0.2.4";

fn network(flush: bool, managers: &str, rules: &[String]) -> String {
    let text = format!(
        "virtualNetworks:
  - name: v
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {{ name: a, addressPrefix: 10.0.1.0/24 }}
      - {{ name: b, addressPrefix: 10.0.2.0/24, networkSecurityGroup: g }}
ports:
  - {{ name: a, attach: v/a/{A} }}
  - {{ name: b, attach: v/b/{B} }}
{managers}networkSecurityGroups:
{}",
        group("g", rules)
    );
    // A group without rules is one line.
    if flush {
        text.replace("  - name: g\n", "  - name: g\n    flushConnection: true\n")
            .replace("{ name: g }", "{ name: g, flushConnection: true }")
    } else {
        text
    }
}

fn no_ssh() -> String {
    rule("no-ssh", 100, "Inbound", "Deny", "protocol: Tcp, destinationPortRange: '22'")
}

/// An established connection from A to B's port 22.
fn connected(text: &str) -> Rig {
    let mut rig = Rig::new(text);
    assert_eq!(rig.send("a", &tcp((A, 40_000), (B, 22), "S", 1, 0, b"")).len(), 1);
    assert_eq!(rig.send("b", &tcp((B, 22), (A, 40_000), "SA", 9, 2, b"")).len(), 1);
    assert_eq!(rig.send("a", &tcp((A, 40_000), (B, 22), "A", 2, 10, b"")).len(), 1);
    rig
}

fn from_a(rig: &mut Rig) -> usize {
    rig.send("a", &tcp((A, 40_000), (B, 22), "AP", 2, 10, b"x")).len()
}

fn from_b(rig: &mut Rig) -> usize {
    rig.send("b", &tcp((B, 22), (A, 40_000), "AP", 10, 3, b"x")).len()
}

#[test]
fn replies_need_no_rule() {
    let mute = [rule("mute", 100, "Outbound", "Deny", "")];
    let mut rig = connected(&network(false, "", &mute));
    assert_eq!((from_a(&mut rig), from_b(&mut rig)), (1, 1));
    assert_eq!(rig.send("a", &udp((A, 5000), (B, 53), b"q")).len(), 1);
    assert_eq!(rig.send("b", &udp((B, 53), (A, 5000), b"a")).len(), 1);
    assert_eq!(rig.send("a", &echo(A, B, 7, false)).len(), 1);
    assert_eq!(rig.send("b", &echo(B, A, 7, true)).len(), 1);
    // But B may open nothing of its own.
    assert!(rig.send("b", &tcp((B, 40_000), (A, 80), "S", 1, 0, b"")).is_empty());
    assert!(rig.send("b", &udp((B, 53), (A, 5001), b"a")).is_empty());
    assert_eq!(rig.count(Reason::NsgDeny), 2);
}

#[test]
fn an_open_flow_outlives_its_rule_and_a_new_one_is_denied() {
    let mut rig = connected(&network(false, "", &[]));
    rig.reload(&network(false, "", &[no_ssh()]));
    assert_eq!((from_a(&mut rig), from_b(&mut rig)), (1, 1));
    assert!(rig.send("a", &tcp((A, 40_001), (B, 22), "S", 1, 0, b"")).is_empty());
    assert_eq!(rig.count(Reason::NsgDeny), 1);
}

#[test]
fn with_flush_connection_changed_rules_reach_open_flows_whoever_speaks_first() {
    for b_first in [false, true] {
        let mut rig = connected(&network(true, "", &[]));
        rig.reload(&network(true, "", &[rule("other", 100, "Inbound", "Deny", "destinationPortRange: '23'")]));
        assert_eq!((from_a(&mut rig), from_b(&mut rig)), (1, 1), "a change that is not about it");
        rig.reload(&network(true, "", &[no_ssh()]));
        let passed = if b_first { (from_b(&mut rig), from_a(&mut rig)) } else { (from_a(&mut rig), from_b(&mut rig)) };
        assert_eq!(passed, (0, 0), "{b_first}");
        assert_eq!(rig.count(Reason::NsgDeny), 2);
        // A flow that is refused ages: nothing refreshes it.
        rig.after(Duration::from_secs(4 * 60 + 10));
        assert_eq!(rig.flows(), 0);
    }
}

#[test]
fn enabling_flush_connection_judges_open_flows_anew() {
    let mut rig = connected(&network(false, "", &[]));
    rig.reload(&network(false, "", &[no_ssh()]));
    assert_eq!(from_a(&mut rig), 1);
    rig.reload(&network(true, "", &[no_ssh()]));
    assert_eq!((from_a(&mut rig), from_b(&mut rig)), (0, 0));
    rig.reload(&network(true, "", &[]));
    assert_eq!((from_a(&mut rig), from_b(&mut rig)), (1, 1), "the rule is gone, and the flow is still known");
}

#[test]
fn flushing_hits_only_what_the_group_is_for() {
    let mut rig = connected(&network(true, "", &[]));
    assert_eq!(rig.send("a", &udp((A, 5000), (B, 53), b"q")).len(), 1);
    rig.reload(&network(true, "", &[no_ssh()]));
    assert_eq!(rig.send("b", &udp((B, 53), (A, 5000), b"a")).len(), 1);
    assert_eq!(from_a(&mut rig), 0);
}

#[test]
fn an_always_allowed_flow_is_not_flushed() {
    let managers = "networkManagers:
  - name: m
    networkGroups: [{ name: all, members: [v] }]
    securityAdminConfigurations:
      - name: c
        ruleCollections:
          - name: ops
            appliesToGroups: [all]
            rules: [{ name: ssh, priority: 1, direction: Inbound, access: AlwaysAllow, protocol: Tcp, destinationPortRanges: ['22'] }]
";
    let mut rig = connected(&network(true, managers, &[]));
    rig.reload(&network(true, managers, &[no_ssh()]));
    assert_eq!((from_a(&mut rig), from_b(&mut rig)), (1, 1));
    rig.reload(&network(true, "", &[no_ssh()]));
    assert_eq!(from_a(&mut rig), 0);
}

#[test]
fn a_new_admin_denial_is_for_new_flows() {
    let managers = |access: &str| {
        format!(
            "networkManagers:
  - name: m
    networkGroups: [{{ name: all, members: [v] }}]
    securityAdminConfigurations:
      - {{ name: c, ruleCollections: [{{ name: ops, appliesToGroups: [all], rules: [{{ name: ssh, priority: 1, direction: Inbound, access: {access}, protocol: Tcp }}] }}] }}
"
        )
    };
    let mut rig = connected(&network(true, &managers("Allow"), &[]));
    rig.reload(&network(true, &managers("Deny"), &[]));
    assert_eq!((from_a(&mut rig), from_b(&mut rig)), (1, 1));
    assert!(rig.send("a", &tcp((A, 40_001), (B, 80), "S", 1, 0, b"")).is_empty());
    assert_eq!(rig.count(Reason::NsgDeny), 1);
}

/// How often a rule has decided.
fn hits(rig: &Rig, object: &str, rule: &str) -> u64 {
    let names = rig.ids.rules.names().iter().enumerate();
    names.filter(|(_, name)| name.object == object && name.rule == rule).map(|(number, _)| rig.count_of(|reader| reader.rule(number))).sum()
}

#[test]
fn an_evaluation_counts_whenever_it_takes_place() {
    let mut rig = connected(&network(true, "", &[]));
    assert_eq!(hits(&rig, "g", "AllowVnetInBound"), 1, "the first packet alone");
    rig.reload(&network(false, "", &[no_ssh()]));
    assert_eq!((from_a(&mut rig), hits(&rig, "g", "no-ssh")), (1, 0), "without the flag nothing is evaluated");
    rig.reload(&network(true, "", &[no_ssh()]));
    assert_eq!(hits(&rig, "g", "no-ssh"), 1, "every open flow is looked at once after a reload");
    assert_eq!((from_a(&mut rig), from_b(&mut rig), hits(&rig, "g", "no-ssh")), (0, 0, 1), "and its refusal stands until the next");
    assert_eq!(rig.count(Reason::NsgDeny), 2);
    rig.reload(&network(true, "", &[no_ssh(), rule("other", 200, "Inbound", "Deny", "destinationPortRange: '23'")]));
    assert_eq!((from_a(&mut rig), hits(&rig, "g", "no-ssh")), (0, 2));
}

#[test]
fn an_open_connection_is_idle_for_as_long_as_its_network_says() {
    let with = |property: &str| network(false, "", &[]).replace("  - name: v\n", &format!("  - name: v\n{property}"));
    let minutes = |count: u32| with(&format!("    flowTimeoutInMinutes: {count}\n"));
    for (text, wait, open) in [(with(""), 3, 1), (with(""), 5, 0), (minutes(4), 5, 0), (minutes(6), 5, 1), (minutes(6), 7, 0)] {
        let mut rig = connected(&text);
        rig.after(Duration::from_secs(wait * 60));
        assert_eq!(rig.flows(), open, "after {wait} minutes\n{text}");
    }
    for (count, found) in [(3, true), (4, false), (30, false), (31, true)] {
        let wrong = crate::network::findings(&minutes(count)).contains(&("OUT_OF_RANGE", 3));
        assert_eq!(wrong, found, "{count}");
    }
}
