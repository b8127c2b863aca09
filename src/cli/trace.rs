//! Diagnostics: what a command does and what goes wrong with it, to stderr.

use std::io::IsTerminal;

use tracing::level_filters::LevelFilter;

/// Sends diagnostics to stderr: what is to be known; with `-v` details, with `-vv` everything. Colour only on a terminal
/// and without `NO_COLOR`. `timed` puts the time before each line, for a daemon whose lines go into a file or a journal;
/// on a terminal people watch it pass.
///
/// A second call changes nothing: a process has one place for its diagnostics.
pub fn to_stderr(verbose: u8, timed: bool) {
    let level = match verbose {
        0 => LevelFilter::INFO,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let terminal = std::io::stderr().is_terminal();
    let format = tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(level).with_target(verbose > 1);
    let format = format.with_ansi(terminal && super::output::colour_wanted());
    let result = if timed && !terminal { format.try_init() } else { format.without_time().try_init() };
    if let Err(error) = result {
        tracing::debug!("diagnostics go where they went before: {error}");
    }
}
