//! Commands of iproute2, with what they say when they fail.

use std::process::{Command, Output, Stdio};

use super::error::LabError;

/// Runs `ip` and returns what it printed.
///
/// # Errors
/// [`LabError::Command`] with its standard error, or with why it did not start.
pub(super) fn ip(arguments: &[&str]) -> Result<String, LabError> {
    run("ip", arguments)
}

/// Runs `ip` inside a namespace (`ip -n NAMESPACE …`).
///
/// # Errors
/// As [`ip`].
pub(super) fn ip_in(namespace: &str, arguments: &[&str]) -> Result<String, LabError> {
    ip(&[&["-n", namespace], arguments].concat())
}

/// Runs `script` with `sh` inside a namespace.
///
/// # Errors
/// As [`ip`].
pub(super) fn shell_in(namespace: &str, script: &str) -> Result<String, LabError> {
    ip(&["netns", "exec", namespace, "sh", "-ec", script])
}

fn run(program: &str, arguments: &[&str]) -> Result<String, LabError> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let failed = |reason: String| LabError::Command { command: format!("{program} {}", arguments.join(" ")), reason };
    match output {
        Err(error) => Err(failed(format!("{error} (is iproute2 installed?)"))),
        Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Ok(output) => Err(failed(said(&output))),
    }
}

fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ");
    if text.is_empty() { output.status.to_string() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_command_is_named_with_what_it_said() {
        let error = ip(&["link", "show", "cw-none-such"]).unwrap_err().to_string();
        assert!(error.contains("`ip link show cw-none-such` failed"), "{error}");
        assert!(error.contains("does not exist"), "{error}");
    }
}
