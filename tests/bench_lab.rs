//! `scripts/bench` without measuring: what it offers, what it refuses, what it concludes from figures that were kept.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn bench(arguments: &[&str]) -> Output {
    Command::new("scripts/bench").args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs Python with the modules of the lab at hand.
fn python(program: &str) -> String {
    let program = format!("import sys\nsys.dont_write_bytecode = True\nsys.path[:0] = ['scripts', 'bench']\n{program}");
    let mut child = Command::new("python3").arg("-").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(program.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    text(&output.stdout)
}

/// What a run of three rounds would have kept.
fn kept() -> Value {
    let packets = |round: u32, peer: &str, rate: f64, nanoseconds: f64| json!({"round": round, "test": "packets", "peer": peer, "packetsPerSecond": rate, "nanosecondsPerPacket": nanoseconds});
    let tcp = |peer: &str, rate: f64| json!({"round": 0, "test": "tcp-1", "peer": peer, "gigabitsPerSecond": rate});
    json!({
        "schemaVersion": 1, "date": "2026-01-02", "rounds": 3, "load": 0.5,
        "machine": {"cpu": "A processor", "family": "1", "model": "2", "cores": 2, "instructions": [], "kernel": "6.1"},
        "peers": {"causeway": "ours", "copy": "theirs"},
        "measurements": [
            // The third round is slow for both, the second for one of them.
            packets(0, "causeway-uncoalesced", 400e3, 2300.0), packets(0, "copy", 500e3, 2000.0),
            packets(1, "causeway-uncoalesced", 430e3, 2210.0), packets(1, "copy", 500e3, 2000.0),
            packets(2, "causeway-uncoalesced", 90e3, 9000.0), packets(2, "copy", 100e3, 8880.0),
            tcp("causeway", 12.0), tcp("nftables", 8.0), tcp("ovs-tso", 15.0),
            {"round": 0, "test": "tcp-1", "peer": "copy", "error": "no TAP here"},
            {"round": 0, "test": "reloads", "peer": "causeway", "lostWithReloads": 3},
        ]
    })
}

fn reported(arguments: &[&str]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("kept.json");
    fs::write(&file, kept().to_string()).unwrap();
    bench(&[&["--report", file.to_str().unwrap()], arguments].concat())
}

fn ratio<'a>(result: &'a Value, what: &str) -> &'a Value {
    result["ratios"].as_array().unwrap().iter().find(|entry| entry["what"] == what).unwrap()
}

#[test]
fn tests_and_peers_are_listed() {
    let printed = text(&bench(&["--list"]).stdout);
    for name in [
        "tcp-1",
        "packets",
        "round-trip",
        "connects",
        "reloads",
        "causeway-xdp",
        "nftables",
        "ovs-tso",
        "testpmd-xdp",
        "--only flows means",
    ] {
        assert!(printed.contains(name), "{name}: {printed}");
    }
}

#[test]
fn what_there_is_not_is_refused_with_what_there_is() {
    for (arguments, expected) in [
        (["--only", "speed"], "bench: there is no test 'speed': tcp-1, "),
        (["--peers", "vpp"], "bench: there is no peer 'vpp': causeway, "),
        (["--rounds", "0"], "argument --rounds"),
        (["--seconds", "never"], "argument --seconds"),
        (["--report", "Cargo.toml"], "bench: Cargo.toml is no result of scripts/bench"),
    ] {
        let output = bench(&arguments);
        assert!(!output.status.success() && text(&output.stderr).contains(expected), "{arguments:?}: {}", text(&output.stderr));
    }
}

#[test]
fn without_root_it_says_so_in_a_line() {
    // Nobody, where the tests are root's.
    let output = Command::new("scripts/bench").arg("--quick").uid(65_534).output();
    match output {
        Ok(output) if text(&output.stderr).contains("Permission denied") => {
            println!("SKIPPED without_root_it_says_so_in_a_line: only root can read this directory")
        }
        Ok(output) => assert_eq!(text(&output.stderr), "bench: needs root: it makes network namespaces and TAPs\n"),
        Err(error) => println!("SKIPPED without_root_it_says_so_in_a_line: {error}"),
    }
}

#[test]
fn ratios_are_made_within_rounds() {
    let result: Value = serde_json::from_slice(&reported(&["--json"]).stdout).unwrap();
    let over = ratio(&result, "packets, not coalesced, over the bare copy");
    // 0.80, 0.86 and 0.90, though the medians over all rounds are 0.40 and 0.50.
    assert_eq!((&over["value"], &over["lowest"], &over["highest"]), (&json!(0.86), &json!(0.8), &json!(0.9)));
    assert_eq!(over["met"], "floor");
    let difference = ratio(&result, "nanoseconds a packet, not coalesced, less the bare copy's");
    assert_eq!((&difference["value"], &difference["met"]), (&json!(210.0), &json!("floor")));
    assert_eq!(result["summary"]["packets"]["copy"]["packetsPerSecond"]["median"], 500e3);
}

#[test]
fn the_best_of_several_peers_counts_and_a_failure_is_told() {
    let result: Value = serde_json::from_slice(&reported(&["--json"]).stdout).unwrap();
    let best = ratio(&result, "TCP, 1 stream, over the best of nftables and OVS with TSO");
    assert_eq!((&best["value"], &best["met"]), (&json!(0.8), &json!("no")));
    let failed = ratio(&result, "TCP, 1 stream, over the bare copy");
    assert_eq!((&failed["value"], &failed["why"]), (&Value::Null, &json!("copy: no TAP here")));
    assert_eq!(ratio(&result, "packets lost while reloading, up to 100 times a second")["met"], "no");
    assert_eq!(ratio(&result, "TCP connects over nftables")["why"], "not measured");
}

#[test]
fn tables_show_medians_spreads_and_what_failed() {
    let printed = text(&reported(&[]).stdout);
    for part in ["0.400 (0.090 to 0.430)", "failed: no TAP here", "BELOW THE FLOOR", "2 cores of A processor"] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
}

#[test]
fn the_networks_that_are_measured_are_valid() {
    let directory = tempfile::tempdir().unwrap();
    for (rules, groups) in [(10, 1), (1_000, 1), (10_000, 10)] {
        let network = python(&format!("from lab.peers.causeway import network_file\nsys.stdout.write(network_file({rules}))"));
        let listed = network.lines().filter(|line| line.contains("priority:")).count();
        assert_eq!((listed, network.matches("securityRules:").count()), (rules, groups));
        let file = directory.path().join(format!("rules-{rules}.yaml"));
        fs::write(&file, network).unwrap();
        let checked = Command::new(env!("CARGO_BIN_EXE_causeway")).arg("check").arg(&file).output().unwrap();
        assert!(checked.status.success(), "{}", text(&checked.stderr));
    }
}

#[test]
fn samples_of_a_profile_are_put_where_they_belong() {
    let placed = python(
        r#"
from lab.profile import placed, stacks
said = """worker-0  7
\tffffffff81000010 _copy_to_iter
\tffffffff81000020 tun_chr_read_iter
\tffffffff81000030 __x64_sys_read

worker-0  7
\t55d0c0ffee00 <causeway::port::tap::TapPort as causeway::port::Port>::rx_burst

worker-0  7
\t55d0c0ffee10 causeway::table::flow::Table::lookup

worker-0  7
\tffffffff81000040 entry_SYSCALL_64_after_hwframe
"""
for name, stack in stacks(said):
    print(name, placed(stack))
"#,
    );
    let expected =
        "worker-0 read from the TAP\nworker-0 causeway::port::tap\nworker-0 causeway::table::flow\nworker-0 system call entry and exit\n";
    assert_eq!(placed, expected);
}
