//! A question to a network file, and what `causeway explain` says to it.

use std::process::Command;

use serde_json::Value;

/// The answer to one question.
pub struct Answer {
    pub status: i32,
    pub json: Value,
    pub text: String,
}

/// Asks `causeway explain`; `more` are further options.
pub fn ask_with(network: &str, from: &str, to: &str, more: &[&str]) -> Answer {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.yaml");
    std::fs::write(&path, network).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_causeway"));
    command.arg("explain").arg(&path).args(["--from", from, "--to", to, "-o", "json"]).args(more);
    let output = command.output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Answer { status: output.status.code().unwrap(), json: serde_json::from_slice(&output.stdout).unwrap_or_default(), text }
}

pub fn ask(network: &str, from: &str, to: &str) -> Answer {
    ask_with(network, from, to, &[])
}

impl Answer {
    fn at(&self, pointer: &str) -> String {
        self.json.pointer(pointer).map_or("null".into(), |value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }

    /// Reason, deciding rule, next hop type.
    pub fn gist(&self) -> (String, String, String) {
        assert!(self.json.is_object(), "{}", self.text);
        (self.at("/reason"), self.at("/decidedBy"), self.at("/nextHopType"))
    }

    pub fn reason(&self) -> String {
        self.gist().0
    }

    pub fn next_hop(&self) -> String {
        self.gist().2
    }

    /// Kind and address that the destination sees, and the subnet that goes with it.
    pub fn seen(&self) -> String {
        let subnet = self.json.pointer("/seenAs/subnet").map(|subnet| {
            let network = self.at("/seenAs/virtualNetwork");
            format!(" {network}/{}", subnet.as_str().unwrap())
        });
        format!("{} {}{}", self.at("/seenAs/kind"), self.at("/seenAs/address"), subnet.unwrap_or_default())
    }

    pub fn hint(&self) -> String {
        self.at("/hint")
    }
}

/// Codes, lines and columns of what is found in a file; messages on a failure.
pub fn found(network: &str) -> Vec<(&'static str, u32)> {
    let loaded = causeway::config::load::load_text("net.yaml", network);
    loaded.findings.iter().map(|finding| (finding.code.as_str(), finding.span.start.line)).collect()
}

/// The line of the first place that says `text`.
pub fn line(network: &str, text: &str) -> u32 {
    let before = network.find(text).unwrap_or_else(|| panic!("no `{text}` in the file"));
    u32::try_from(network[..before].lines().count().max(1)).unwrap()
}

/// Everything that `check` prints.
pub fn checked(network: &str) -> String {
    causeway::config::load::load_text("net.yaml", network).findings.render(false)
}
