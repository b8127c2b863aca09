//! The `causeway` command: see [`causeway::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    causeway::cli::main()
}
