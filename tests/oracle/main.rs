//! A second, slow, plain implementation of the whole decision, written from Azure's documentation and the product's contract alone:
//! the policy has to agree with it over random networks and packets.
//!
//! `ORACLE_QUESTIONS=1000000 ORACLE_SEED=7 cargo test --test oracle` asks more; so does `cargo bench --bench oracle`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]
#![allow(missing_docs, unreachable_pub, dead_code, reason = "a test's own modules, shared with a bench")]

mod compare;
mod decide;
mod dice;
mod firewall;
mod generate;
mod network;
mod nsg;
mod places;
mod routes;
mod run;
mod services;
mod shrink;
mod tags;

use proptest::prelude::*;

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn the_policy_agrees_with_the_oracle() {
    let report = run::run(from_environment("ORACLE_QUESTIONS", 20_000), from_environment("ORACLE_SEED", 1));
    eprintln!("{}", report.summary());
    report.refused.iter().for_each(|findings| eprintln!("refused: {findings}"));
    assert!(report.classes.is_empty(), "{}", report.story());
    assert!(report.refused.is_empty(), "{} generated files were refused, such as {:?}", report.refused.len(), report.refused.first());
    for reason in run::REASONS {
        assert!(report.reasons.contains_key(reason), "no packet ended in {reason}, only in {:?}", report.reasons);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_seed_agrees(seed: u64) {
        let report = run::run(100, seed);
        prop_assert!(report.refused.is_empty(), "{:?}", report.refused);
        prop_assert!(report.classes.is_empty(), "{}", report.story());
    }
}
