//! Scenarios with real packets: a lab for each network file, the scenarios one after the other in it.
//!
//! | file | |
//! |---|---|
//! | `cast` | which lab hosts play the sender and the destination of a scenario |
//! | `stage` | the lab: built, asked for its counters, given other network files, taken down |
//! | `listener` | the far end: says from where it was reached |
//! | `client` | the near end: sends, and waits for what comes back |
//! | `counters` | what the dataplane counted meanwhile |
//! | `observation` | both together → an answer like `explain`'s, as far as packets show one |
//! | `act` | one scenario from beginning to end |

mod act;
mod cast;
mod client;
mod counters;
mod listener;
mod observation;
mod stage;

use std::path::PathBuf;
use std::rc::Rc;

use super::report::{Mode, Played, Report};
use super::suite::Case;
use crate::lab::LabError;
use act::Act;
use cast::Cast;
pub use stage::Director;
use stage::Stage;

/// Plays the cases with packets; the report has them in their order.
///
/// # Errors
/// A lab that cannot be built, or the wish to stop. Whatever was built is gone by then.
pub fn play(cases: &[Case], director: &Director<'_>) -> Result<Report, LabError> {
    let casts: Vec<Result<Cast, String>> = cases.iter().map(Cast::of).collect();
    let mut played: Vec<Option<Played>> = cases.iter().map(|_| None).collect();
    for file in files(cases, &casts) {
        let members: Vec<usize> =
            (0..cases.len()).filter(|index| cases.get(*index).is_some_and(|case| case.compiled.path == file)).collect();
        play_file(cases, &casts, &members, &mut played, director)?;
    }
    let mut report = Report::default();
    for ((case, cast), played) in cases.iter().zip(&casts).zip(played) {
        let why = || cast.as_ref().err().map_or("it was not played", String::as_str);
        report.add(played.unwrap_or_else(|| Played::skipped(case, Mode::Packets, why())));
    }
    Ok(report)
}

/// The network files of which anything can be played, in the order in which they come up.
fn files(cases: &[Case], casts: &[Result<Cast, String>]) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = Vec::new();
    for (case, _) in cases.iter().zip(casts).filter(|(_, cast)| cast.is_ok()) {
        if !files.contains(&case.compiled.path) {
            files.push(case.compiled.path.clone());
        }
    }
    files
}

fn play_file(
    cases: &[Case],
    casts: &[Result<Cast, String>],
    members: &[usize],
    played: &mut [Option<Played>],
    director: &Director<'_>,
) -> Result<(), LabError> {
    let all: Vec<(usize, &Case, &Cast)> =
        members.iter().filter_map(|index| Some((*index, cases.get(*index)?, casts.get(*index)?.as_ref().ok()?))).collect();
    let Some((_, first, _)) = all.first() else { return Ok(()) };
    let compiled = Rc::clone(&first.compiled);
    let pairs: Vec<(&Case, &Cast)> = all.iter().map(|(_, case, cast)| (*case, *cast)).collect();
    let mut stage = Stage::build(&compiled, &pairs, director)?;
    for (index, case, cast) in all {
        director.check()?;
        if let Some(place) = played.get_mut(index) {
            *place = Some(Act::new(case, &mut stage, director).play(cast)?);
        }
    }
    stage.strike()
}
