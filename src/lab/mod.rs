//! Test hosts in network namespaces: a namespace `cw-HOST` behind each port that the file's `lab.hosts` names.
//!
//! `up` is a straight line: [`Plan`] (pure: what is to be made) → refuse what is there already → the daemon in the
//! background → a namespace, its TAP, addresses and routes per host → listeners → the user's commands. Everything that
//! is made is written down first in a [`Record`], so that `down` and a failed `up` take away exactly that, whatever
//! happened to the file or the daemon since.

pub mod listen;

mod daemon;
mod down;
mod error;
mod exec;
mod files;
mod inside;
mod ip;
mod namespace;
mod plan;
mod process;
mod record;
mod up;

pub use daemon::DaemonCommand;
pub use down::{DownReport, down};
pub use error::LabError;
pub use exec::exec;
pub use files::Places;
pub use inside::{Borrowed, inside};
pub use plan::{HostAddress, HostPlan, Plan};
pub use record::Record;
pub use up::{Stop, UpRequest, up};
