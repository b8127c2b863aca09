//! `causeway lab`, as its user sees it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::networks::SHOP;
use common::{Lab, causeway, text};

/// What the lab of this tag has left on the machine.
fn remains(tag: &str) -> Vec<String> {
    let mut found = Vec::new();
    for directory in ["/run/netns", "/etc/netns", "/run/causeway", "/sys/class/net"] {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        found.extend(entries.map(|entry| entry.path().display().to_string()).filter(|path| path.contains(tag)));
    }
    let processes = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| fs::read_to_string(entry.path().join("cmdline")).ok());
    found.extend(processes.filter(|command| command.contains(tag)));
    found
}

#[test]
fn down_leaves_nothing_and_may_be_repeated() {
    let with_command = SHOP.replace("address: 10.1.2.4, serve", "address: 10.1.2.4, run: \"sleep 987 & sleep 987; : @\", serve");
    let Some(lab) = Lab::up(&with_command) else { return };
    assert!(!remains(&lab.tag).is_empty());
    fs::write(lab.file(), "no network any more").unwrap();
    let down = lab.stop();
    assert!(down.status.success(), "{}", text(&down));
    assert_eq!(remains(&lab.tag), Vec::<String>::new());
    assert!(lab.stop().status.success(), "nothing is up: no error");
}

#[test]
fn up_twice_is_refused_and_changes_nothing() {
    let Some(lab) = Lab::up(SHOP) else { return };
    let daemon = lab.daemon();
    let again = lab.start(&[]);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again).contains("up already"), "{}", text(&again));
    assert_eq!(lab.daemon(), daemon);
    assert!(lab.curl("web", "http://orders/").contains("seen-from 10.1.1.4 "));
}

#[test]
fn exec_passes_streams_and_status_through() {
    let Some(lab) = Lab::up(SHOP) else { return };
    let output = lab.exec("web", "echo out; echo err >&2; exit 7");
    assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (b"out\n".as_slice(), b"err\n".as_slice()));
    assert_eq!(output.status.code(), Some(7));
    let file = lab.file().display().to_string();
    let misspelt = causeway(&["lab", "exec", &file, &format!("{}x", lab.host("web")), "--", "true"]);
    assert_eq!(misspelt.status.code(), Some(2));
    assert!(text(&misspelt).contains(&format!("did you mean {}", lab.host("web"))), "{}", text(&misspelt));
}

#[test]
fn exec_without_a_lab_says_what_to_do() {
    let output = causeway(&["lab", "exec", "none-such.yaml", "web", "--", "true"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("causeway lab up none-such.yaml"), "{}", text(&output));
    assert_eq!(causeway(&["lab", "down", "none-such.yaml"]).status.code(), Some(0));
}

#[test]
fn names_are_known_in_every_host_and_unknown_ones_fail_at_once() {
    let Some(lab) = Lab::up(SHOP) else { return };
    assert!(lab.say("web", "getent hosts orders").contains("203.0.113.20"));
    assert!(lab.say("inet", "getent hosts @batch").contains("10.1.2.4"));
    assert!(!lab.exec("web", "timeout 3 getent hosts example.com").status.success());
}

#[test]
fn a_namespace_of_someone_elses_is_refused_and_stays() {
    let Some(lab) = Lab::prepare(SHOP) else { return };
    let namespace = lab.namespace("batch");
    assert!(Command::new("ip").args(["netns", "add", &namespace]).status().unwrap().success());
    let refused = lab.start(&[]);
    let stays = Path::new("/run/netns").join(&namespace).exists();
    assert!(Command::new("ip").args(["netns", "delete", &namespace]).status().unwrap().success());
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused).contains(&namespace), "{}", text(&refused));
    assert!(stays);
    assert_eq!(remains(&lab.tag), Vec::<String>::new());
}

#[test]
fn a_device_of_someone_elses_is_refused_and_stays() {
    let Some(lab) = Lab::prepare(SHOP) else { return };
    let device = lab.namespace("ledgr");
    assert!(Command::new("ip").args(["tuntap", "add", &device, "mode", "tap"]).status().unwrap().success());
    let refused = lab.start(&[]);
    let stays = Path::new("/sys/class/net").join(&device).exists();
    assert!(Command::new("ip").args(["link", "delete", &device]).status().unwrap().success());
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused).contains(&device), "{}", text(&refused));
    assert!(stays);
}

#[test]
fn a_wrong_file_starts_nothing() {
    let Some(lab) = Lab::prepare(&SHOP.replace("attach: service/func", "attach: service/fanc")) else { return };
    let refused = lab.start(&[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused).contains("func"), "{}", text(&refused));
    assert_eq!(remains(&lab.tag), Vec::<String>::new());
}

#[test]
fn a_lab_that_cannot_be_finished_leaves_nothing() {
    // Two listeners at one port: the second cannot be opened.
    let Some(lab) = Lab::prepare(&SHOP.replace("serve: { tcp: 1433, udp: 5000 }", "serve: { tcp: 1433, http: 1433 }")) else { return };
    let refused = lab.start(&[]);
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    assert_eq!(remains(&lab.tag), Vec::<String>::new());
}

#[test]
fn a_command_is_shown_before_it_runs_and_can_be_left_out() {
    let command = "touch /tmp/@.ran";
    let with_command = SHOP.replace("address: 10.1.2.4, serve", &format!("address: 10.1.2.4, run: \"{command}\", serve"));
    let Some(lab) = Lab::prepare(&with_command) else { return };
    let mark = format!("/tmp/{}.ran", lab.tag);
    let without = lab.start(&["--no-run"]);
    assert!(without.status.success(), "{}", text(&without));
    assert!(!text(&without).contains(&mark) && !Path::new(&mark).exists());
    assert!(lab.stop().status.success());
    let with = lab.start(&[]);
    assert!(text(&with).contains(&mark), "{}", text(&with));
    for _ in 0..500 {
        if fs::remove_file(&mark).is_ok() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("the command did not run");
}
