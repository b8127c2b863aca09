//! `causeway explain-code`, and its pages: each says what is wrong with a file that has just that wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::process::{Command, Output};

use causeway::config::code::{Code, Severity};
use causeway::config::load::load_text;

fn explain_code(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_causeway")).arg("explain-code").args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The code blocks of a page, each with its language.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    page.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n')).collect()
}

#[test]
fn every_code_has_its_page_and_every_page_its_code() {
    let codes: BTreeSet<String> = Code::ALL.iter().map(|code| code.as_str().to_owned()).collect();
    let pages = std::fs::read_dir("docs/codes").unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let pages: BTreeSet<String> = pages.map(|name| name.strip_suffix(".md").unwrap().to_owned()).collect();
    assert_eq!(codes, pages);
    for code in Code::ALL {
        assert!(code.page().starts_with(&format!("# {}\n", code.as_str())), "{} is not in src/config/pages.rs", code.as_str());
        assert_eq!(blocks(code.page()).len(), 2, "{} has a wrong example and a right one", code.as_str());
    }
}

#[test]
fn the_wrong_example_of_each_page_is_found_wrong_and_the_right_one_right() {
    for code in Code::ALL {
        let page = code.page();
        let [("yaml", wrong), ("yaml", right)] = blocks(page)[..] else {
            assert!(
                matches!(code.as_str(), "FILE_UNREADABLE" | "FILE_TOO_LARGE" | "ENCODING" | "TAGS_FILE" | "QUESTION"),
                "{}",
                code.as_str()
            );
            continue;
        };
        let (wrong, right) = (load_text("wrong.yaml", wrong), load_text("right.yaml", right));
        assert!(wrong.findings.contains(*code), "{}:\n{}", code.as_str(), wrong.findings.render(false));
        assert_eq!(wrong.findings.has_errors(), code.severity() == Severity::Error, "{}", wrong.findings.render(false));
        assert_eq!(right.findings.render(false), "", "{}", code.as_str());
    }
}

#[test]
fn a_page_is_found_whatever_the_case() {
    for spelling in ["no-se-on-subnet", "NO_SE_ON_SUBNET"] {
        let output = explain_code(&[spelling]);
        assert_eq!(output.status.code(), Some(0));
        assert!(said(&output).starts_with("# NO_SE_ON_SUBNET\n"), "{}", said(&output));
    }
    let json: serde_json::Value = serde_json::from_str(&said(&explain_code(&["subnet-size", "-o", "json"]))).unwrap();
    assert_eq!((&json["schemaVersion"], &json["code"], &json["severity"]), (&1.into(), &"SUBNET_SIZE".into(), &"error".into()));
    assert!(json["page"].as_str().unwrap().contains("```yaml"));
}

#[test]
fn without_a_code_all_are_listed() {
    let text = said(&explain_code(&[]));
    assert_eq!(text.lines().count(), Code::ALL.len());
    let json: serde_json::Value = serde_json::from_str(&said(&explain_code(&["-o", "json"]))).unwrap();
    assert_eq!(json["codes"].as_array().unwrap().len(), Code::ALL.len());
}

#[test]
fn an_unknown_code_exits_with_2_and_the_nearest_one() {
    let output = explain_code(&["SUBNET_SIZES"]);
    assert_eq!((output.status.code(), said(&output).as_str()), (Some(2), ""));
    assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean `SUBNET_SIZE`?"));
    assert_eq!(explain_code(&["utterly-unheard-of"]).status.code(), Some(2));
}

#[test]
fn check_says_once_how_to_learn_more() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("net.yaml");
    let check = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_causeway")).arg("check").arg(&file).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let same = check("locaton: a\nlocatoin: b\n");
    assert_eq!(same, "for more about a code: causeway explain-code UNKNOWN_PROPERTY\n");
    assert!(check("locaton: a\nports: internet\n").ends_with("causeway explain-code CODE\n"));
    assert!(!check("location: westeurope\n").contains("explain-code"));
}
