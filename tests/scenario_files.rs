//! `causeway test` as its user sees it: scenario files as questions to the policy.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::fs;
use std::process::{Command, Output};

use serde_json::Value as Json;

const QUICKSTART: &str = "configs/quickstart.yaml";

/// A folder with the quickstart's network as `net.yaml`, its variants, and a scenario file.
struct Folder(tempfile::TempDir);

impl Folder {
    fn with(scenarios: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("net.yaml", &fs::read_to_string(QUICKSTART).unwrap());
        folder.write("s.yaml", scenarios);
        folder
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    /// The network with one text in another's place.
    fn variant(&self, name: &str, from: &str, to: &str) {
        let network = fs::read_to_string(QUICKSTART).unwrap();
        assert!(network.contains(from), "{from}");
        self.write(name, &network.replace(from, to));
    }

    fn test(&self, more: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_causeway"));
        command.current_dir(self.0.path()).args(["test", "net.yaml", "s.yaml"]).args(more).output().unwrap()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn json(output: &Output) -> Json {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(output)))
}

#[test]
fn the_quickstart_keeps_its_promises() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_causeway"));
    let output = command.args(["test", QUICKSTART, "configs/quickstart.scenarios.yaml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).ends_with("\n5 passed, 0 failed, 0 skipped\n"), "{}", said(&output));
}

#[test]
fn a_difference_is_shown_at_its_place_and_exits_1() {
    let folder = Folder::with(
        "scenarios:\n  - name: hopeful\n    from: batch1\n    to: orders:80/tcp\n    expect: { verdict: Allow, seenAs: { kind: Public, subnet: shop/web } }\n",
    );
    let output = folder.test(&[]);
    assert_eq!(output.status.code(), Some(1));
    for line in [
        "  ✗ hopeful\n",
        "s.yaml:5:24: verdict: expected Allow, got Deny\n",
        "s.yaml:5:63: seenAs.subnet: expected shop/web, got null\n",
        "ask alone: causeway explain net.yaml --from batch1 --to orders:80/tcp\n",
        "\n0 passed, 1 failed, 0 skipped\n",
    ] {
        assert!(said(&output).contains(line), "{line} in\n{}", said(&output));
    }
}

#[test]
fn every_fault_of_the_file_is_told_at_once() {
    let folder = Folder::with(
        "scenarios:\n  - name: one\n    from: wbe1\n    to: orders\n    expect: { verdit: Deny }\n  - name: two\n    form: web1\n    to: nowhere\n    expect: {}\n    network: other.yaml\n  - name: three\n    from: web1\n    to: ordrs:80\n    expect: { seenAs: { kind: Secret }, deliveredTo: ordrs, steps: [{ stge: route }] }\n    then: [{ reload: net.yaml }]\n",
    );
    let output = folder.test(&[]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "no answer");
    for finding in [
        "s.yaml:3:11: error[QUESTION]: net.yaml: there is no port or host `wbe1`; did you mean `web1`?",
        "s.yaml:5:15: error[UNKNOWN_PROPERTY]: the fields of an answer have no `verdit`",
        "s.yaml:6:5: error[MISSING_PROPERTY]: a scenario lacks `from`",
        "s.yaml:7:5: error[UNKNOWN_PROPERTY]: a scenario has no property `form`",
        "s.yaml:9:13: error[MISSING_PROPERTY]: nothing is expected",
        "s.yaml:10:14: error[FILE_UNREADABLE]: other.yaml: there is no such file",
        "s.yaml:13:9: error[QUESTION]: net.yaml: there is no service, host, port or interface `ordrs`",
        "s.yaml:14:31: error[BAD_VALUE]: `Secret` is no kind",
        "s.yaml:14:54: error[QUESTION]: net.yaml: there is no port or host `ordrs`",
        "s.yaml:14:71: error[UNKNOWN_PROPERTY]: the fields of a step have no `stge`",
        "s.yaml:15:12: error[MISSING_PROPERTY]: nothing is expected of this change",
        "hint: did you mean `verdict`?",
    ] {
        assert!(said(&output).contains(finding), "{finding} in\n{}", said(&output));
    }
}

#[test]
fn a_wrong_network_file_is_told_as_check_tells_it() {
    let folder = Folder::with("scenarios: [{ name: n, from: web1, to: orders, expect: { verdict: Allow } }]\n");
    folder.variant("net.yaml", "networkSecurityGroup: web-nsg", "networkSecurityGroup: web-ngs");
    let output = folder.test(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("net.yaml:23:31: error[UNKNOWN_NAME]"), "{}", said(&output));
}

#[test]
fn scenarios_name_networks_of_their_own() {
    let folder = Folder::with(
        "network: open.yaml\nscenarios:\n  - { name: open, from: batch1, to: orders, expect: { verdict: Allow } }\n  - { name: shut, network: net.yaml, from: batch1, to: orders, expect: { verdict: Deny, steps: [{ at: 'net.yaml:45' }] } }\n",
    );
    folder.variant("open.yaml", "defaultAction: Deny\n      virtualNetworkRules: [shop/web]", "defaultAction: Allow");
    let output = folder.test(&["-o", "json"]);
    let json = json(&output);
    assert_eq!((&json["scenarios"][0]["result"], &json["scenarios"][0]["differences"]), (&"passed".into(), &Json::Array(vec![])));
    assert_eq!(json["scenarios"][1]["answer"]["decidedBy"], "orders/defaultAction");
}

#[test]
fn only_chosen_names_are_played() {
    let folder = Folder::with(
        "scenarios:\n  - { name: The First, from: web1, to: orders, expect: { verdict: Allow } }\n  - { name: second, from: web1, to: orders, expect: { verdict: Deny } }\n",
    );
    assert_eq!(folder.test(&["--filter", "the first"]).status.code(), Some(0));
    assert_eq!(folder.test(&["--filter", "second"]).status.code(), Some(1));
    let none = folder.test(&["--filter", "third"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(said(&none).contains("no scenario's name holds `third`"), "{}", said(&none));
}

/// A firewall rule with a header filter: packets do not show whether it matches.
const HEADERS: &str = "- { name: from-web, priority: 100, action: Allow, subnet: shop/web, headers: { x-azure-fdid: [1234] } }";

#[test]
fn undetermined_exits_3_unless_it_is_expected_or_something_failed() {
    let asked = "from: web1, to: func:80";
    let unexpected = format!("  - {{ name: a, {asked}, expect: {{ verdict: Allow }} }}\n");
    let expected = format!("  - {{ name: b, {asked}, expect: {{ verdict: Undetermined, hint: header }} }}\n");
    let failing = "  - { name: c, from: batch1, to: orders, expect: { verdict: Allow } }\n".to_owned();
    for (scenarios, status, summary) in [
        (vec![&unexpected, &expected], 3, "1 passed, 0 failed, 0 skipped, 1 undetermined"),
        (vec![&expected], 0, "1 passed, 0 failed, 0 skipped"),
        (vec![&unexpected, &failing], 1, "0 passed, 1 failed, 0 skipped, 1 undetermined"),
    ] {
        let folder = Folder::with(&format!("scenarios:\n{}", scenarios.into_iter().cloned().collect::<String>()));
        folder.variant("net.yaml", "- { name: from-web, priority: 100, action: Allow, subnet: shop/web }", HEADERS);
        let output = folder.test(&[]);
        assert_eq!(output.status.code(), Some(status), "{}", said(&output));
        assert!(said(&output).contains(summary), "{}", said(&output));
    }
}

const LIVE: &str = "
scenarios:
  - name: an open connection outlives its rule, a new one does not come to be
    from: web1
    to: orders
    expect: { verdict: Allow }
    then:
      - { reload: no-rule.yaml, established: Allow, expect: { verdict: Deny, reason: nsg-deny } }
  - name: removing what is at the far end ends it
    from: web1
    to: orders
    expect: { verdict: Allow }
    then:
      - { reload: no-port.yaml, established: Deny, expect: { verdict: Deny, reason: destination-unknown } }
      - { reload: net.yaml, established: Allow }
  - name: disabling the endpoint resets it
    from: web1
    to: orders
    expect: { verdict: Allow }
    then:
      - { reload: no-endpoint.yaml, established: Reset, expect: { seenAs: null } }
  - name: what was refused is not open
    from: batch1
    to: orders
    expect: { verdict: Deny }
    then:
      - { reload: no-rule.yaml, established: Deny }
";

#[test]
fn a_connection_is_judged_over_changes() {
    let folder = Folder::with(LIVE);
    folder.variant(
        "no-rule.yaml",
        "name: allow-storage, priority: 100, direction: Outbound, access: Allow",
        "name: allow-storage, priority: 100, direction: Outbound, access: Deny",
    );
    let without: String =
        fs::read_to_string(QUICKSTART).unwrap().split_inclusive('\n').filter(|line| !line.contains("{ name: orders,")).collect();
    folder.write("no-port.yaml", &without);
    folder.variant("no-endpoint.yaml", "serviceEndpoints: [Microsoft.Web, Microsoft.Storage]", "serviceEndpoints: [Microsoft.Web]");
    let no_endpoint = fs::read_to_string(folder.0.path().join("no-endpoint.yaml")).unwrap();
    folder.write("no-endpoint.yaml", &no_endpoint.replace("      virtualNetworkRules: [shop/web]", "      virtualNetworkRules: []"));
    let output = folder.test(&["-o", "json"]);
    let json = json(&output);
    let fields = |index: usize| -> Vec<String> {
        let differences = json["scenarios"][index]["differences"].as_array().unwrap();
        differences.iter().map(|it| format!("{} {} {}", it["field"].as_str().unwrap(), it["expected"], it["actual"])).collect()
    };
    assert_eq!(fields(0), Vec::<String>::new());
    assert_eq!(fields(1), Vec::<String>::new(), "its ends, which were told nothing, try on");
    assert_eq!(json["scenarios"][2]["then"][0]["established"], "Reset");
    assert_eq!(fields(2).len(), 1, "the new packet's source was decided: {:?}", fields(2));
    assert_eq!(fields(3), ["then[0].established \"Deny\" \"Closed\""]);
}

#[test]
fn junit_goes_to_stdout_and_the_status_stays() {
    let folder = Folder::with("scenarios: [{ name: 'a < b', from: batch1, to: orders, expect: { verdict: Allow } }]\n");
    let output = folder.test(&["-o", "junit"]);
    assert_eq!(output.status.code(), Some(1));
    let text = said(&output);
    assert!(text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites"), "{text}");
    assert!(text.contains("name=\"a &lt; b\"") && text.contains("<failure message=\"not as expected\">"), "{text}");
}

#[test]
fn missing_arguments_are_wrong_usage() {
    for arguments in [&["test"][..], &["test", "net.yaml"], &["test", "net.yaml", "s.yaml", "--mode", "dreams"]] {
        assert_eq!(Command::new(env!("CARGO_BIN_EXE_causeway")).args(arguments).output().unwrap().status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn the_schema_knows_every_property() {
    let output = Command::new(env!("CARGO_BIN_EXE_causeway")).args(["schema", "--scenarios"]).output().unwrap();
    let schema = json(&output);
    let properties = |name: &str| schema["$defs"][name]["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(properties("Scenario"), ["expect", "from", "name", "network", "source", "sourcePort", "then", "to"]);
    assert_eq!(properties("Change"), ["established", "expect", "reload"]);
    let answer = ["decidedBy", "deliveredTo", "destination", "hint", "nextHopType", "reason", "seenAs", "source", "steps", "verdict"];
    assert_eq!(properties("Expectation"), answer);
}
