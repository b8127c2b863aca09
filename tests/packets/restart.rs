//! A killed daemon leaves nothing that the next start cannot take over.

use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::networks::SHOP;
use crate::common::{Lab, text};

#[test]
fn a_killed_daemon_is_replaced_by_the_next_up() {
    let Some(lab) = Lab::up(SHOP) else { return };
    kill(Pid::from_raw(lab.daemon()), Signal::SIGKILL).unwrap();
    while Path::new(&format!("/proc/{}/exe", lab.daemon())).exists() {
        std::thread::yield_now();
    }
    let again = lab.start(&[]);
    assert!(again.status.success(), "{}", text(&again));
    assert!(lab.curl("web", "http://orders/").contains("seen-from 10.1.1.4 "));
}

#[test]
fn after_a_kill_down_leaves_nothing() {
    let Some(lab) = Lab::up(SHOP) else { return };
    kill(Pid::from_raw(lab.daemon()), Signal::SIGKILL).unwrap();
    let down = lab.stop();
    assert!(down.status.success(), "{}", text(&down));
    for extension in ["sock", "log", "lab.json"] {
        assert!(!lab.runtime_file(extension).exists(), "{extension}");
    }
    assert!(!Path::new("/run/netns").join(lab.namespace("web")).exists());
}
