//! Lists over few addresses: every table that holds them, and which of them is chosen.

use super::*;

/// Rules as groups make them: some names by some names by some services, and what a group says of all at the end.
fn groups(count: usize, seed: u64) -> Vec<FiveTupleRule> {
    let mut dice = Dice(seed);
    let names: Vec<_> = (0..40).map(|_| dice.prefix(8, 32)).chain([0..=u32::MAX]).collect();
    let known: Vec<FiveTupleRule> = (0..40).map(|_| dice.rule()).collect();
    let mut rules = Vec::new();
    while rules.len() < count {
        let services: Vec<&FiveTupleRule> = (0..=dice.below(3)).map(|_| &known[dice.below(40) as usize]).collect();
        let some = |dice: &mut Dice| -> Vec<_> { (0..=dice.below(6)).map(|_| names[dice.below(41) as usize].clone()).collect() };
        let (from, to) = (some(&mut dice), some(&mut dice));
        for (sources, destinations) in from.iter().flat_map(|from| to.iter().map(move |to| (from, to))) {
            let rule =
                |service: &FiveTupleRule| FiveTupleRule { sources: sources.clone(), destinations: destinations.clone(), ..service.clone() };
            rules.extend(services.iter().copied().map(rule));
        }
    }
    rules.truncate(count);
    rules
}

/// Rules over pairs of addresses, and so many ranges of ports.
fn ports_of_one_pair(count: u16) -> Vec<FiveTupleRule> {
    (0..count).map(|at| FiveTupleRule { sources: 5..=9, destination_ports: 3 * at..=3 * at + 1, ..ANY }).collect()
}

fn expect_product(rules: &[FiveTupleRule], headers: &[FiveTuple]) {
    let list = AccessList { table: product(rules).unwrap() };
    expect(&list, headers, &scan(rules, headers));
}

#[test]
fn groups_are_cells() {
    for (count, seed) in [(3, 1), (100, 2), (1_100, 3), (3_000, 4)] {
        let rules = groups(count, seed);
        let step = count.div_ceil(200);
        let sample: Vec<FiveTupleRule> = rules.iter().step_by(step).cloned().collect();
        let mut dice = Dice(seed);
        // addresses of one rule with the other fields of another
        let crossed = corners(&sample, 4)
            .into_iter()
            .map(|header| FiveTuple { source: *sample[dice.below(sample.len() as u32) as usize].sources.end(), ..header });
        let headers = [corners(&sample, 4), crossed.collect()].concat();
        expect_product(&rules, &headers);
        if count > 1_024 {
            assert!(matches!(AccessList::build(&rules, ENOUGH).unwrap().table, Table::Product(_)), "{count} rules");
            expect_built(&rules, &headers);
        }
    }
}

/// A rule that matches nothing between two for the same addresses.
#[test]
fn a_run_does_not_go_on_behind_an_empty_rule() {
    let rule = |destination_ports| FiveTupleRule { sources: 5..=9, destination_ports, ..ANY };
    let rules = [rule(80..=80), rule(NO_PORT), rule(81..=81), rule(82..=82)];
    let header = |destination_port| FiveTuple { source: 7, destination_port, ..FiveTuple::default() };
    expect_product(&rules, &[79, 80, 81, 82, 83].map(header));
}

/// Every pair has a few rules of its own before a tail that all have, and that leaves a service open.
#[test]
fn long_tails_behind_many_pairs_are_given_up() {
    let own = |pair: u32| FiveTupleRule { sources: pair % 40..=pair % 40, destinations: pair / 40..=pair / 40, source_ports: 1..=1, ..ANY };
    let port = |rule: FiveTupleRule, port: u32| FiveTupleRule { destination_ports: port as u16..=port as u16, ..rule };
    let front = (0..1_600).flat_map(|pair| [0, 1, 2].map(|bit| port(own(pair), (pair >> (3 * bit)) % 8)));
    let tail = |at: u32| port(FiveTupleRule { sources: 0..=u32::MAX - 1, destinations: 0..=u32::MAX - 1, ..ANY }, at % 8);
    let rules: Vec<FiveTupleRule> = front.chain((0..100_000).map(tail)).collect();
    assert!(product(&rules).is_none());
    expect_built(&rules, &corners(&rules[..300], 1));
}

/// As many addresses as rules make too many pairs.
#[test]
fn many_addresses_are_lists() {
    let mut dice = Dice(5);
    let rules: Vec<FiveTupleRule> = (0..3_000).map(|_| dice.rule()).collect();
    assert!(matches!(AccessList::build(&rules, ENOUGH).unwrap().table, Table::Long(_)));
}

#[test]
fn cells_keep_to_their_budget() {
    let rules = groups(2_000, 6);
    let memory = AccessList { table: product(&rules).unwrap() }.memory();
    assert!(Product::of_cells(&rules, 1 << 21, memory).is_some());
    assert!(Product::of_cells(&rules, 1 << 21, memory - 1).is_none());
}

/// Where lists are cheap, cells have to be few to be worth it.
#[test]
fn cheap_lists_stay_lists() {
    let rules = groups(2_000, 6);
    assert!(Product::new(&rules, usize::MAX, ENOUGH).is_some());
    assert!(Product::new(&rules, 0, ENOUGH).is_none());
}

/// A shape names up to 254 rules of a list, of which there may be more.
#[test]
fn lists_as_long_as_shapes_have_names_for() {
    for count in [1, 2, 63, 64, 65, 253, 254] {
        let rules = ports_of_one_pair(count);
        expect_product(&rules, &corners(&rules, 8));
        // none behind the first can ever be met
        let hidden = [vec![ANY; 3], rules, vec![ANY; 400]].concat();
        expect_product(&hidden, &corners(&hidden, 2));
    }
    assert!(product(&ports_of_one_pair(255)).is_none());
}

/// Of conditions on ports and protocol a row holds 1,024.
#[test]
fn as_many_conditions_as_rows_have_bits() {
    let rule = |at: u16| FiveTupleRule { sources: u32::from(at / 200)..=u32::from(at / 200), destination_ports: at..=at, ..ANY };
    let rules = |count| (0..count).map(rule).collect::<Vec<FiveTupleRule>>();
    let most = rules(1_024);
    expect_product(&most, &corners(&most, 2));
    assert!(product(&rules(1_025)).is_none());
}

/// More intervals than a tree has leaves for.
#[test]
fn many_addresses_on_one_side() {
    let rule = |at: u32| FiveTupleRule { sources: at * 70_001..=at * 70_001 + 9, destinations: at % 3..=5, ..ANY };
    let rules: Vec<FiveTupleRule> = (0..1_500).map(rule).collect();
    expect_product(&rules, &corners(&rules, 3));
    let turned: Vec<FiveTupleRule> =
        rules.into_iter().map(|rule| FiveTupleRule { sources: rule.destinations, destinations: rule.sources, ..rule }).collect();
    expect_product(&turned, &corners(&turned, 3));
}

/// Cells that are filled again and again are too much work, and so are ranges that cover each other.
#[test]
fn what_is_too_much_work_is_left() {
    let nested = |at: u32| FiveTupleRule { sources: at..=u32::MAX - at, destinations: 1..=2, ..ANY };
    assert!(product(&(0..1_400).map(nested).collect::<Vec<FiveTupleRule>>()).is_none());
    let tall = |at: u32| FiveTupleRule { destination_ports: 0..=9, ..if at.is_multiple_of(2) { ANY } else { nested(at % 600) } };
    let wide = |at: u32| FiveTupleRule { destinations: at % 600..=at % 600, ..tall(at) };
    assert!(product(&(0..60_000).map(wide).collect::<Vec<FiveTupleRule>>()).is_none());
}
