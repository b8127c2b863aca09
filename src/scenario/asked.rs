//! Scenarios as questions to the policy.

use serde_json::{Value as Json, json};

use super::compare::{Comparison, Lacking};
use super::established::{Connection, Established};
use super::networks::Compiled;
use super::report::{Aftermath, Mode, Played};
use super::suite::{Case, Next};
use crate::ask::{Asked, Misunderstood, Words, understand};
use crate::policy::app_service::classified;
use crate::policy::decide::decide;
use crate::policy::question::{Outcome, Scope, Silent};

/// Asks a scenario's questions, and compares the answers.
#[must_use]
pub fn play(case: &Case) -> Played {
    let asked = match question(&case.words, &case.compiled) {
        Ok(asked) => asked,
        // The words were understood when the file was read.
        Err(misunderstood) => return Played::skipped(case, Mode::Explain, misunderstood.text),
    };
    let answer = answer(&asked, &case.compiled);
    let mut comparison = Comparison::of(&case.expect, &answer, Lacking::IsNull, "");
    let mut connection = Connection::open(&asked, &case.compiled.snapshot);
    let changes = case.then.iter().enumerate();
    let then = changes.map(|(index, next)| change(case, next, index, &mut connection, &mut comparison)).collect();
    Played::judged(case, Mode::Explain, comparison, answer, then)
}

fn change(case: &Case, next: &Next, index: usize, connection: &mut Connection, comparison: &mut Comparison) -> Aftermath {
    let now = connection.next_packet(&case.words, &next.compiled);
    if let Some((wanted, span)) = next.established.filter(|(wanted, _)| *wanted != now) {
        let differing = Comparison::differing(format!("then[{index}].established"), span, json!(wanted), json!(now));
        let undetermined = now == Established::Undetermined;
        comparison.extend(Comparison { failed: !undetermined, undetermined, ..differing });
    }
    let answer = match (&next.expect, question(&case.words, &next.compiled)) {
        (Some(expect), Ok(asked)) => {
            let answer = answer(&asked, &next.compiled);
            comparison.extend(Comparison::of(expect, &answer, Lacking::IsNull, &format!("then[{index}].")));
            answer
        }
        _ => Json::Null,
    };
    Aftermath { reload: next.compiled.path.display().to_string(), established: Some(now), answer }
}

fn question(words: &Words, compiled: &Compiled) -> Result<Asked, Misunderstood> {
    understand(&compiled.network, &compiled.snapshot, words)
}

/// What `explain -o json` answers, and the port that the packet leaves by.
fn answer(asked: &Asked, compiled: &Compiled) -> Json {
    let mut answer = json!(asked.explain(&compiled.snapshot));
    if let Some(object) = answer.as_object_mut() {
        object.insert("deliveredTo".to_owned(), json!(delivered_to(asked, compiled)));
    }
    answer
}

/// The port that the packet leaves by.
fn delivered_to(asked: &Asked, compiled: &Compiled) -> Option<String> {
    if asked.spoofed_at.is_some() {
        return None;
    }
    match decide(&compiled.snapshot, &classified(&compiled.snapshot, &asked.question), Scope::FirstPacket, &mut Silent) {
        Outcome::Forward(forward) => compiled.snapshot.port(forward.delivery.port).map(|port| port.name.clone()),
        Outcome::Deny(_) | Outcome::Undetermined(_) => None,
    }
}
