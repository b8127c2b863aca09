//! All lists of two or three rules over fields of four values, with all headers, at both ends and in the middle of the
//! fields' ranges. Lists are laid side by side in one table, each at addresses of its own.

use super::*;

/// A range of the four values, or a backwards one.
type Range = (u32, u32);

const RANGES: [Range; 11] = [(0, 0), (1, 1), (2, 2), (3, 3), (0, 1), (1, 2), (2, 3), (0, 2), (1, 3), (0, 3), (2, 1)];

/// Where the values lie that a field can have.
#[derive(Clone, Copy, Debug)]
enum End {
    Low,
    Middle,
    Top,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Source,
    Destination,
    SourcePort,
    DestinationPort,
    Protocol,
}

const FIELDS: [Field; 5] = [Field::Source, Field::Destination, Field::SourcePort, Field::DestinationPort, Field::Protocol];

impl End {
    /// The address of a value of the list that has this place.
    fn address(self, place: u32, value: u32) -> u32 {
        match self {
            Self::Low => 4 * place + value,
            Self::Middle => (0x8000_0000 - 2 + 4 * place.div_ceil(2)).wrapping_sub(8 * (place % 2) * place.div_ceil(2)) + value,
            Self::Top => u32::MAX - 3 - 4 * place + value,
        }
    }

    fn port(self, value: u32) -> u16 {
        let base = match self {
            Self::Low => 0,
            Self::Middle => 0x7ffe,
            Self::Top => u32::from(u16::MAX) - 3,
        };
        (base + value) as u16
    }
}

/// A rule at a place that has these ranges and is open in the other fields, but for the addresses, which are the place's.
fn rule(end: End, place: u32, ranges: &[(Field, Range)]) -> FiveTupleRule {
    let mut rule = ANY;
    rule.sources = end.address(place, 0)..=end.address(place, 3);
    rule.destinations = end.address(place, 0)..=end.address(place, 3);
    for (field, (low, high)) in ranges {
        match field {
            Field::Source => rule.sources = end.address(place, *low)..=end.address(place, *high),
            Field::Destination => rule.destinations = end.address(place, *low)..=end.address(place, *high),
            Field::SourcePort => rule.source_ports = end.port(*low)..=end.port(*high),
            Field::DestinationPort => rule.destination_ports = end.port(*low)..=end.port(*high),
            // not a range: two numbers say value and mask, of which 8 different ones are enough
            Field::Protocol => rule.protocol = MaskedProtocol { value: 252 + *low as u8, mask: [0, 1, 2, 255][*high as usize] },
        }
    }
    rule
}

fn header(end: End, place: u32, values: &[(Field, u32)]) -> FiveTuple {
    let mut header = FiveTuple { source: end.address(place, 1), destination: end.address(place, 2), ..FiveTuple::default() };
    for (field, value) in values {
        match field {
            Field::Source => header.source = end.address(place, *value),
            Field::Destination => header.destination = end.address(place, *value),
            Field::SourcePort => header.source_port = end.port(*value),
            Field::DestinationPort => header.destination_port = end.port(*value),
            Field::Protocol => header.protocol = 252 + *value as u8,
        }
    }
    header
}

/// Lists side by side, of `R` rules each, with the headers of each.
struct Case<const R: usize> {
    lists: Vec<[FiveTupleRule; R]>,
    headers: Vec<Vec<FiveTuple>>,
}

impl<const R: usize> Case<R> {
    /// In tables of so many lists.
    fn check(&self, lists: usize, table: impl Fn(&[FiveTupleRule]) -> AccessList) {
        for (lists, headers) in self.lists.chunks(lists).zip(self.headers.chunks(lists)) {
            // a list's headers meet no other list's rules
            let expected = (0..).zip(lists).zip(headers).flat_map(|((at, list), headers)| {
                scan(list, headers).into_iter().map(move |rule| if rule == NO_MATCH { rule } else { at * R as u32 + rule })
            });
            // this machine's way alone: there are too many for the plain one, which other tests compare
            let headers = headers.concat();
            let mut found = vec![7; headers.len()];
            table(&lists.concat()).first_matches(&headers, &mut found);
            for ((header, found), expected) in headers.iter().zip(found).zip(expected) {
                assert_eq!(found, expected, "{header:?}");
            }
        }
    }
}

/// All lists of two rules over two fields.
fn pairs(end: End, one: Field, other: Field) -> Case<2> {
    let boxes: Vec<[Range; 2]> = RANGES.iter().flat_map(|a| RANGES.iter().map(|b| [*a, *b])).collect();
    let rule = |place, ranges: &[Range; 2]| rule(end, place, &[(one, ranges[0]), (other, ranges[1])]);
    let lists: Vec<_> =
        (0..).zip(boxes.iter().flat_map(|a| boxes.iter().map(move |b| (a, b)))).map(|(at, (a, b))| [rule(at, a), rule(at, b)]).collect();
    let values = |at| (0..16).map(move |value| header(end, at, &[(one, value % 4), (other, value / 4)])).collect();
    let headers = (0..).take(lists.len()).map(values).collect();
    Case { lists, headers }
}

/// All lists of three rules over one field.
fn triples(end: End, field: Field) -> Case<3> {
    let all = RANGES.iter().flat_map(|a| RANGES.iter().flat_map(move |b| RANGES.iter().map(move |c| [*a, *b, *c])));
    let lists: Vec<_> = (0..).zip(all).map(|(at, ranges)| ranges.map(|range| rule(end, at, &[(field, range)]))).collect();
    let values = |at| (0..4).map(move |value| header(end, at, &[(field, value)])).collect();
    let headers = (0..).take(lists.len()).map(values).collect();
    Case { lists, headers }
}

fn built(rules: &[FiveTupleRule]) -> AccessList {
    AccessList::build(rules, ENOUGH).unwrap()
}

#[test]
fn all_lists_of_two_rules_over_two_fields_in_a_long_table() {
    for (one, other, end) in [
        (Field::Source, Field::Destination, End::Top),
        (Field::Source, Field::DestinationPort, End::Middle),
        (Field::SourcePort, Field::DestinationPort, End::Top),
        (Field::Destination, Field::Protocol, End::Low),
    ] {
        pairs(end, one, other).check(usize::MAX, |rules| AccessList { table: long(rules) });
    }
}

#[test]
fn all_lists_of_two_rules_over_two_fields_in_short_tables() {
    for (one, other, end) in [(Field::Source, Field::Destination, End::Top), (Field::SourcePort, Field::DestinationPort, End::Low)] {
        pairs(end, one, other).check(512, built);
    }
}

/// Fewer at a time: cells are as many as pairs of all addresses.
#[test]
fn all_lists_of_two_rules_over_two_fields_in_cells() {
    for (one, other, end) in [
        (Field::Source, Field::Destination, End::Top),
        (Field::Source, Field::DestinationPort, End::Middle),
        (Field::SourcePort, Field::DestinationPort, End::Top),
        (Field::Destination, Field::Protocol, End::Low),
    ] {
        pairs(end, one, other).check(64, |rules| AccessList { table: product(rules).unwrap() });
    }
}

#[test]
fn all_lists_of_three_rules_over_a_field() {
    for field in FIELDS {
        for end in [End::Low, End::Middle, End::Top] {
            let case = triples(end, field);
            case.check(usize::MAX, built);
            case.check(341, built);
        }
    }
}

/// One list alone in a table, where intervals are wide and the rest of the numbers is one of them.
#[test]
fn every_range_alone_in_a_table() {
    for field in FIELDS {
        for (end, range) in RANGES.into_iter().enumerate().map(|(at, range)| ([End::Low, End::Middle, End::Top][at % 3], range)) {
            let rules = [FiveTupleRule { source_ports: 0..=9, ..rule(end, 0, &[(field, range)]) }, rule(end, 0, &[(field, range)]), ANY];
            let headers: Vec<FiveTuple> = (0..4).map(|value| header(end, 0, &[(field, value)])).collect();
            expect_all(&rules, &[headers, corners(&rules, 20)].concat());
        }
    }
}
