//! Reading the network file for a command that needs a good one.

use std::io::IsTerminal;
use std::path::Path;

use super::{Exit, output};
use crate::config::load::load;
use crate::config::network::Network;

/// The network of a file. A wrong file's findings are printed on stderr as `check` prints them; the warnings of a good
/// one only where `warn` asks for them.
///
/// # Errors
/// The file is wrong: how to exit.
pub fn network(path: &Path, warn: bool) -> Result<Network, Exit> {
    let loaded = load(path);
    if warn || loaded.network.is_none() {
        let colour = std::io::stderr().is_terminal() && output::colour_wanted();
        output::write_error(&format!("{}{}", loaded.findings.render(colour), loaded.findings.more().unwrap_or_default()));
    }
    loaded.network.ok_or(Exit::Failure)
}
