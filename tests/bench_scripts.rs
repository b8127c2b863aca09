//! `scripts/bench-acl` with stand-ins for both programs that it runs: what it reads of them, what it concludes, what it leaves behind.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

/// 20 M lookups/s with any algorithm but `scalar`, which fails.
const THEIRS: &str = r#"#!/bin/sh
test -d "$RUNTIME_DIRECTORY" || exit 3
mkdir -p "$RUNTIME_DIRECTORY/dpdk"
case "$*" in *--alg=scalar*) echo "Cause: no memory"; exit 1 ;; esac
echo "ipv6:0"
echo "total: 4000 bytes"
echo "max limit: 18446744073709551615 bytes"
echo "memory consumed: 9000"
echo "rte_acl_build(1) finished with 0"
echo "search_ip5tuples  @lcore 0: 5 iterations, 10 pkts, 1 categories, 9 cycles (0.01 sec), 1.00 cycles/pkt, 20000000.00 pkt/sec"
"#;

const OURS: &str = r#"#!/bin/sh
echo '{"rules":2,"lookupsPerSecond":50000000,"buildSeconds":0.001,"tableBytes":1000,"mismatches":WRONG}'
exit WRONG
"#;

fn program(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Runs the script over a set of two rules.
fn bench_acl(directory: &Path, wrong: u32, arguments: &[&str]) -> Output {
    let sets = directory.join("sets");
    fs::create_dir_all(&sets).unwrap();
    fs::create_dir_all(directory.join("scratch")).unwrap();
    fs::write(sets.join("tiny_2.rules"), "").unwrap();
    fs::write(sets.join("tiny_2.trace"), "1 2 3 4 6\n1 2 3 5 6\n").unwrap();
    program(&directory.join("dpdk-test-acl"), THEIRS);
    program(&directory.join("ours"), &OURS.replace("WRONG", &wrong.to_string()));
    let path = format!("{}:{}", directory.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("scripts/bench-acl");
    command.env("PATH", path).env("TMPDIR", directory.join("scratch"));
    command.arg("--dir").arg(&sets).arg("--ours").arg(directory.join("ours")).arg("--output").arg(directory.join("results"));
    command.args(arguments).output().unwrap()
}

#[test]
fn both_programs_are_read_and_compared() {
    let directory = tempfile::tempdir().unwrap();
    let output = bench_acl(directory.path(), 0, &["--json", "--shuffled"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let set = &result["sets"][0];
    assert_eq!((&set["set"], &set["headers"]), (&"tiny_2".into(), &2.into()));
    assert_eq!(set["ratios"]["lookupsPerSecond"], 2.5);
    assert_eq!(set["ratios"]["tableBytes"], 0.25);
    assert_eq!(set["rteAcl"]["buildBytes"], 9000);
    assert_ne!(set["rteAcl"]["algorithm"], "scalar");
    let mean = result["geometricMeans"]["2"]["lookupsPerSecond"].as_f64().unwrap();
    assert!((mean - 2.5).abs() < 1e-9, "{mean}");
    for field in ["cpu", "kernel", "cores"] {
        assert!(!result["machine"][field].is_null(), "{field}");
    }
    let kept: Vec<String> =
        fs::read_dir(directory.path().join("results")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(kept.len() == 2 && kept.iter().all(|name| name.contains("-acl.")), "{kept:?}");
    assert_eq!(fs::read_dir(directory.path().join("scratch")).unwrap().count(), 0);
}

#[test]
fn a_failure_of_the_other_program_is_told_and_no_ratio_is_made_up() {
    let directory = tempfile::tempdir().unwrap();
    let output = bench_acl(directory.path(), 0, &["--algorithms", "scalar"]);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("rte_acl: Cause: no memory"), "{printed}");
    assert!(!printed.contains("geometric mean"), "{printed}");
}

#[test]
fn wrong_answers_end_with_status_1() {
    let directory = tempfile::tempdir().unwrap();
    let output = bench_acl(directory.path(), 1, &["--json", "--rounds", "1"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()["sets"][0]["ours"]["mismatches"], 1);
}

#[test]
fn a_set_that_is_not_there_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let output = bench_acl(directory.path(), 0, &["--sets", "large_9"]);
    assert!(!output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "bench-acl: no set large_9; there are tiny_2\n");
    assert_eq!(fs::read_dir(directory.path().join("scratch")).unwrap().count(), 0);
}
