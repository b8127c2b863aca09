//! ClassBench's rule sets, where they are at hand beside the project: a set of each kind against the ordered scan.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

#[path = "../bench/support/mod.rs"]
mod support;

use std::path::Path;
use std::process::Command;

use causeway::table::access_list::AccessList;
use support::{filter_file, scan, trace_file};

/// Every so many headers of a trace: a prime number, so that no pattern of the trace is met again and again.
const STEP: usize = 7;

/// A packed file's text; `None` where the file or the program to unpack it is missing.
fn unpacked(name: &str) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/classbench").join(format!("{name}.xz"));
    if !path.exists() {
        println!("SKIPPED {}: {} is not there", std::thread::current().name().unwrap_or("test"), path.display());
        return None;
    }
    let Ok(unpacked) = Command::new("xz").arg("--decompress").arg("--stdout").arg(&path).output() else {
        println!("SKIPPED {}: no program xz", std::thread::current().name().unwrap_or("test"));
        return None;
    };
    assert!(unpacked.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&unpacked.stderr));
    Some(String::from_utf8(unpacked.stdout).unwrap())
}

fn expect_as_scanned(set: &str) {
    let Some((rules, trace)) = unpacked(&format!("{set}.rules")).zip(unpacked(&format!("{set}.trace"))) else { return };
    let (rules, trace) = (filter_file::read(&rules).unwrap(), trace_file::read(&trace).unwrap());
    let headers: Vec<_> = trace.into_iter().step_by(STEP).collect();
    let mut found = vec![0; headers.len()];
    AccessList::build(&rules, 1 << 20).unwrap().first_matches(&headers, &mut found);
    assert!(found.iter().any(|rule| *rule != AccessList::NO_MATCH));
    assert_eq!(found, scan::first_matches(&rules, &headers));
}

#[test]
fn access_control_list() {
    expect_as_scanned("acl1_1000");
}

#[test]
fn firewall() {
    expect_as_scanned("fw1_1000");
}

#[test]
fn ip_chain() {
    expect_as_scanned("ipc1_1000");
}
