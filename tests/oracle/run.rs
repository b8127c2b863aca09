//! Many networks, many questions, and what came of them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use crate::compare::{Difference, compare, load_world};
use crate::decide::Answer;
use crate::generate;
use crate::network::World;
use crate::shrink::shrink;

/// Questions about one network.
const SHARE: usize = 400;

/// Ends that a run of the ordinary size has to meet, or its networks are too tame.
pub const REASONS: [&str; 13] = [
    "forwarded",
    "nsg-deny",
    "service-firewall-deny",
    "endpoint-policy-deny",
    "route-none",
    "no-route",
    "peering-blocked",
    "source-spoofed",
    "destination-unknown",
    "service-initiated",
    "ip-forwarding-disabled",
    "unsupported",
    "undetermined",
];

#[derive(Default)]
pub struct Report {
    pub networks: u64,
    pub questions: u64,
    pub differences: u64,
    /// Kinds of difference: how often, and the first example.
    pub classes: BTreeMap<String, (u64, World, Difference)>,
    pub reasons: BTreeMap<&'static str, u64>,
    /// Files that were not taken, and why.
    pub refused: Vec<String>,
}

pub fn run(questions: u64, seed: u64) -> Report {
    let mut report = Report::default();
    let mut number = 0_u64;
    while report.questions < questions {
        let own = seed.wrapping_mul(0x0001_0000_0000).wrapping_add(number);
        number += 1;
        let world = generate::world(own);
        report.networks += 1;
        match load_world(&world) {
            Ok(snapshot) => {
                let packets = generate::packets(&world, own, SHARE);
                report.questions += packets.len() as u64;
                packets.iter().for_each(|packet| report.take(&world, compare(&world, &snapshot, packet)));
            }
            Err(findings) => {
                report.refused.push(findings);
                report.questions += 1;
            }
        }
    }
    report
}

impl Report {
    fn take(&mut self, world: &World, answer: Result<Answer, Box<Difference>>) {
        let reason = answer.as_ref().map_or_else(|difference| difference.policy.reason, |answer| answer.reason);
        *self.reasons.entry(reason).or_default() += 1;
        if let Err(difference) = answer {
            self.differences += 1;
            self.classes.entry(difference.class()).or_insert_with(|| (0, world.clone(), *difference)).0 += 1;
        }
    }

    /// One line of JSON.
    pub fn summary(&self) -> String {
        let reasons: Vec<String> = self.reasons.iter().map(|(reason, count)| format!("\"{reason}\":{count}")).collect();
        format!(
            "{{\"networks\":{},\"questions\":{},\"mismatches\":{},\"refused\":{},\"reasons\":{{{}}}}}",
            self.networks,
            self.questions,
            self.differences,
            self.refused.len(),
            reasons.join(",")
        )
    }

    /// Every kind of difference, each with a small example.
    pub fn story(&self) -> String {
        let mut text = String::new();
        let deadline = Instant::now() + Duration::from_secs(60);
        for (class, (count, world, difference)) in &self.classes {
            let (world, difference) = shrink(world, difference, deadline);
            writeln!(
                text,
                "==== {class}: {count} times\n{:?}\noracle {:?}\npolicy {:?}\n{}",
                difference.packet,
                difference.oracle,
                difference.policy,
                world.yaml()
            )
            .unwrap();
        }
        text
    }
}
