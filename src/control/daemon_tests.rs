//! A daemon over a fake dataplane: its socket, its client, its end. Signals and capabilities, which are the whole
//! process's, are left to the tests that run the program.

use std::thread::JoinHandle;

use super::*;
use crate::control::client::{Client, ClientError};
use crate::control::fake::{FakeDataplane, FakeLoader, Shared, plan, world};

struct Running {
    _directory: tempfile::TempDir,
    socket: PathBuf,
    events: Sender<Event>,
    thread: Option<JoinHandle<Result<(), DaemonError>>>,
}

impl Running {
    fn start(world: &Shared) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("shop.sock");
        let options = Options { file: "shop.yaml".into(), socket: socket.clone(), metrics: None };
        let (events, inbox) = unbounded();
        let (endpoints, file) = (Endpoints::start(&options, None).unwrap(), Claim::take(&socket).unwrap());
        let mut loader = FakeLoader(Arc::clone(world));
        let candidate = loader.load(1).unwrap();
        let board = Arc::clone(&endpoints.board);
        let supervisor = Supervisor::start(loader, candidate, |first| FakeDataplane::start(world, first), board).unwrap();
        let (endpoints, file) = endpoints.open_socket(file, events.clone()).unwrap();
        let thread = std::thread::spawn(move || {
            let outcome = serve(supervisor, &inbox);
            drop(file);
            drop(endpoints);
            outcome
        });
        Self { _directory: directory, socket, events, thread: Some(thread) }
    }

    fn client(&self) -> Client {
        Client::find(Some(&self.socket)).unwrap()
    }

    fn end(&mut self) -> Result<(), DaemonError> {
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.events.send(Event::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[test]
fn status_tells_who_runs_what() {
    let daemon = Running::start(&world(vec![plan(0, "web1", "cw-web1")]));
    let status = daemon.client().status().unwrap();
    assert_eq!((status.file.as_str(), status.generation, status.ready, status.pid), ("shop.yaml", 1, true, std::process::id()));
    let port = &status.ports[0];
    assert_eq!((port.name.as_str(), port.device.as_str(), port.kind.as_str(), port.mtu), ("web1", "cw-web1", "tap", Some(1500)));
    assert!(port.present);
}

#[test]
fn a_client_learns_how_its_reload_ended() {
    let world = world(vec![plan(0, "web1", "cw-web1")]);
    let daemon = Running::start(&world);
    let answer = daemon.client().reload().unwrap();
    assert_eq!((answer.reloaded, answer.generation), (true, 2));
    let report = Report { text: "shop.yaml:3:1: error".to_owned(), findings: vec![serde_json::json!({ "line": 3 })] };
    world.lock().unwrap().next = Some(Err(report.clone()));
    let answer = daemon.client().reload().unwrap();
    assert_eq!((answer.reloaded, answer.generation, answer.report), (false, 2, report));
    let status = daemon.client().status().unwrap();
    assert_eq!((status.reloads_succeeded, status.reloads_failed), (1, 1));
    assert_eq!(status.last_reload_error.as_deref(), Some("shop.yaml:3:1: error"));
}

#[test]
fn a_daemon_that_stops_takes_its_socket_along() {
    let mut daemon = Running::start(&world(vec![]));
    daemon.events.send(Event::Stop).unwrap();
    assert!(daemon.end().is_ok());
    assert!(!daemon.socket.exists());
    assert!(matches!(daemon.client().status(), Err(ClientError::Silent { .. })));
}

#[test]
fn a_worker_that_ends_ends_the_daemon() {
    let world = world(vec![]);
    let mut daemon = Running::start(&world);
    world.lock().unwrap().dead = true;
    let ended = daemon.end().unwrap_err();
    assert_eq!(ended.to_string(), "worker 0 ended");
    assert_eq!(world.lock().unwrap().log.last().map(String::as_str), Some("stop"));
}
