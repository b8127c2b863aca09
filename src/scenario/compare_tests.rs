//! Expectations beside answers.

use serde_json::json;

use super::*;
use crate::config::finding::Findings;
use crate::config::model::decode::Decode as _;
use crate::config::text::parse;

fn expectation(text: &str) -> Expectation {
    let mut findings = Findings::new("s.yaml", text);
    let found = parse(text, &mut findings).and_then(|root| Expectation::decode(&root, &mut findings));
    assert!(!findings.has_errors(), "{}", findings.render(false));
    found.unwrap()
}

fn answer() -> Json {
    json!({
        "verdict": "Allow", "reason": "forwarded", "nextHopType": null, "hint": "give web-nsg an outbound Allow rule",
        "seenAs": { "kind": "Private", "address": "10.1.1.4", "virtualNetwork": "shop", "subnet": "web" },
        "decidedBy": "orders/virtualNetworkRules[0]",
        "steps": [
            { "stage": "nsg-outbound", "object": "web-nsg", "rule": "allow-storage", "access": "Allow", "at": "configs/quickstart.yaml:31:9" },
            { "stage": "route", "prefix": "203.0.113.16/28", "source": "Default" },
            { "stage": "delivery", "note": "port orders" }
        ]
    })
}

fn differing(text: &str) -> Vec<String> {
    Comparison::of(&expectation(text), &answer(), Lacking::IsNull, "").differences.into_iter().map(|it| it.field).collect()
}

#[test]
fn what_is_not_expected_may_be_anything_and_case_does_not_matter() {
    for text in [
        "verdict: allow",
        "{ reason: FORWARDED, nextHopType: null }",
        "seenAs: { subnet: web }",
        "seenAs: { subnet: Shop/Web, address: 10.1.1.4 }",
        "decidedBy: ORDERS/virtualnetworkrules[0]",
        "hint: an OUTBOUND allow",
        "deliveredTo: null",
    ] {
        assert_eq!(differing(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn every_difference_is_named_by_its_path() {
    assert_eq!(
        differing("{ verdict: Deny, seenAs: { kind: Public, subnet: shop/batch }, nextHopType: Internet, hint: null, decidedBy: orders }"),
        ["verdict", "seenAs.kind", "seenAs.subnet", "nextHopType", "hint", "decidedBy"]
    );
    assert_eq!(differing("{ seenAs: null }"), ["seenAs"]);
    assert_eq!(differing("{ source: { subnet: web } }"), ["source"]);
}

#[test]
fn steps_occur_in_their_order_with_others_between() {
    assert_eq!(differing("steps: [{ stage: nsg-outbound, rule: allow-storage }, { stage: delivery, note: orders }]"), Vec::<String>::new());
    assert_eq!(differing("steps: [{ stage: route }, { stage: nsg-outbound }]"), ["steps[1]"]);
    assert_eq!(differing("steps: [{ stage: route, source: User }]"), ["steps[0]"]);
    let comparison = Comparison::of(&expectation("steps: [{ stage: route, source: User }]"), &answer(), Lacking::IsNull, "");
    assert_eq!(comparison.differences[0].actual[0]["prefix"], "203.0.113.16/28", "the steps of that stage are shown");
}

#[test]
fn a_place_may_leave_out_folders_and_column() {
    for at in ["quickstart.yaml:31", "quickstart.yaml:31:9", "configs/quickstart.yaml:31:9"] {
        assert_eq!(differing(&format!("steps: [{{ at: '{at}' }}]")), Vec::<String>::new(), "{at}");
    }
    for at in ["start.yaml:31", "quickstart.yaml:3", "quickstart.yaml:31:8"] {
        assert_eq!(differing(&format!("steps: [{{ at: '{at}' }}]")), ["steps[0]"], "{at}");
    }
}

#[test]
fn what_packets_do_not_show_is_listed_and_not_compared() {
    let shown = json!({ "verdict": "Allow", "seenAs": { "kind": "Public" } });
    let wanted = expectation("{ verdict: Allow, nextHopType: Internet, seenAs: { kind: Private, subnet: web } }");
    let comparison = Comparison::of(&wanted, &shown, Lacking::IsUnknown, "then[0].");
    assert_eq!(comparison.not_shown, ["then[0].nextHopType", "then[0].seenAs.subnet"]);
    assert_eq!(comparison.differences.len(), 1);
    assert_eq!((comparison.differences[0].field.as_str(), comparison.matched), ("then[0].seenAs.kind", 1));
}

#[test]
fn an_undetermined_answer_is_no_failure_and_passes_where_it_is_expected() {
    let answer = json!({ "verdict": "Undetermined", "reason": "unsupported" });
    let unexpected = Comparison::of(&expectation("verdict: Allow"), &answer, Lacking::IsNull, "");
    assert_eq!((unexpected.failed, unexpected.undetermined, unexpected.differences.len()), (false, true, 1));
    let expected = Comparison::of(&expectation("verdict: Undetermined"), &answer, Lacking::IsNull, "");
    assert_eq!((expected.failed, expected.undetermined), (false, false));
    let otherwise = Comparison::of(&expectation("{ verdict: Undetermined, reason: nsg-deny }"), &answer, Lacking::IsNull, "");
    assert!(otherwise.failed);
}
