//! A question in words (who sends, where to) → what the policy answers.
//!
//! [`understand`] turns the words into a question of the policy's, [`Asked::explain`] has it answered by the engine that
//! forwards. `causeway explain` asks one question, `causeway test` the questions of its scenarios.

pub mod ends;

use std::net::IpAddr;

use crate::config::network::Network;
use crate::policy::explain::report::Explanation;
use crate::policy::explain::{explain, explain_spoofed};
use crate::policy::question::Question;
use crate::policy::snapshot::Snapshot;

/// The source port of a question that names none: the first of the dynamic ones.
pub const SOURCE_PORT: u16 = 49152;

/// A question in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// WHO: a port or host that stands for one address, `VNET/SUBNET/ADDRESS`, `internet/ADDRESS`,
    /// `gateway/NAME/ADDRESS`, `service/NAME`, or `platform`.
    pub from: String,
    /// WHERE: `NAME[:PORT][/PROTOCOL]`, or an address in the name's place.
    pub to: String,
    /// The packet's source, where it is not the sender's own.
    pub source: Option<IpAddr>,
    /// The packet's source port; not used where the protocol has none.
    pub source_port: u16,
}

/// A question that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The packet.
    pub question: Question,
    /// The source does not belong to the sender: behind what it was asked about.
    pub spoofed_at: Option<String>,
}

/// Which words cannot be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Who sends.
    From,
    /// Where to.
    To,
}

/// Words that mean nothing in this network: a name that nothing bears, a protocol that there is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Misunderstood {
    /// Which of the words.
    pub part: Part,
    /// What is wrong with them, a sentence without a full stop.
    pub text: String,
}

/// Turns words into a question.
///
/// # Errors
/// A sentence that says which name nothing bears, or what else cannot be understood.
pub fn understand(network: &Network, snapshot: &Snapshot, words: &Words) -> Result<Asked, Misunderstood> {
    let wrong = |part| move |text| Misunderstood { part, text };
    let from = ends::sender(network, snapshot, &words.from, words.source, ends::family(&words.to)).map_err(wrong(Part::From))?;
    let to = ends::destination(network, snapshot, &words.to, from.source.is_ipv6()).map_err(wrong(Part::To))?;
    if from.source.is_ipv6() != to.address.is_ipv6() {
        let text = format!("no packet goes from {} to {}: one is IPv4, the other IPv6", from.source, to.address);
        return Err(Misunderstood { part: Part::To, text });
    }
    let question = Question {
        sender: from.sender,
        source: from.source,
        destination: to.address,
        protocol: to.protocol,
        source_port: if to.has_ports() { words.source_port } else { 0 },
        destination_port: to.port,
    };
    Ok(Asked { question, spoofed_at: from.spoofed_at })
}

impl Asked {
    /// Says what happens to the packet, stage by stage.
    #[must_use]
    pub fn explain(&self, snapshot: &Snapshot) -> Explanation {
        match &self.spoofed_at {
            Some(behind) => explain_spoofed(snapshot, &self.question, behind),
            None => explain(snapshot, &self.question),
        }
    }
}

/// The answer to a question put in words.
///
/// # Errors
/// As [`understand`].
pub fn ask(network: &Network, snapshot: &Snapshot, words: &Words) -> Result<Explanation, Misunderstood> {
    understand(network, snapshot, words).map(|asked| asked.explain(snapshot))
}
