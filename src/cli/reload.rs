//! `causeway reload`.

use super::daemon::Target;
use super::{Exit, Output, output};
use crate::control::api::ReloadAnswer;

const EXAMPLE: &str = "\
Example:
  causeway reload && echo in force

The daemon reads again the file that it was started with. Where it is wrong the findings are printed, the old
configuration keeps running, and the exit status is 1.";

/// Arguments of `causeway reload`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_long_help = EXAMPLE)]
pub struct Arguments {
    /// Which daemon.
    #[command(flatten)]
    pub target: Target,
}

/// Has the daemon read its file again, and says how that ended.
#[must_use]
pub fn run(arguments: &Arguments, output: Output) -> Exit {
    let answer = match arguments.target.ask(crate::control::client::Client::reload) {
        Ok(answer) => answer,
        Err(exit) => return exit,
    };
    if output.format == super::Format::Text {
        output::write_error(&answer.report.text);
    }
    output.print(&answer, sentence, if answer.reloaded { Exit::Success } else { Exit::Failure })
}

fn sentence(answer: &ReloadAnswer) -> String {
    let ReloadAnswer { file, generation, .. } = answer;
    if answer.reloaded {
        format!("reloaded {file}: generation {generation} is in force\n")
    } else {
        format!("{file} was not reloaded: generation {generation} keeps running\n")
    }
}
