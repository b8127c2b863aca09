//! The command line as clap knows it: the commands, and the options that all of them take.

use clap::{ArgAction, Parser, Subcommand};

use super::{check, completions, explain, explain_code, lab, man, output::Format, reload, routes, rules, run, schema, serve, status, test};

const LONG_ABOUT: &str = "\
Runs an Azure virtual network on one Linux host, with real packets.

causeway stands between TAP interfaces, decides for every packet what Azure would decide, rewrites its source as Azure
would, and says why. The network is described in one file.";

const EXIT_STATUS: &str = "\
Exit status:
  0  yes, allowed, valid
  1  no, denied, invalid, failed
  2  wrong usage
  3  undetermined: the packet meets something that causeway does not model";

/// Runs an Azure virtual network on one Linux host, with real packets.
#[derive(Debug, Parser)]
#[command(name = "causeway", version, long_about = LONG_ABOUT, after_long_help = EXIT_STATUS)]
#[command(arg_required_else_help = true, disable_help_subcommand = true, max_term_width = 100)]
pub struct Arguments {
    /// Print data as text or as JSON.
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "text", global = true)]
    pub output: Format,
    /// Say more on stderr; twice for everything.
    #[arg(short, long, action = ArgAction::Count, global = true)]
    pub verbose: u8,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check network files: every error and warning, with its place and a hint.
    Check(check::Arguments),
    /// Run the dataplane of a network file until it is told to stop.
    Run(run::Arguments),
    /// Say what happens to one packet, stage by stage, and why.
    Explain(explain::Args),
    /// Say what a code of `check` means, why Azure is like that, and what to write instead.
    ExplainCode(explain_code::Arguments),
    /// List the effective routes of a subnet: which count, which are overridden, where they lead.
    Routes(routes::Arguments),
    /// Run scenario files: questions about a network, and the answers that are expected.
    Test(test::Arguments),
    /// List the effective security rules of a subnet or network interface.
    Rules(rules::Arguments),
    /// Put test hosts behind the ports of a network file, and run the dataplane between them.
    Lab(lab::LabArgs),
    /// Have a running dataplane read its file again.
    Reload(reload::Arguments),
    /// Show a running dataplane: its ports, its counters, its configuration.
    Status(status::Arguments),
    /// Print the JSON Schema of the network file, or of scenario files, for editors.
    Schema(schema::Arguments),
    /// Print the completion script of a shell.
    Completions(completions::Arguments),
    /// Print a manual page, or write all of them.
    Man(man::Arguments),
    /// The listeners inside a lab host.
    #[command(name = "__serve", hide = true)]
    Serve(serve::ServeArgs),
}
