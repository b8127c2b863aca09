//! Asks the crate the same questions, and compares.

use causeway::config::{compile, load};
use causeway::packet::Reason;
use causeway::policy::admission;
use causeway::policy::decide::decide as policy_decide;
use causeway::policy::explain::explain;
use causeway::policy::explain::report::Verdict;
use causeway::policy::ids::Ids;
use causeway::policy::question::{Outcome, Question, Scope, Silent};
use causeway::policy::snapshot::Snapshot;

use crate::decide::{Answer, Packet, SeenAs, decide};
use crate::network::World;
use crate::run::REASONS;

/// A network file as the crate loads it: the snapshot, or what it refuses.
pub fn load_world(world: &World) -> Result<Snapshot, String> {
    let loaded = load::load_text("generated.yaml", &world.yaml());
    let errors = loaded.findings.iter().filter(|finding| finding.severity().as_str() == "error");
    let findings: Vec<String> = errors.map(|finding| format!("{}: {}", finding.code.as_str(), finding.message)).collect();
    let network = loaded.network.ok_or(findings.join("; "))?;
    compile::compile(&network, &mut Ids::default(), 1).map_err(|error| error.to_string())
}

/// The crate's answer, in the oracle's words.
pub fn ask(snapshot: &Snapshot, packet: &Packet) -> Answer {
    let port = snapshot.ports.iter().find(|port| port.name == packet.port).expect("the port");
    let admitted = match admission::admit(snapshot, port.id, packet.source, packet.destination) {
        Ok(admitted) => admitted,
        Err(reason) => return Answer { reason: word(reason), ..Answer::default() },
    };
    let question = Question {
        sender: admitted.sender,
        source: admitted.source,
        destination: packet.destination,
        protocol: packet.protocol,
        source_port: packet.source_port,
        destination_port: packet.destination_port,
    };
    let explained = explain(snapshot, &question);
    let out = match policy_decide(snapshot, &question, Scope::FirstPacket, &mut Silent) {
        Outcome::Forward(forward) => {
            let name = snapshot.ports.iter().find(|port| port.id == forward.delivery.port).map(|port| port.name.clone());
            Some((name.unwrap_or_default(), forward.delivery.wire_destination))
        }
        _ => None,
    };
    let home =
        |seen: &causeway::policy::explain::report::SeenAs| Some(format!("{}/{}", seen.virtual_network.as_ref()?, seen.subnet.as_ref()?));
    let undetermined = explained.verdict == Verdict::Undetermined;
    Answer {
        reason: if undetermined { "undetermined" } else { word(explained.reason) },
        // What it depends on is for people to read.
        decided_by: explained.decided_by.filter(|_| !undetermined),
        next_hop: explained.next_hop_type.map(hop),
        seen_as: explained.seen_as.as_ref().map(|seen| SeenAs { kind: seen.kind, address: seen.address, home: home(seen) }),
        out,
    }
}

fn word(reason: Reason) -> &'static str {
    let text = reason.to_string();
    REASONS.into_iter().find(|known| *known == text).unwrap_or_else(|| Box::leak(text.into_boxed_str()))
}

fn hop(kind: causeway::policy::question::NextHopType) -> &'static str {
    use causeway::policy::question::NextHopType as Kind;
    match kind {
        Kind::VnetLocal => "VnetLocal",
        Kind::VNetPeering => "VNetPeering",
        Kind::VirtualNetworkGateway => "VirtualNetworkGateway",
        Kind::VirtualNetworkServiceEndpoint => "VirtualNetworkServiceEndpoint",
        Kind::VirtualAppliance => "VirtualAppliance",
        Kind::InterfaceEndpoint => "InterfaceEndpoint",
        Kind::Internet => "Internet",
        Kind::VNetGlobalPeering => "VNetGlobalPeering",
        Kind::None => "None",
    }
}

/// Two answers to one question.
#[derive(Clone, Debug)]
pub struct Difference {
    pub packet: Packet,
    pub oracle: Answer,
    pub policy: Answer,
}

impl Difference {
    /// What differs, for counting: reasons, or the first field.
    pub fn class(&self) -> String {
        let (mine, theirs) = (&self.oracle, &self.policy);
        if mine.reason != theirs.reason {
            return format!("reason {} -> {}", mine.reason, theirs.reason);
        }
        let field = match () {
            () if mine.out != theirs.out => "out",
            () if mine.next_hop != theirs.next_hop => "next hop",
            () if mine.seen_as != theirs.seen_as => "seen as",
            () => "decided by",
        };
        format!("{} at {}", field, mine.reason)
    }
}

/// One packet asked of both.
pub fn compare(world: &World, snapshot: &Snapshot, packet: &Packet) -> Result<Answer, Box<Difference>> {
    let policy = ask(snapshot, packet);
    let oracle = decide(world, packet, policy.seen_as.as_ref().map(|seen| seen.address));
    if oracle == policy { Ok(policy) } else { Err(Box::new(Difference { packet: packet.clone(), oracle, policy })) }
}
