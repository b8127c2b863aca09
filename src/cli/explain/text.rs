//! An explanation for people.

use comfy_table::{Table, presets};

use super::Args;
use crate::policy::explain::report::{Explanation, StepReport, Verdict};

/// The verdict, the steps as a table, and what follows from them.
pub(super) fn render(args: &Args, explanation: &Explanation) -> String {
    let verdict = match explanation.verdict {
        Verdict::Allow => "Allow",
        Verdict::Deny => "Deny",
        Verdict::Undetermined => "Undetermined",
    };
    let mut text = format!("{verdict} ({})  {} -> {}\n\n{}\n", explanation.reason, args.from, args.to, steps(&explanation.steps));
    let seen_as = explanation.seen_as.as_ref().map(|seen| {
        let identity = seen.virtual_network.iter().zip(&seen.subnet).next().map(|(network, subnet)| format!(", {network}/{subnet}"));
        format!("{} ({}{})", seen.address, seen.kind, identity.unwrap_or_default())
    });
    let lines = [("seen as", seen_as), ("decided by", explanation.decided_by.clone()), ("hint", explanation.hint.clone())];
    for (index, (label, value)) in lines.into_iter().filter_map(|(label, value)| Some((label, value?))).enumerate() {
        // An empty line between the steps and what follows from them.
        let before = if index == 0 { "\n" } else { "" };
        text.push_str(&format!("{before}{label:<11} {value}\n"));
    }
    text
}

fn steps(steps: &[StepReport]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    for step in steps {
        let stage = serde_json::to_value(step.stage).ok().and_then(|stage| stage.as_str().map(String::from)).unwrap_or_default();
        let access = step.access.map(|access| format!("{access:?}")).unwrap_or_default();
        table.add_row([stage, what(step), access, step.at.clone().unwrap_or_default()]);
    }
    let rows = table.lines().zip(steps).map(|(row, step)| match remark(step) {
        Some(remark) => format!(" {}\n     {remark}", row.trim_end()),
        None => format!(" {}", row.trim_end()),
    });
    rows.collect::<Vec<_>>().join("\n")
}

/// A sentence beside a rule or route: a line of its own, so that the columns stay narrow.
fn remark(step: &StepReport) -> Option<&str> {
    step.note.as_deref().filter(|_| step.object.is_some() || step.route.is_some())
}

/// `web-nsg/allow-storage`, `0.0.0.0/0 -> Internet (Default)`, or a sentence.
fn what(step: &StepReport) -> String {
    let rule = match (&step.object, &step.rule) {
        (Some(object), Some(rule)) => Some(format!("{object}/{rule}")),
        (Some(object), None) => Some(object.clone()),
        _ => None,
    };
    let route = step.route.as_ref().map(|route| {
        let hop = route.next_hop_type.map(|hop| format!("{hop:?}")).unwrap_or_default();
        let appliance = route.next_hop_ip_address.map(|address| format!(" {address}")).unwrap_or_default();
        let source = route.source.map(|source| format!(" ({source:?})")).unwrap_or_default();
        format!("{} -> {hop}{appliance}{source}", route.prefix)
    });
    let sentence = step.note.clone().filter(|_| remark(step).is_none());
    [rule, route, sentence].into_iter().flatten().collect::<Vec<_>>().join(", ")
}
