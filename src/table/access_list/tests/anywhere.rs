//! Lists with many rules for any address, which hide what stands behind them.

use super::*;

/// Ports and protocols as a firewall has them, any two addresses.
fn service(dice: &mut Dice) -> FiveTupleRule {
    let few = |dice: &mut Dice| {
        let low = dice.below(60) as u16 * 1_000;
        low..=low + [0, 0, 0, 500, 5_000][dice.below(5) as usize]
    };
    let protocols =
        [MaskedProtocol::ANY, MaskedProtocol::exactly(6), MaskedProtocol::exactly(17), MaskedProtocol { value: 0x10, mask: 0x10 }];
    FiveTupleRule {
        source_ports: if dice.below(2) == 0 { 0..=u16::MAX } else { few(dice) },
        destination_ports: if dice.below(12) == 0 { 0..=u16::MAX } else { few(dice) },
        protocol: protocols[[0, 1, 1, 1, 1, 2, 2, 3][dice.below(8) as usize]],
        ..ANY
    }
}

/// Rules for servers and partners, of which a part asks for no address.
fn firewall(count: u32, anywhere: u32, seed: u64) -> Vec<FiveTupleRule> {
    let mut dice = Dice(seed);
    let servers: Vec<_> = (0..30).map(|_| dice.prefix(24, 32)).collect();
    let rule = |_| {
        let (server, rule) = (servers[dice.below(30) as usize].clone(), service(&mut dice));
        match dice.below(100) {
            chance if chance < anywhere => rule,
            chance if chance % 2 == 0 => FiveTupleRule { destinations: server, ..rule },
            _ => FiveTupleRule { sources: server, ..rule },
        }
    };
    (0..count).map(rule).collect()
}

#[test]
fn firewalls_of_which_a_part_is_for_anywhere() {
    for (anywhere, seed) in [(0, 1), (5, 2), (40, 3), (100, 4)] {
        let rules = firewall(2_500, anywhere, seed);
        let headers = corners(&rules, 2);
        expect_built(&rules, &headers);
        expect(&AccessList { table: long(&rules) }, &headers, &scan(&rules, &headers));
    }
}

/// So many rules for each port that lists have no room for all of them, and so many ranges that not all are listed.
#[test]
fn more_rules_for_anywhere_than_lists_have_room_for() {
    let pile = |at: u16| FiveTupleRule { destination_ports: 80..=90, source_ports: at * 7..=at * 7, ..ANY };
    let range = |at: u16| FiveTupleRule { destination_ports: at..=u16::MAX - at, source_ports: at..=at, ..ANY };
    for rules in [(0..1_500).map(pile).collect::<Vec<_>>(), (0..1_500).map(range).collect()] {
        let headers = corners(&rules, 2);
        let list = AccessList { table: long(&rules) };
        expect(&list, &headers, &scan(&rules, &headers));
    }
}
