//! What happens to a packet, told: the decision that forwards, with a listener that keeps what it says.

mod hint;
pub mod report;

use super::app_service::classified;
use super::decide::decide;
use super::ids::{Access, RuleId};
use super::question::{NextHopType, Observer, Outcome, Question, Scope, Source, Stage, Step};
use super::snapshot::Snapshot;
use crate::packet::Reason;
use report::{Explanation, Verdict};

/// Keeps everything that is told.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// The rules that decided an evaluation, in order.
    pub rules: Vec<RuleId>,
    /// What the destination sees as source, once that is decided.
    pub seen_as: Option<Source>,
}

impl Observer for Kept {
    fn rule(&mut self, rule: RuleId) {
        self.rules.push(rule);
    }

    fn step(&mut self, tell: impl FnOnce() -> Step) {
        self.steps.push(tell());
    }

    fn seen_as(&mut self, source: Source) {
        self.seen_as = Some(source);
    }
}

impl Kept {
    /// The step that denied, or else the last one whose rule or policy allowed.
    #[must_use]
    pub fn deciding(&self) -> Option<&Step> {
        let denied = self.steps.iter().find(|step| step.access == Some(Access::Deny));
        denied.or_else(|| self.steps.iter().rev().find(|step| step.access == Some(Access::Allow)))
    }

    /// `OBJECT/RULE` of the deciding step; the object alone where it decides without a rule.
    #[must_use]
    pub fn decided_by(&self) -> Option<String> {
        let step = self.deciding()?;
        match (step.object.as_ref()?, &step.rule) {
            (object, Some(rule)) => Some(format!("{object}/{rule}")),
            (object, None) => Some(object.clone()),
        }
    }

    fn next_hop_type(&self) -> Option<NextHopType> {
        self.steps.iter().find_map(|step| step.next_hop_type)
    }
}

/// Says what happens to a packet of no known flow, stage by stage.
#[must_use]
pub fn explain(snapshot: &Snapshot, question: &Question) -> Explanation {
    let mut kept = Kept::default();
    let question = &classified(snapshot, question);
    let outcome = decide(snapshot, question, Scope::FirstPacket, &mut kept);
    report::tell(snapshot, question, &outcome, &kept)
}

/// Says why a source is not admitted: it does not belong to `question`'s sender, or not behind the port `behind`.
#[must_use]
pub fn explain_spoofed(snapshot: &Snapshot, question: &Question, behind: &str) -> Explanation {
    let note = format!("{} does not belong behind {behind}", question.source);
    let step = Step { access: Some(Access::Deny), note: Some(note), ..Step::new(Stage::Admission) };
    let kept = Kept { steps: vec![step], ..Kept::default() };
    let denial = super::question::Denial { reason: Reason::SourceSpoofed, shown: super::question::Shown::Nothing };
    report::tell(snapshot, question, &Outcome::Deny(denial), &kept)
}

impl Verdict {
    const fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Forward(_) => Self::Allow,
            Outcome::Deny(_) => Self::Deny,
            Outcome::Undetermined(_) => Self::Undetermined,
        }
    }
}
