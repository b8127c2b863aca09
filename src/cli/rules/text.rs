//! Effective security rules for people: a table for each group and direction.

use comfy_table::{Table, presets};

use super::effective::{Association, EffectiveGroup, EffectiveRules, Matches};
use crate::policy::ids::Direction;

/// A cell lists as many entries; of longer lists the first and how many there are.
const ENTRIES: usize = 3;

const HEADER: [&str; 8] = ["PRIORITY", "NAME", "ACCESS", "PROTOCOL", "SOURCE", "PORTS", "DESTINATION", "PORTS"];

/// The admin rules, then the groups.
pub(super) fn render(rules: &EffectiveRules) -> String {
    let mut parts = Vec::new();
    for direction in [Direction::Inbound, Direction::Outbound] {
        let own = rules.effective_security_admin_rules.iter().filter(|rule| rule.direction == direction);
        let rows: Vec<_> = own
            .map(|rule| {
                let name = format!("{}/{}", rule.rule_collection, rule.name);
                row(rule.priority, name, &format!("{:?}", rule.access), &rule.matches)
            })
            .collect();
        if !rows.is_empty() {
            parts.push(section("security admin rules", direction, rows));
        }
    }
    parts.extend(rules.value.iter().flat_map(group));
    if rules.value.is_empty() {
        parts.push("no network security group: it lets everything through\n".to_owned());
    }
    parts.join("\n")
}

fn group(group: &EffectiveGroup) -> [String; 2] {
    [Direction::Inbound, Direction::Outbound].map(|direction| {
        let own = group.effective_security_rules.iter().filter(|rule| rule.direction == direction);
        let name = |full: &str| full.split_once('/').map_or_else(|| full.to_owned(), |(_, name)| name.to_owned());
        let rows = own.map(|rule| row(rule.priority, name(&rule.name), rule.access, &rule.matches)).collect();
        section(&format!("{} ({})", group.network_security_group.id, place(&group.association)), direction, rows)
    })
}

fn place(association: &Association) -> String {
    let subnet = association.subnet.as_ref().map(|subnet| format!("subnet {}", subnet.id));
    let interface = association.network_interface.as_ref().map(|interface| format!("network interface {}", interface.id));
    subnet.or(interface).unwrap_or_default()
}

fn section(title: &str, direction: Direction, rows: Vec<[String; 8]>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(HEADER).add_rows(rows);
    let lines: Vec<String> = table.lines().map(|line| format!(" {}\n", line.trim_end())).collect();
    format!("{title}, {}\n{}", format!("{direction:?}").to_lowercase(), lines.concat())
}

fn row(priority: u16, name: String, access: &str, matches: &Matches) -> [String; 8] {
    let side = |groups: &[String], prefixes: &[String]| {
        if groups.is_empty() { short(prefixes) } else { short(groups) }
    };
    [
        priority.to_string(),
        name,
        access.to_owned(),
        matches.protocol.to_owned(),
        side(&matches.source_application_security_groups, &matches.source_address_prefixes),
        ports(&matches.source_port_ranges),
        side(&matches.destination_application_security_groups, &matches.destination_address_prefixes),
        ports(&matches.destination_port_ranges),
    ]
}

fn short(list: &[String]) -> String {
    let shown: Vec<&str> = list.iter().take(ENTRIES).map(|entry| if entry == "0.0.0.0/0" { "*" } else { entry.as_str() }).collect();
    let more = if list.len() > ENTRIES { format!(", … ({})", list.len()) } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

/// `*`, `80`, `8000-8099`.
fn ports(ranges: &[String]) -> String {
    let simple = |range: &String| match range.split_once('-') {
        Some(("0", "65535")) => "*".to_owned(),
        Some((first, last)) if first == last => first.to_owned(),
        _ => range.clone(),
    };
    short(&ranges.iter().map(simple).collect::<Vec<_>>())
}
