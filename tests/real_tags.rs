//! Microsoft's own file of service tags, where one is at hand: `SERVICE_TAGS=…/ServiceTags_Public_20250127.json`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use causeway::config::load::load_text;
use causeway::table::address_classes::AddressClasses;
use causeway::table::prefix_set::PrefixSet;

/// The tags' sets; `None` and a word where no file is given.
fn sets() -> Option<Vec<PrefixSet>> {
    let Some(path) = std::env::var_os("SERVICE_TAGS") else {
        println!("SKIPPED: SERVICE_TAGS names no file of service tags");
        return None;
    };
    let text = format!("serviceTagsFile: {}\n", serde_json::to_string(&Path::new(&path).display().to_string()).unwrap());
    let loaded = load_text("tags.yaml", &text);
    let network = loaded.network.unwrap_or_else(|| panic!("{}", loaded.findings.render(false)));
    Some(network.service_tags.iter().map(|tag| PrefixSet::from_prefixes(tag.prefixes.iter().copied())).collect())
}

fn around(address: IpAddr) -> [IpAddr; 3] {
    match address {
        IpAddr::V4(address) => [-1, 0, 1].map(|step| Ipv4Addr::from_bits(address.to_bits().wrapping_add_signed(step)).into()),
        IpAddr::V6(address) => [-1, 0, 1].map(|step| Ipv6Addr::from_bits(address.to_bits().wrapping_add_signed(step)).into()),
    }
}

#[test]
fn every_bound_of_every_tag_is_in_the_tags_that_hold_it() {
    let Some(sets) = sets() else { return };
    let classes = AddressClasses::new(&sets);
    // Of each class the tags that hold it.
    let mut holders = vec![Vec::new(); classes.count()];
    for set in 0..sets.len() {
        classes.of_set(set).iter().for_each(|class| holders[*class as usize].push(set));
    }
    let bounds: BTreeSet<IpAddr> =
        sets.iter().flat_map(PrefixSet::ranges).flat_map(|(first, last)| [first, last]).flat_map(around).collect();
    // Every hundredth bound is asked of all tags; all are asked in a batch and alone.
    for address in bounds.iter().step_by(100) {
        let expected: Vec<usize> = (0..sets.len()).filter(|set| sets[*set].contains(*address)).collect();
        assert_eq!(holders[classes.class(*address) as usize], expected, "{address}");
    }
    let v4: Vec<u32> =
        bounds.iter().filter_map(|address| if let IpAddr::V4(address) = address { Some(address.to_bits()) } else { None }).collect();
    let mut found = vec![0; v4.len()];
    classes.classes_v4(&v4, &mut found);
    for (address, class) in v4.iter().zip(found) {
        assert_eq!(class, classes.class(Ipv4Addr::from_bits(*address).into()));
    }
    println!("{} tags, {} classes, {:?} ranges, {} bytes", sets.len(), classes.count(), classes.ranges(), classes.memory());
}
