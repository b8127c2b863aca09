//! What a person writes into a scenario file: each property declared once.

use super::established::Established;
use super::expectation::Expectation;
use crate::config::model::addresses::{Address, ListenPort};
use crate::config::model::decode::{Spanned, choice, object};

object! {
    /// Questions about networks, and the answers that are expected.
    ScenarioFile "the scenario file"
    required {
        /// The scenarios, played one after the other.
        "scenarios" scenarios: Vec<Spanned<Scenario>>,
    }
    optional {
        /// The network file that the scenarios are about, relative to this file, in place of the one given to the command.
        "network" network: String,
    }
}

object! {
    /// One packet, or the first packet of a connection, and what must become of it.
    Scenario "a scenario"
    required {
        /// A sentence that says what must come out.
        "name" name: String,
        /// Who sends, as `explain --from` takes it.
        "from" from: String,
        /// Where to, as `explain --to` takes it: `NAME[:PORT][/PROTOCOL]` or an address.
        "to" to: String,
        /// What must come out: any of the fields of `explain -o json`.
        "expect" expect: Expectation,
    }
    optional {
        /// The network file that this scenario is about, relative to this file.
        "network" network: String,
        /// The packet's source, where it is not the sender's own: what an appliance forwards.
        "source" source: Address,
        /// The packet's source port.
        "sourcePort" source_port: ListenPort,
        /// Changes of the network under the connection that was opened, one after the other.
        "then" then: Vec<Spanned<Change>>,
    }
}

object! {
    /// The network changes while the connection is open.
    Change "a change"
    required {
        /// The network file that is now in force, relative to this file.
        "reload" reload: String,
    }
    optional {
        /// What becomes of the connection that the scenario opened.
        "established" established: Established,
        /// What a new packet of the same kind meets.
        "expect" expect: Expectation,
    }
}

choice! {
    Established, "established",
    "Allow" => Self::Allow, "Deny" => Self::Deny, "Reset" => Self::Reset
}
