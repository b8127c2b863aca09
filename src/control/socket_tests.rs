//! Claims in directories of the tests' own.

use super::*;

fn place() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run/shop.sock");
    (directory, path)
}

#[test]
fn the_socket_is_named_after_the_file() {
    assert_eq!(default_path(Path::new("configs/shop.v2.yaml")), Path::new("/run/causeway/shop.v2.sock"));
}

#[test]
fn only_the_owner_may_use_it_and_it_goes_with_the_daemon() {
    let (_directory, path) = place();
    let (listener, file) = Claim::take(&path).unwrap().listen().unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777, 0o700);
    assert!(UnixStream::connect(file.path()).is_ok());
    drop(file);
    drop(listener);
    assert!(!path.exists());
}

#[test]
fn a_live_daemon_keeps_its_socket() {
    let (_directory, path) = place();
    let (_listener, _file) = Claim::take(&path).unwrap().listen().unwrap();
    let refused = Claim::take(&path).unwrap_err();
    assert!(matches!(refused, SocketError::Live(_)), "{refused}");
    assert!(UnixStream::connect(&path).is_ok());
}

#[test]
fn a_killed_daemons_socket_is_taken_over() {
    let (_directory, path) = place();
    let (listener, file) = Claim::take(&path).unwrap().listen().unwrap();
    std::mem::forget(file);
    drop(listener);
    assert!(path.exists());
    let (_listener, _file) = Claim::take(&path).unwrap().listen().unwrap();
    assert!(UnixStream::connect(&path).is_ok());
}

#[test]
fn a_daemon_that_does_not_start_leaves_nothing_and_nobody_connects_meanwhile() {
    let (_directory, path) = place();
    let claim = Claim::take(&path).unwrap();
    assert_eq!(UnixStream::connect(&path).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    drop(claim);
    assert!(!path.exists());
}

#[test]
fn a_file_of_somebody_elses_is_left_alone() {
    let (_directory, path) = place();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "mine").unwrap();
    assert!(matches!(Claim::take(&path), Err(SocketError::NotASocket(_))));
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
}

#[test]
fn of_two_that_start_at_once_one_runs() {
    let (_directory, path) = place();
    let start = |path: PathBuf| std::thread::spawn(move || Claim::take(&path).map(|claim| claim.listen().unwrap()));
    let results: Vec<_> = [start(path.clone()), start(path)].map(|thread| thread.join().unwrap()).into();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(results.iter().any(|result| matches!(result, Err(SocketError::Live(_)))));
}

#[test]
fn a_path_that_no_socket_address_holds_is_refused() {
    let path = Path::new("/tmp").join("x".repeat(120));
    assert!(matches!(Claim::take(&path), Err(SocketError::TooLong(_))));
}
