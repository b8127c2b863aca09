//! What people get wrong on the platform, as scenario files: every directory of `tests/scenarios`, and every network of
//! `configs`, as questions to the policy and with real packets.
//!
//! In `tests/scenarios/NAME/` stand `network.yaml`, its variants, and `scenarios.yaml`. A network file whose first line is
//! `# refused: CODE` must be refused with that error, one with `# warns: CODE` must be accepted with that warning.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub, reason = "a test that cannot go on fails")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use common::{CAUSEWAY, can_run, text};
use serde_json::Value;

/// A lab of its own, whatever its hosts are called: namespaces and sockets are this process's own and end with it.
const ALONE: &str = "mkdir -p /run/netns /run/causeway /etc/netns && mount -t tmpfs tmpfs /run/netns && mount -t tmpfs tmpfs /run/causeway \
                     && mount -t tmpfs tmpfs /etc/netns && ip link set lo up && exec \"$@\"";

macro_rules! scenarios {
    ($($test:ident $directory:literal)+) => {
        const DIRECTORIES: &[&str] = &[$($directory),+];

        mod explained {
            $(#[test] fn $test() { super::explained($directory); })+
        }

        mod with_packets {
            $(#[test] fn $test() { super::with_packets($directory); })+
        }
    };
}

scenarios! {
    s01 "s01-endpoint-but-only-an-ip-rule"
    s02 "s02-ip-rule-in-the-same-region"
    s03 "s03-network-rule-without-endpoint"
    s04 "s04-default-route-beside-an-endpoint"
    s05 "s05-inspection-in-the-firewall-subnet"
    s06 "s06-deny-internet-without-a-service-tag"
    s07 "s07-a-route-widens-the-virtual-network-tag"
    s08 "s08-peering-is-not-transitive"
    s09 "s09-forwarding-flags"
    s10 "s10-on-premises"
    s11 "s11-regions"
    s12 "s12-app-service"
    s13 "s13-sql-redirect"
    s14 "s14-two-groups"
    s15 "s15-changes-while-connections-are-open"
    s16 "s16-endpoint-policy"
    s17 "s17-trusted-services"
    s18 "s18-two-networks-with-one-address-space"
    s19 "s19-deleted-subnet"
    s20 "s20-cosmos-db"
    s21 "s21-injected-services"
    s22 "s22-one-endpoint-for-all-databases"
    s23 "s23-ping-takes-no-endpoint"
    s24 "s24-open-firewall-with-endpoint"
    three_tiers "three-tiers"
    hub_and_spoke "hub-and-spoke"
    forced_tunnelling "forced-tunnelling"
    on_premises "on-premises"
    overlapping_networks "overlapping-networks"
    injected_services "injected-services"
    dual_stack "dual-stack"
    quickstart "quickstart"
}

/// A network file and its scenario file.
fn files(name: &str) -> (PathBuf, PathBuf) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directory = root.join("tests/scenarios").join(name);
    if directory.is_dir() {
        return (directory.join("network.yaml"), directory.join("scenarios.yaml"));
    }
    (root.join(format!("configs/{name}.yaml")), root.join(format!("configs/{name}.scenarios.yaml")))
}

fn explained(name: &str) {
    let (network, scenarios) = files(name);
    let output = Command::new(CAUSEWAY).args(["test", "-o", "json"]).args([network, scenarios]).stdin(Stdio::null()).output().unwrap();
    let report = report(&output);
    assert_eq!((count(&report, "failed"), count(&report, "skipped")), (0, 0), "{report:#}");
    assert!(count(&report, "passed") > 0, "{report:#}");
}

fn with_packets(name: &str) {
    if can_run().is_none() {
        return;
    }
    let (network, scenarios) = files(name);
    let mut command = Command::new("unshare");
    command.args(["--mount", "--net", "sh", "-c", ALONE, "sh", CAUSEWAY, "test", "--mode", "packets", "-o", "json"]);
    let output = command.args([network, scenarios]).stdin(Stdio::null()).output().unwrap();
    let report = report(&output);
    assert_eq!((count(&report, "failed"), count(&report, "skipped")), (0, 0), "{report:#}");
    assert!(count(&report, "passed") > 0, "{report:#}");
}

fn report(output: &Output) -> Value {
    assert!(output.status.code().is_some_and(|code| code <= 1), "{}", text(output));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(output)))
}

fn count(report: &Value, result: &str) -> u64 {
    report[result].as_u64().unwrap_or_else(|| panic!("no count of {result}: {report:#}"))
}

/// Directories of `tests/scenarios`, networks of `configs`.
fn present() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = |directory: &str| {
        let entries = fs::read_dir(root.join(directory)).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>()
    };
    let configs = names("configs").into_iter().filter_map(|name| Some(name.strip_suffix(".yaml")?.to_owned()));
    names("tests/scenarios").into_iter().chain(configs.filter(|name| !name.ends_with(".scenarios"))).collect()
}

#[test]
fn every_directory_and_every_network_is_played() {
    assert_eq!(present(), DIRECTORIES.iter().map(|name| (*name).to_owned()).collect());
}

#[test]
fn files_are_refused_and_warned_about_as_their_first_line_says() {
    let mut told = BTreeSet::new();
    for name in DIRECTORIES {
        let Some(directory) = files(name).0.parent().filter(|path| path.ends_with(name)).map(Path::to_owned) else { continue };
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let content = fs::read_to_string(&path).unwrap();
            let Some((kind, code)) = content.lines().next().and_then(|line| line.strip_prefix("# ")?.split_once(": ")) else { continue };
            let output = Command::new(CAUSEWAY).arg("check").arg(&path).stdin(Stdio::null()).output().unwrap();
            let (status, finding) = match kind {
                "refused" => (1, format!("error[{code}]")),
                "warns" => (0, format!("warning[{code}]")),
                _ => continue,
            };
            assert_eq!(output.status.code(), Some(status), "{}: {}", path.display(), text(&output));
            assert!(text(&output).contains(&finding), "{} lacks {finding}: {}", path.display(), text(&output));
            told.insert(code.to_owned());
        }
    }
    assert!(told.len() >= 10, "{told:?}");
}

/// The networks that teach are right as they stand.
#[test]
fn networks_that_teach_are_without_a_warning() {
    for name in DIRECTORIES.iter().filter(|name| !name.starts_with("s0") && !name.starts_with("s1") && !name.starts_with("s2")) {
        let (network, _) = files(name);
        let output = Command::new(CAUSEWAY).arg("check").arg(&network).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success() && !text(&output).contains("warning["), "{name}: {}", text(&output));
    }
}
