//! A module uses only the modules above it in the list of `src/lib.rs`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::{Path, PathBuf};

/// The order, as the crate's documentation gives it: the rows of its table.
fn order() -> Vec<String> {
    let library = fs::read_to_string("src/lib.rs").unwrap();
    let rows = library.lines().filter_map(|line| line.strip_prefix("//! | [`")?.split_once("`]"));
    rows.map(|(name, _)| name.to_owned()).collect()
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// The top-level modules that a text names as `crate::module`, in `use` lines (grouped ones too) and in paths.
fn uses(text: &str) -> Vec<String> {
    let code: String = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{').and_then(|group| group.split_once("};")) {
            Some((group, _)) => found.extend(top_level(group)),
            None => found.push(first_name(rest)),
        }
    }
    found
}

/// `packet::{Frame, Reason}, wire::arp` → packet, wire.
fn top_level(group: &str) -> Vec<String> {
    let mut depth = 0;
    let parts = group.split(|character| {
        depth += i32::from(character == '{') - i32::from(character == '}');
        character == ',' && depth == 0
    });
    parts.map(|part| first_name(part.trim())).filter(|name| !name.is_empty()).collect()
}

fn first_name(text: &str) -> String {
    text.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
}

fn module_of(path: &Path) -> String {
    let first = path.strip_prefix("src").unwrap().components().next().unwrap();
    Path::new(first.as_os_str()).file_stem().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn every_module_is_in_the_list() {
    let order = order();
    for path in sources(Path::new("src")) {
        let module = module_of(&path);
        assert!(order.contains(&module) || ["lib", "main"].contains(&module.as_str()), "{} is in no layer", path.display());
    }
}

#[test]
fn modules_use_only_those_above_them() {
    let order = order();
    let rank = |name: &str| order.iter().position(|known| known == name);
    let mut wrong = Vec::new();
    for path in sources(Path::new("src")).into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs")) {
        let Some(own) = rank(&module_of(&path)) else { continue };
        for used in uses(&fs::read_to_string(&path).unwrap()) {
            if rank(&used).is_some_and(|used| used > own) {
                wrong.push(format!("{} uses {used}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "modules below their own layer:\n{}", wrong.join("\n"));
}

#[test]
fn uses_are_read_from_lines_groups_and_paths() {
    let text = "use crate::packet::Frame;\nuse crate::{wire::{arp, ipv4}, table};\nlet x = crate::policy::decide(); // crate::cli";
    assert_eq!(uses(text), ["packet", "wire", "table", "policy"]);
}
