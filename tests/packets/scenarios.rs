//! `causeway test --mode packets`: the same scenario files, with real packets.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value as Json;

use crate::common::networks::SHOP;
use crate::common::{CAUSEWAY, Lab, PATIENCE, text};

/// The quickstart's lab with names that belong to this test alone.
fn quickstart() -> (String, String) {
    let mut network = fs::read_to_string("configs/quickstart.yaml").unwrap();
    let mut scenarios = fs::read_to_string("configs/quickstart.scenarios.yaml").unwrap();
    for (name, short) in
        [("web1", "w"), ("batch1", "b"), ("func", "f"), ("orders", "o"), ("ledger", "l"), ("internet", "i"), ("laptop", "t")]
    {
        network = network.replace(&format!("{{ name: {name},"), &format!("{{ name: @{short},"));
        network = network.replace(&format!("port: {name},"), &format!("port: @{short},"));
        scenarios = scenarios.replace(&format!("from: {name}\n"), &format!("from: @{short}\n"));
    }
    (network, scenarios)
}

/// A file beside the lab's network file; `@` becomes the tag.
fn beside(lab: &Lab, name: &str, contents: &str) -> String {
    let path = lab.file().with_file_name(name);
    fs::write(&path, contents.replace('@', &lab.tag)).unwrap();
    path.display().to_string()
}

fn command(lab: &Lab, scenarios: &str) -> Command {
    let file = beside(lab, "scenarios.yaml", scenarios);
    let mut command = Command::new(CAUSEWAY);
    command.arg("test").arg(lab.file()).args([&file, "--mode", "packets", "-o", "json"]).stdin(Stdio::null());
    command
}

fn played(lab: &Lab, scenarios: &str) -> (Option<i32>, Json) {
    let output: Output = command(lab, scenarios).output().unwrap();
    let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output)));
    assert!(!is_left(lab), "the lab is gone");
    (output.status.code(), json)
}

/// Something of the lab is on the machine.
fn is_left(lab: &Lab) -> bool {
    let holds = |directory: &str| {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        entries.map(|entry| entry.path().display().to_string()).any(|path| path.contains(&lab.tag))
    };
    ["/run/netns", "/etc/netns", "/run/causeway", "/sys/class/net"].into_iter().any(holds)
}

fn results(json: &Json) -> Vec<&str> {
    json["scenarios"].as_array().unwrap().iter().map(|it| it["result"].as_str().unwrap()).collect()
}

#[test]
fn the_quickstart_keeps_its_promises_with_packets() {
    let (network, scenarios) = quickstart();
    let Some(lab) = Lab::prepare(&network) else { return };
    let (status, json) = played(&lab, &scenarios);
    assert_eq!((status, results(&json)), (Some(0), vec!["passed"; 5]), "{json:#}");
    assert_eq!(json["scenarios"][0]["answer"]["seenAs"]["address"], "10.1.1.4");
    assert_eq!(json["scenarios"][0]["notShown"], serde_json::json!(["seenAs.subnet"]));
    assert_eq!(json["scenarios"][2]["notShown"], serde_json::json!(["nextHopType"]));
}

const EVERY_PROTOCOL: &str = "
scenarios:
  - { name: tcp without a listener, from: @web, to: '10.1.2.4:8080', expect: { verdict: Allow, seenAs: { kind: Private, address: 10.1.1.4 }, decidedBy: web-nsg/AllowVnetOutBound, deliveredTo: @batch } }
  - { name: tcp with the host's own, from: @inet, to: 'ledger:5000', expect: { verdict: Deny, reason: service-firewall-deny, decidedBy: ledger/defaultAction } }
  - { name: udp, from: @batch, to: 'ledger:5000/udp', expect: { verdict: Allow, seenAs: { kind: Public, address: 192.0.2.10 }, decidedBy: 'ledger/ipRules[0]' } }
  - { name: icmp, from: @web, to: 10.1.2.4/icmp, expect: { verdict: Allow, seenAs: { address: 10.1.1.4 } } }
  - { name: esp, from: @web, to: 10.1.2.4/esp, expect: { verdict: Allow, seenAs: { address: 10.1.1.4 } } }
  - { name: ah, from: @web, to: 10.1.2.4/ah, expect: { verdict: Allow, seenAs: { address: 10.1.1.4 } } }
  - { name: esp denied, from: @web, to: 198.51.100.20/esp, expect: { verdict: Deny, reason: nsg-deny, decidedBy: web-nsg/deny-internet } }
  - { name: a stranger whose address the host borrows, from: internet/198.51.100.9, to: func, expect: { verdict: Deny, reason: service-firewall-deny, decidedBy: func/defaultAction } }
  - { name: a far host that the stranger stands for, from: @batch, to: '198.51.100.77:443', expect: { verdict: Allow, seenAs: { kind: Public, address: 192.0.2.10 } } }
  - { name: a false source, from: @batch, source: 10.1.2.9, to: func, expect: { verdict: Deny, reason: source-spoofed } }
";

#[test]
fn packets_of_every_protocol_are_sent_and_seen() {
    let Some(lab) = Lab::prepare(SHOP) else { return };
    let (status, json) = played(&lab, EVERY_PROTOCOL);
    assert_eq!((status, results(&json)), (Some(0), vec!["passed"; 10]), "{json:#}");
}

const NOT_ALL_GOOD: &str = "
scenarios:
  - { name: fails, from: @batch, to: 'ledger:1433', expect: { verdict: Allow, seenAs: { kind: Private, address: 192.0.2.11 }, decidedBy: ledger/defaultAction } }
  - { name: refused, from: @web, to: '198.51.100.20:80', expect: { verdict: Allow } }
  - { name: shows nothing, from: @web, to: orders, expect: { nextHopType: VirtualNetworkServiceEndpoint } }
  - { name: nobody sends, from: shop/batch/10.1.2.9, to: orders, expect: { verdict: Deny } }
  - { name: one, from: @batch, to: 'ledger:1433', sourcePort: 40000, expect: { verdict: Allow } }
  - { name: the same again, from: @batch, to: 'ledger:1433', sourcePort: 40000, expect: { verdict: Allow } }
";

#[test]
fn what_differs_fails_and_what_cannot_be_played_is_skipped() {
    let Some(lab) = Lab::prepare(SHOP) else { return };
    let (status, json) = played(&lab, NOT_ALL_GOOD);
    assert_eq!((status, results(&json)), (Some(1), vec!["failed", "failed", "skipped", "skipped", "passed", "skipped"]), "{json:#}");
    assert_eq!((&json["passed"], &json["failed"], &json["skipped"]), (&1.into(), &2.into(), &3.into()));
    let fields = |index: usize| -> Vec<&str> {
        json["scenarios"][index]["differences"].as_array().unwrap().iter().map(|it| it["field"].as_str().unwrap()).collect()
    };
    assert_eq!((fields(0), fields(1)), (vec!["seenAs.kind", "seenAs.address", "decidedBy"], vec!["verdict"]));
    for (index, reason) in [(2, "packets show nothing"), (3, "no port of"), (5, "meet its flow")] {
        assert!(json["scenarios"][index]["reason"].as_str().unwrap().contains(reason), "{json:#}");
    }
}

const LIVE: &str = "
scenarios:
  - name: an open connection outlives its rule
    from: @web
    to: '10.1.2.4:80'
    expect: { verdict: Allow }
    then:
      - { reload: denied.yaml, established: Allow, expect: { verdict: Deny, decidedBy: web-nsg/no-batch } }
      - { reload: @.yaml, established: Allow, expect: { verdict: Allow } }
  - name: so do datagrams
    from: @web
    to: '10.1.2.4:53/udp'
    expect: { verdict: Allow }
    then:
      - { reload: denied.yaml, established: Allow, expect: { verdict: Deny, decidedBy: web-nsg/no-batch } }
  - name: a switched endpoint resets
    from: @web
    to: orders
    expect: { verdict: Allow, seenAs: { kind: Private } }
    then:
      - { reload: switched.yaml, established: Reset, expect: { verdict: Deny, reason: nsg-deny } }
  - name: and the network is as before
    from: @web
    to: orders
    expect: { verdict: Allow, decidedBy: 'orders/virtualNetworkRules[0]' }
  - name: a connection that ends is a difference
    from: @web
    to: orders
    expect: { verdict: Allow }
    then:
      - { reload: switched.yaml, established: Allow }
";

#[test]
fn a_real_connection_is_held_over_changes() {
    let Some(lab) = Lab::prepare(SHOP) else { return };
    let rule = "securityRules:\n      - { name: no-batch, priority: 105, direction: Outbound, access: Deny, protocol: '*', sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: 10.1.2.4, destinationPortRange: '*' }";
    beside(&lab, "denied.yaml", &SHOP.replacen("securityRules:", rule, 1));
    let switched = SHOP.replace("serviceEndpoints: [Microsoft.Web, Microsoft.Storage]", "serviceEndpoints: [Microsoft.Web]");
    let switched = switched.replace("virtualNetworkRules: [shop/web]", "virtualNetworkRules: []");
    beside(
        &lab,
        "switched.yaml",
        &switched.replace(
            "name: allow-storage, priority: 100, direction: Outbound, access: Allow",
            "name: allow-storage, priority: 100, direction: Outbound, access: Deny",
        ),
    );
    let (status, json) = played(&lab, LIVE);
    assert_eq!((status, results(&json)), (Some(1), vec!["passed", "passed", "passed", "passed", "failed"]), "{json:#}");
    assert_eq!(json["scenarios"][4]["differences"][0]["actual"], "Reset", "{json:#}");
    // The policy says the same of the same file.
    let asked =
        Command::new(CAUSEWAY).arg("test").arg(lab.file()).arg(lab.file().with_file_name("scenarios.yaml")).args(["-o", "json"]).output();
    let asked: Json = serde_json::from_slice(&asked.unwrap().stdout).unwrap();
    assert_eq!(results(&asked), results(&json), "{asked:#}");
}

const MANY: usize = 40;

/// Many scenarios that each wait for an answer that does not come.
fn slow() -> String {
    let one = |number: usize| {
        format!("  - {{ name: n{number}, from: @web, to: '198.51.100.{}:80', expect: {{ verdict: Allow }} }}\n", 30 + number)
    };
    format!("scenarios:\n{}", (0..MANY).map(one).collect::<String>())
}

#[test]
fn a_run_that_is_told_to_stop_leaves_nothing() {
    let Some(lab) = Lab::prepare(SHOP) else { return };
    let mut child: Child = command(&lab, &slow()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while !Path::new("/run/netns").join(lab.namespace("inet")).exists() {
        assert!(start.elapsed() < PATIENCE && child.try_wait().unwrap().is_none(), "the lab comes up");
        sleep(Duration::from_millis(10));
    }
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(!is_left(&lab));
}

#[test]
fn a_lab_that_is_up_is_refused_and_stays() {
    let Some(lab) = Lab::up(SHOP) else { return };
    let output = command(&lab, &slow()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("up already"), "{}", text(&output));
    assert!(lab.curl("web", "http://orders/").contains("seen-from 10.1.1.4 "));
}

#[test]
fn commands_are_shown_before_they_run_and_can_be_left_out() {
    let with_command = SHOP.replace("address: 10.1.2.4, serve", "address: 10.1.2.4, run: \"touch /tmp/@.ran; sleep 100\", serve");
    let Some(lab) = Lab::prepare(&with_command) else { return };
    let mark = format!("/tmp/{}.ran", lab.tag);
    let scenario = "scenarios: [{ name: n, from: @web, to: orders, expect: { verdict: Allow } }]\n";
    let without = command(&lab, scenario).arg("--no-run").output().unwrap();
    assert!(without.status.success() && !text(&without).contains(&mark) && !Path::new(&mark).exists(), "{}", text(&without));
    let with = command(&lab, scenario).output().unwrap();
    let ran = fs::remove_file(&mark).is_ok();
    assert!(with.status.success() && ran && text(&with).contains(&mark), "{}", text(&with));
    assert!(!is_left(&lab));
}
