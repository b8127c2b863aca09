//! What a reload does to a dataplane, in order, and what a failed one leaves alone.

use super::*;
use crate::control::fake::{FakeDataplane, FakeLoader, Shared, plan, world};

fn started(world: &Shared) -> Supervisor<FakeLoader, FakeDataplane> {
    let mut loader = FakeLoader(Arc::clone(world));
    let candidate = loader.load(1).expect("a good file");
    let board = Board::new("shop.yaml".into(), "shop.sock".into());
    let supervisor = Supervisor::start(loader, candidate, |first| FakeDataplane::start(world, first), board);
    let supervisor = supervisor.expect("a start");
    world.lock().unwrap().log.clear();
    supervisor
}

fn log(world: &Shared) -> Vec<String> {
    world.lock().unwrap().log.clone()
}

#[test]
fn ports_are_open_and_the_configuration_adopted_before_it_is_ready() {
    let world = world(vec![plan(0, "web1", "cw-web1")]);
    let supervisor = started(&world);
    assert!(supervisor.board.is_ready());
    assert_eq!(supervisor.board.metrics.generation(), 1);
    assert_eq!(supervisor.board.ports()[0].state.as_ref().map(|state| state.mtu()), Some(1500));
    let board = Arc::clone(&supervisor.board);
    supervisor.stop();
    assert!(!board.is_ready());
    assert_eq!(log(&world), ["stop", "close cw-web1"]);
}

#[test]
fn every_port_that_cannot_be_opened_is_told_and_nothing_is_left() {
    let world = world(vec![plan(0, "web1", "cw-web1"), plan(1, "hq", "eth7"), plan(2, "laptop", "eth8")]);
    world.lock().unwrap().broken_devices.extend(["eth7".to_owned(), "eth8".to_owned()]);
    let mut loader = FakeLoader(Arc::clone(&world));
    let candidate = loader.load(1).unwrap();
    let board = Board::new("shop.yaml".into(), "shop.sock".into());
    let result = Supervisor::start(loader, candidate, |first| FakeDataplane::start(&world, first), Arc::clone(&board));
    let message = result.err().map(|error| error.to_string());
    assert_eq!(message.as_deref(), Some("port 'hq': cannot open 'eth7'\nport 'laptop': cannot open 'eth8'"));
    assert!(!board.is_ready());
    assert_eq!(log(&world), ["start 1", "open cw-web1", "close cw-web1", "stop"]);
}

#[test]
fn a_reload_opens_before_it_publishes_and_closes_after() {
    let world = world(vec![plan(0, "web1", "cw-web1"), plan(1, "laptop", "cw-laptop")]);
    let mut supervisor = started(&world);
    world.lock().unwrap().next = Some(Ok(vec![plan(0, "web1", "cw-web1"), plan(2, "hq", "cw-hq"), plan(3, "pc", "cw-laptop")]));
    supervisor.reload().expect("a good file");
    let expected = ["open cw-hq", "publish 2", "close cw-laptop", "attach hq", "open cw-laptop", "attach pc"];
    assert_eq!(log(&world), expected);
    assert_eq!(supervisor.board.metrics.generation(), 2);
    assert_eq!(supervisor.board.metrics.reloads(), (1, 0));
    assert_eq!(supervisor.board.metrics.names().ports.len(), 3);
}

#[test]
fn a_wrong_file_changes_nothing_and_is_counted() {
    let world = world(vec![plan(0, "web1", "cw-web1")]);
    let mut supervisor = started(&world);
    world.lock().unwrap().next = Some(Err(Report::sentence("shop.yaml:3:1: error")));
    assert_eq!(supervisor.reload(), Err(Report::sentence("shop.yaml:3:1: error")));
    assert_eq!(log(&world), Vec::<String>::new());
    assert_eq!(supervisor.board.metrics.generation(), 1);
    assert_eq!(supervisor.board.metrics.reloads(), (0, 1));
    assert_eq!(supervisor.board.failure().as_deref().map(String::as_str), Some("shop.yaml:3:1: error"));
    assert!(supervisor.board.is_ready());
}

#[test]
fn a_port_that_cannot_be_opened_keeps_the_old_configuration_and_closes_the_others_again() {
    let world = world(vec![plan(0, "web1", "cw-web1")]);
    let mut supervisor = started(&world);
    world.lock().unwrap().broken_devices.insert("eth7".to_owned());
    world.lock().unwrap().next = Some(Ok(vec![plan(1, "laptop", "cw-laptop"), plan(2, "hq", "eth7")]));
    let report = supervisor.reload().expect_err("eth7 is broken");
    assert_eq!(report.text, "port 'hq': cannot open 'eth7'");
    assert_eq!(log(&world), ["open cw-laptop", "close cw-laptop"]);
    assert_eq!(supervisor.board.metrics.generation(), 1);
    assert_eq!(supervisor.board.ports().len(), 1);
}

#[test]
fn a_port_that_is_not_open_is_tried_again_at_the_next_reload() {
    let world = world(vec![plan(0, "web1", "cw-web1")]);
    let mut supervisor = started(&world);
    world.lock().unwrap().next = Some(Ok(vec![plan(1, "web2", "cw-web1")]));
    world.lock().unwrap().broken_devices.insert("cw-web1".to_owned());
    let report = supervisor.reload().expect("the others go on");
    assert_eq!(report.text, "warning: not open: port 'web2': cannot open 'cw-web1'\n");
    assert!(supervisor.board.ports()[0].state.is_none());
    world.lock().unwrap().broken_devices.clear();
    supervisor.reload().expect("a good file");
    assert!(supervisor.board.ports()[0].state.is_some());
}

#[test]
fn workers_that_do_not_take_the_configuration_fail_the_reload() {
    let world = world(vec![plan(0, "web1", "cw-web1")]);
    let mut supervisor = started(&world);
    world.lock().unwrap().dead = true;
    world.lock().unwrap().next = Some(Ok(vec![plan(1, "laptop", "cw-laptop")]));
    assert_eq!(supervisor.reload(), Err(Report::sentence("worker 0 ended")));
    assert_eq!(log(&world), ["open cw-laptop", "close cw-laptop"]);
    assert_eq!(supervisor.board.metrics.generation(), 1);
}
