//! Network files on disk: unreadable ones, the tags file, and the `check` command.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use causeway::config::load::{load, portable_text};

const TAGS: &str = "{\n  \"changeNumber\": 1,\n  \"values\": [\n    { \"name\": \"Storage.WestEurope\", \"properties\": { \"addressPrefixes\": [\"203.0.113.16/28\", \"2001:db8::/48\"] } }\n  ]\n}\n";

fn written(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("written");
    (folder, path)
}

#[test]
fn a_file_that_cannot_be_read_is_a_finding() {
    let loaded = load(&PathBuf::from("does/not/exist.yaml"));
    assert!(loaded.network.is_none());
    assert!(loaded.findings.render(false).starts_with("does/not/exist.yaml: error[FILE_UNREADABLE]: "));
}

#[test]
fn a_byte_that_is_not_utf8_has_its_place() {
    let (_folder, path) = written("net.yaml", b"location: westeurope\n# \xff\n");
    let loaded = load(&path);
    let finding = loaded.findings.iter().next().expect("a finding");
    assert_eq!((finding.code.as_str(), finding.span.start.line, finding.span.start.column), ("ENCODING", 2, 3));
}

#[test]
fn the_tags_file_lies_beside_the_network_file() {
    let (folder, path) = written("net.yaml", b"serviceTagsFile: tags.json\n");
    fs::write(folder.path().join("tags.json"), TAGS).expect("written");
    let loaded = load(&path);
    let network = loaded.network.expect("a network");
    assert_eq!((network.service_tags[0].name.as_str(), network.service_tags[0].prefixes.len()), ("Storage.WestEurope", 2));
}

#[test]
fn a_portable_text_means_the_same_in_another_folder() {
    for text in [
        "# süß\noptions: {}\nserviceTagsFile: 'tags.json'  # Microsoft's\nlocation: x\n",
        "serviceTagsFile: \"tags.json\"\n\n\nlocation: x\n",
        "location: x\nserviceTagsFile: tags.json # the list",
        "{ serviceTagsFile: 'tags.json' , location: x }",
        "{ serviceTagsFile: tags.json, location: x }",
    ] {
        let (folder, path) = written("net.yaml", text.as_bytes());
        fs::write(folder.path().join("tags.json"), TAGS).expect("written");
        let portable = portable_text(&path).expect("a text");
        let (_elsewhere, copy) = written("copy.yaml", portable.as_bytes());
        let network = load(&copy).network.expect("a network");
        assert_eq!((network.service_tags.len(), network.location.as_deref()), (1, Some("x")), "{portable}");
    }
    let (_folder, path) = written("plain.yaml", b"location: x\n");
    assert_eq!(portable_text(&path).expect("a text"), "location: x\n");
}

#[test]
fn a_wrong_prefix_is_placed_in_the_tags_file() {
    let (folder, path) = written("net.yaml", b"serviceTagsFile: tags.json\n");
    fs::write(folder.path().join("tags.json"), TAGS.replace(".16/28", ".17/28")).expect("written");
    let loaded = load(&path);
    assert!(loaded.network.is_none());
    assert!(loaded.findings.render(false).contains("tags.json:4:73: error[BAD_PREFIX]: "), "{}", loaded.findings.render(false));
}

/// `causeway check` with these arguments: its exit status and its stdout.
fn check(arguments: &[&OsStr]) -> (Option<i32>, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_causeway")).arg("check").args(arguments).output().expect("causeway runs");
    (run.status.code(), String::from_utf8(run.stdout).expect("text"))
}

#[test]
fn a_tags_file_of_another_form_is_refused_at_its_place() {
    let (folder, path) = written("net.yaml", b"serviceTagsFile: tags.json\n");
    fs::write(folder.path().join("tags.json"), "{}").expect("written");
    let loaded = load(&path);
    assert!(loaded.findings.render(false).contains("tags.json:1:1: error[TAGS_FILE]: "), "{}", loaded.findings.render(false));
    fs::remove_file(folder.path().join("tags.json")).expect("removed");
    assert!(load(&path).findings.render(false).contains("net.yaml:1:18: error[FILE_UNREADABLE]: "));
}

#[test]
fn a_file_of_more_than_64_mib_is_refused() {
    let (_folder, path) = written("net.yaml", b"");
    fs::File::options().write(true).open(&path).and_then(|file| file.set_len((64 << 20) + 1)).expect("made longer");
    assert!(load(&path).findings.render(false).contains("net.yaml: error[FILE_TOO_LARGE]: "));
}

#[test]
fn check_sums_up_each_file() {
    let (_folder, path) = written("net.yaml", b"locaton: x\n");
    let (status, text) = check(&[path.as_os_str(), OsStr::new("configs/quickstart.yaml")]);
    assert_eq!(status, Some(1));
    assert!(text.contains(&format!("{}: 1 error\n", path.display())) && text.ends_with("configs/quickstart.yaml: valid\n"), "{text}");
    let (status, text) = check(&[path.as_os_str(), OsStr::new("-o"), OsStr::new("json")]);
    assert_eq!(status, Some(1));
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&json["schemaVersion"], &json["files"][0]["valid"]), (&1.into(), &false.into()));
    assert_eq!(json["files"][0]["findings"][0]["code"], "UNKNOWN_PROPERTY");
}
