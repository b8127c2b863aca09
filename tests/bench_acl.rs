//! The tools of the access lists' benchmark: its files, the rule sets and headers that it makes, its scan, its answers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

#[path = "../bench/acl/latency.rs"]
mod latency;
#[path = "../bench/acl/measure.rs"]
mod measure;
#[path = "../bench/acl/options.rs"]
mod options;
#[path = "../bench/acl/report.rs"]
mod report;
#[path = "../bench/acl/run.rs"]
mod run;
#[path = "../bench/acl/sets.rs"]
mod sets;
#[path = "../bench/support/mod.rs"]
mod support;

use std::collections::HashSet;
use std::fs;

use causeway::table::access_list::AccessList;
use causeway::table::access_list::five_tuple::{FiveTuple, FiveTupleRule, MaskedProtocol, ordered_scan};
use clap::Parser as _;
use proptest::prelude::*;
use support::generate::{self, Shape};
use support::{filter_file, headers, scan, trace_file};

const LINE: &str = "@10.1.2.3/8\t192.0.2.1/32\t0 : 65535\t443 : 444\t0x06/0xFF\t0x0000/0x0200\t\n";

fn rule_of_line() -> FiveTupleRule {
    FiveTupleRule {
        sources: filter_file::prefix(0x0a00_0000, 8),
        destinations: filter_file::prefix(0xc000_0201, 32),
        source_ports: 0..=u16::MAX,
        destination_ports: 443..=444,
        protocol: MaskedProtocol::exactly(6),
    }
}

prop_compose! {
    fn any_rule(bits: u32)(
        (source, destination) in (0..=bits, 0..=bits), lengths in (0..=32_u32, 0..=32_u32), source_ports in any::<(u16, u16)>(),
        destination_ports in any::<(u16, u16)>(), value in any::<u8>(), mask in any::<u8>(),
    ) -> FiveTupleRule {
        let ports = |(one, other): (u16, u16)| one.min(other)..=one.max(other);
        FiveTupleRule {
            sources: filter_file::prefix(source, lengths.0),
            destinations: filter_file::prefix(destination, lengths.1),
            source_ports: ports(source_ports),
            destination_ports: ports(destination_ports),
            protocol: MaskedProtocol { value, mask },
        }
    }
}

prop_compose! {
    fn any_header(bits: u32)(
        source in 0..=bits, destination in 0..=bits, source_port in any::<u16>(), destination_port in any::<u16>(), protocol in any::<u8>(),
    ) -> FiveTuple {
        FiveTuple { source, destination, source_port, destination_port, protocol }
    }
}

proptest! {
    #[test]
    fn written_rules_are_read_back(rules in prop::collection::vec(any_rule(u32::MAX), 0..20)) {
        let mut text = Vec::new();
        filter_file::write(&rules, &mut text).unwrap();
        prop_assert_eq!(filter_file::read(&String::from_utf8(text).unwrap()).unwrap(), rules);
    }

    #[test]
    fn written_headers_are_read_back(headers in prop::collection::vec(any_header(u32::MAX), 0..20)) {
        let mut text = Vec::new();
        trace_file::write(&headers, &mut text).unwrap();
        prop_assert_eq!(trace_file::read(&String::from_utf8(text).unwrap()).unwrap(), headers);
    }

    #[test]
    fn no_text_makes_the_readers_panic(text in "[@0-9a-fx./: \\t\\r\\n#-]{0,80}") {
        let _ = filter_file::read(&text);
        let _ = trace_file::read(&text);
    }

    /// Rules over a few addresses, so that many match and many are hidden, across several blocks of the scan.
    #[test]
    fn the_scan_in_blocks_is_the_ordered_scan(
        rules in prop::collection::vec(any_rule(7), 0..1_100), headers in prop::collection::vec(any_header(7), 0..40),
    ) {
        let expected: Vec<u32> = headers.iter().map(|header| ordered_scan(&rules, header).map_or(AccessList::NO_MATCH, |index| index as u32)).collect();
        prop_assert_eq!(scan::first_matches(&rules, &headers), expected);
    }

    #[test]
    fn a_seed_makes_the_same_set_of_the_size_asked_for(shape in prop::sample::select(Shape::ALL.to_vec()), size in 1..600_usize, seed: u64) {
        let rules = generate::rules(shape, size, seed);
        prop_assert_eq!(rules.len(), size);
        prop_assert_eq!(&generate::rules(shape, size, seed), &rules);
        let trace = headers::trace(&rules, 500, seed);
        prop_assert_eq!(trace.len(), 500);
        prop_assert_eq!(headers::trace(&rules, 500, seed), trace);
    }
}

#[test]
fn the_last_blocks_unused_columns_match_nothing() {
    let rules = [FiveTupleRule { protocol: MaskedProtocol::exactly(6), ..rule_of_line() }];
    let zeros = FiveTuple::default();
    assert_eq!(scan::first_matches(&rules, &[zeros]), [AccessList::NO_MATCH]);
}

#[test]
fn lines_are_read_however_they_are_spaced() {
    for text in [
        LINE,
        "@10.1.2.3/8 192.0.2.1/32 0:65535 443:444 6/255\r\n",
        "  10.0.0.0 / 8   192.0.2.1/32   0 :65535   443: 444   0X06 / 0xff   0x0/0x0   more  \n",
        "# a comment\n\n\r\n@10.0.0.0/8\t192.0.2.1/32\t0 : 65535\t443 : 444\t0x6/0xFF # one more",
    ] {
        assert_eq!(filter_file::read(text).unwrap(), [rule_of_line()], "{text}");
    }
    let header = FiveTuple { source: 1, destination: u32::MAX, source_port: 3, destination_port: 4, protocol: 5 };
    for text in ["1 4294967295 3 4 5", "1\t4294967295\t3\t4\t5\t268439552\t471\r\n\r\n", "#\n 1 4294967295 3 4 5 # flow"] {
        assert_eq!(trace_file::read(text).unwrap(), [header], "{text}");
    }
}

#[test]
fn prefixes_of_every_length_are_read() {
    let read = |length| filter_file::read(&LINE.replace("10.1.2.3/8", &format!("255.255.255.255/{length}"))).unwrap();
    for length in 0..=32_u32 {
        let hosts = u32::MAX.checked_shr(length).unwrap_or(0);
        assert_eq!(read(length)[0].sources, u32::MAX - hosts..=u32::MAX, "/{length}");
    }
}

#[test]
fn a_mask_of_some_bits_counts_only_those() {
    let rules = filter_file::read(&LINE.replace("0x06/0xFF", "0x16/0x0F")).unwrap();
    assert!(rules[0].protocol.matches(0x06) && rules[0].protocol.matches(0xf6) && !rules[0].protocol.matches(0x07));
}

#[test]
fn a_wrong_line_is_named() {
    for (wrong, says) in [
        (LINE.replace("/8", "/33"), "line 2: source address: a prefix length of 33 is more than 32"),
        (LINE.replace("10.1.2.3", "10.1.2.300"), "line 2: source address: '10.1.2.300' is none"),
        (LINE.replace("443 : 444", "444 : 443"), "line 2: destination port: 444 : 443 runs backwards"),
        (LINE.replace("65535", "65536"), "line 2: source port: '65536' is none"),
        (LINE.replace("0x06", "0x106"), "line 2: protocol: '0x106' is no number from 0 to 255 (0xFF)"),
        (LINE.replace("/0xFF\t0x0000/0x0200", ""), "line 2: the line ends before the protocol"),
        ("\u{fffd}\n".to_owned(), "line 2: source address: '\u{fffd}' is none"),
    ] {
        assert_eq!(filter_file::read(&format!("{LINE}{wrong}")).unwrap_err().to_string(), says);
    }
    assert_eq!(trace_file::read("1 2 3 4 5\n\n1 2 3 4").unwrap_err().to_string(), "line 3: the line ends before the protocol");
    let too_large = trace_file::read("4294967296 2 3 4 5").unwrap_err().to_string();
    assert_eq!(too_large, "line 1: source address: '4294967296' is no decimal number that fits");
}

#[test]
fn addresses_that_are_no_prefix_are_not_written() {
    let rule = FiveTupleRule { sources: 1..=2, ..rule_of_line() };
    assert_eq!(filter_file::write(&[rule], &mut Vec::new()).unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
}

#[test]
fn another_seed_makes_another_set() {
    for shape in Shape::ALL {
        assert_ne!(generate::rules(shape, 100, 1), generate::rules(shape, 100, 2), "{shape:?}");
    }
}

#[test]
fn shapes_are_what_they_are_called() {
    let everything = |rule: &FiveTupleRule| rule.sources == (0..=u32::MAX) && rule.destinations == (0..=u32::MAX);
    let nsg = generate::rules(Shape::Nsg, 10_000, 1);
    let sources: HashSet<_> = nsg.iter().map(|rule| rule.sources.clone()).collect();
    assert!(sources.len() < nsg.len() / 5, "{} sources", sources.len());
    assert!(everything(&nsg[9_999]) && nsg[9_999].protocol == MaskedProtocol::ANY);
    let open =
        |rules: &[FiveTupleRule]| rules.iter().filter(|rule| rule.sources == (0..=u32::MAX) || rule.destinations == (0..=u32::MAX)).count();
    assert!(open(&generate::rules(Shape::Firewall, 10_000, 1)) > 6_000);
    assert!(open(&generate::rules(Shape::Mesh, 10_000, 1)) < 500);
}

/// A set without a rule for everything: the usual trace draws from every rule, repeats headers, and misses now and then.
#[test]
fn a_trace_draws_from_every_rule() {
    let rules: Vec<FiveTupleRule> =
        (0..400).map(|number| FiveTupleRule { sources: filter_file::prefix(number << 16, 16), ..rule_of_line() }).collect();
    let trace = headers::trace(&rules, headers::usual_length(rules.len()), 1);
    let found: HashSet<u32> = scan::first_matches(&rules, &trace).into_iter().collect();
    assert!((0..400).all(|rule| found.contains(&rule)) && found.contains(&AccessList::NO_MATCH));
    let flows: HashSet<&FiveTuple> = trace.iter().collect();
    assert!(flows.len() < trace.len() * 2 / 3);
}

#[test]
fn corners_stand_at_bounds_and_beside_them() {
    let headers = headers::corners(&[rule_of_line()], 2_000, 1);
    let ports: HashSet<u16> = headers.iter().map(|header| header.destination_port).collect();
    assert_eq!(ports, HashSet::from([442, 443, 444, 445, 0, u16::MAX]));
    let sources: HashSet<u32> = headers.iter().map(|header| header.source).collect();
    assert_eq!(sources, HashSet::from([0x09ff_ffff, 0x0a00_0000, 0x0aff_ffff, 0x0b00_0000, 0, u32::MAX]));
}

/// What the benchmark prints with these arguments, or its error.
fn bench(arguments: &[&str]) -> Result<String, String> {
    let options = options::Options::try_parse_from([&["acl", "--bench"], arguments].concat()).map_err(|error| error.to_string())?;
    let mut out = Vec::new();
    run::run(&options, &mut out).map_err(|error| format!("{error:#}"))?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn files_give_one_line_with_what_programs_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (rules, trace, results) = (path("rules"), path("trace"), path("results"));
    fs::write(&rules, format!("{LINE}{}", LINE.replace("10.1.2.3/8", "0.0.0.0/0"))).unwrap();
    fs::write(&trace, "167772160 3221225985 1 443 6 0 1\n1 3221225985 1 444 6\n1 3221225985 1 445 6\n").unwrap();
    let printed = bench(&["--rules", &rules, "--trace", &trace, "--json", "--results", &results, "--rounds", "1"]).unwrap();
    assert_eq!(fs::read_to_string(&results).unwrap(), "0\n1\nnone\n");
    let line: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((&line["rules"], &line["mismatches"]), (&2.into(), &0.into()));
    assert!(line["lookupsPerSecond"].as_u64().unwrap() > 0 && line["buildSeconds"].is_f64() && line["tableBytes"].is_u64());
    assert_eq!(line.as_object().unwrap().len(), 5);
}

#[test]
fn empty_files_are_measured_as_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let empty = directory.path().join("empty").to_str().unwrap().to_owned();
    fs::write(&empty, "").unwrap();
    let printed = bench(&["--rules", &empty, "--trace", &empty, "--json", "--latency"]).unwrap();
    let line: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((&line["rules"], &line["lookupsPerSecond"], &line["mismatches"]), (&0.into(), &0.into(), &0.into()));
}

#[test]
fn what_is_written_is_what_is_measured() {
    let directory = tempfile::tempdir().unwrap();
    let base = directory.path().to_str().unwrap();
    let written = bench(&["--generate", "mesh", "--size", "50", "--headers", "300", "--write", base]).unwrap();
    assert_eq!(written, format!("{base}/mesh_50.rules\n{base}/mesh_50.trace\n"));
    let (rules, trace) = written
        .split_once('\n')
        .map(|(rules, trace)| (fs::read_to_string(rules).unwrap(), fs::read_to_string(trace.trim()).unwrap()))
        .unwrap();
    assert_eq!(filter_file::read(&rules).unwrap(), generate::rules(Shape::Mesh, 50, 1));
    assert_eq!(trace_file::read(&trace).unwrap().len(), 300);
}

#[test]
fn all_sets_are_measured_where_none_is_named() {
    let options = options::Options::try_parse_from(["acl", "--bench"]).unwrap();
    let names: Vec<(&str, usize)> = sets::wanted(&options).into_iter().flatten().map(|(shape, size)| (shape.name(), size)).collect();
    assert_eq!(names.len(), 9);
    assert_eq!((names[0], names[8]), (("nsg", 1_000), ("mesh", 100_000)));
}

#[test]
fn wrong_use_and_wrong_files_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let wrong = directory.path().join("wrong").to_str().unwrap().to_owned();
    fs::write(&wrong, [LINE.as_bytes(), b"@\xff\xfe\n"].concat()).unwrap();
    for (arguments, says) in [
        (vec!["--rules", "/nowhere"], "/nowhere: No such file or directory"),
        (vec!["--rules", &wrong], "wrong: line 2: source address:"),
        (vec!["--trace", &wrong], "--rules <FILE>"),
        (vec!["--generate", "nsg", "--size", "0"], "a number from 1 to 200000 is needed"),
        (vec!["--generate", "nsg", "--size", "200001"], "a number from 1 to 200000 is needed"),
        (vec!["--generate", "cube"], "possible values: nsg, firewall, mesh"),
        (vec!["--rounds", "0"], "0 is not in 1..=1000"),
        (vec!["--results", &wrong], "--results takes one rule set"),
        (vec!["--generate", "nsg", "--size", "100", "--budget", "10"], "more than the 10 bytes"),
    ] {
        let error = bench(&arguments).unwrap_err();
        assert!(error.contains(says), "{arguments:?}: {error}");
    }
}

#[test]
fn latency_is_told_in_both_views() {
    let printed = bench(&["--generate", "nsg", "--size", "20", "--headers", "100", "--rounds", "1", "--json", "--latency"]).unwrap();
    let line: serde_json::Value = serde_json::from_str(&printed).unwrap();
    for view in ["asTheyCome", "eachHeader"] {
        let of = |name: &str| line["latency"][view][name].as_f64().unwrap();
        assert!(of("medianNanoseconds") > 0.0 && of("medianNanoseconds") <= of("worstNanoseconds"));
    }
    assert!(line["latency"]["worstHeader"].as_str().unwrap().contains(" > "));
}
