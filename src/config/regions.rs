//! What is known of Azure's regions: their pairs, and how service tags spell them. The facts are in `regions.txt`.

/// The facts, a line each.
const REGIONS: &str = include_str!("regions.txt");

/// The two regions of each line with this sign between them.
fn lines(sign: char) -> impl Iterator<Item = (&'static str, &'static str)> {
    let facts = REGIONS.lines().filter(|line| !line.starts_with('#'));
    facts.filter_map(move |line| line.split_once(sign)).map(|(one, other)| (one.trim(), other.trim()))
}

/// The region that a region is paired with.
#[must_use]
pub fn paired(region: &str) -> Option<&'static str> {
    let own = lines('=').chain(lines('>')).find(|(one, _)| *one == region).map(|(_, other)| other);
    own.or_else(|| lines('=').find(|(_, other)| *other == region).map(|(one, _)| one))
}

/// Every spelling of a region in the names of service tags; its own comes first.
pub fn tag_spellings(region: &str) -> impl Iterator<Item = &str> {
    std::iter::once(region).chain(lines('~').filter(move |(one, _)| *one == region).map(|(_, spelling)| spelling))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_mutual_but_for_three() {
        assert_eq!((paired("westeurope"), paired("northeurope")), (Some("northeurope"), Some("westeurope")));
        for (one, other, back) in [
            ("westus3", "eastus", "westus"),
            ("brazilsouth", "southcentralus", "northcentralus"),
            ("westindia", "southindia", "centralindia"),
        ] {
            assert_eq!((paired(one), paired(other)), (Some(other), Some(back)), "{one}");
        }
        assert_eq!(lines('>').count(), 3);
        for (one, other) in lines('=') {
            assert_eq!((paired(one), paired(other)), (Some(other), Some(one)));
        }
    }

    #[test]
    fn some_regions_have_no_pair() {
        for region in
            ["italynorth", "polandcentral", "qatarcentral", "israelcentral", "spaincentral", "mexicocentral", "austriaeast", "moon"]
        {
            assert_eq!(paired(region), None, "{region}");
        }
    }

    #[test]
    fn tags_spell_some_regions_otherwise() {
        assert_eq!(tag_spellings("francecentral").collect::<Vec<_>>(), ["francecentral", "centralfrance"]);
        assert_eq!(tag_spellings("westeurope").collect::<Vec<_>>(), ["westeurope"]);
    }
}
