//! A network file in a text, and questions to it.

use causeway::ask::{Words, ask};
use causeway::config::compile::compile;
use causeway::config::load::load_text;
use causeway::policy::explain::report::{Explanation, Verdict};
use causeway::policy::ids::Ids;

/// A rule without names of its own, as flow YAML; `more` holds what it does not take as any.
pub fn rule(name: &str, priority: u16, direction: &str, access: &str, more: &str) -> String {
    let mut text = format!("{{ name: {name}, priority: {priority}, direction: {direction}, access: {access}");
    for (given, any) in [
        ("protocol", "protocol"),
        ("sourceA", "sourceAddressPrefix"),
        ("sourceP", "sourcePortRange"),
        ("destinationA", "destinationAddressPrefix"),
        ("destinationP", "destinationPortRange"),
    ] {
        if !more.contains(given) {
            text.push_str(&format!(", {any}: '*'"));
        }
    }
    if !more.is_empty() {
        text.push_str(&format!(", {more}"));
    }
    text + " }"
}

/// A group of rules.
pub fn group(name: &str, rules: &[String]) -> String {
    let list: Vec<String> = rules.iter().map(|rule| format!("      - {rule}\n")).collect();
    if list.is_empty() { format!("  - {{ name: {name} }}\n") } else { format!("  - name: {name}\n    securityRules:\n{}", list.concat()) }
}

/// Asks a file; it must have no error.
#[track_caller]
pub fn explain(text: &str, from: &str, to: &str) -> Explanation {
    explain_port(text, from, to, 49152)
}

/// The same, with the packet's source port.
#[track_caller]
pub fn explain_port(text: &str, from: &str, to: &str, source_port: u16) -> Explanation {
    let loaded = load_text("net.yaml", text);
    let network = loaded.network.unwrap_or_else(|| panic!("{}\n{text}", loaded.findings.render(false)));
    let snapshot = compile(&network, &mut Ids::default(), 1).unwrap();
    let words = Words { from: from.into(), to: to.into(), source: None, source_port };
    ask(&network, &snapshot, &words).unwrap()
}

/// Verdict, and the rule that decided.
#[track_caller]
pub fn decided(text: &str, from: &str, to: &str) -> (Verdict, String) {
    let explanation = explain(text, from, to);
    (explanation.verdict, explanation.decided_by.unwrap_or_default())
}

#[track_caller]
pub fn allowed_by(text: &str, from: &str, to: &str, rule: &str) {
    assert_eq!(decided(text, from, to), (Verdict::Allow, rule.to_owned()), "{from} -> {to}\n{text}");
}

#[track_caller]
pub fn denied_by(text: &str, from: &str, to: &str, rule: &str) {
    assert_eq!(decided(text, from, to), (Verdict::Deny, rule.to_owned()), "{from} -> {to}\n{text}");
}

/// `STAGE OBJECT/RULE ACCESS` of the steps that security rules left.
pub fn rule_steps(explanation: &Explanation) -> Vec<String> {
    let steps = explanation.steps.iter().filter(|step| step.rule.is_some() && step.access.is_some());
    let stage =
        |step: &causeway::policy::explain::report::StepReport| serde_json::to_value(step.stage).unwrap().as_str().unwrap().to_owned();
    steps
        .map(|step| {
            let (object, rule) = (step.object.clone().unwrap_or_default(), step.rule.clone().unwrap_or_default());
            format!("{} {object}/{rule} {:?}", stage(step), step.access.unwrap())
        })
        .collect()
}

/// Codes and lines of the findings in a text.
pub fn findings(text: &str) -> Vec<(&'static str, u32)> {
    load_text("net.yaml", text).findings.iter().map(|finding| (finding.code.as_str(), finding.span.start.line)).collect()
}
