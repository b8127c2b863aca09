//! The tags that are measured: those of a file, or made ones.

use std::path::Path;

use causeway::config::load;
use causeway::table::prefix_set::PrefixSet;
use ipnet::IpNet;

use super::made;

/// Service tags.
pub(crate) struct Tags {
    /// What each stands for.
    pub(crate) sets: Vec<PrefixSet>,
    /// The first addresses of all their prefixes, as often as they stand there.
    pub(crate) v4: Vec<u32>,
    /// The same of IPv6.
    pub(crate) v6: Vec<u128>,
}

/// Those of the file that `SERVICE_TAGS` names; made ones where it names none.
pub(crate) fn tags() -> Tags {
    let tags = std::env::var_os("SERVICE_TAGS").map_or_else(made::tags, |path| read(Path::new(&path)));
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for prefix in tags.iter().flatten() {
        match prefix {
            IpNet::V4(net) => v4.push(net.network().to_bits()),
            IpNet::V6(net) => v6.push(net.network().to_bits()),
        }
    }
    assert!(!v4.is_empty() && !v6.is_empty(), "the tags have no prefixes of one family");
    Tags { sets: tags.iter().map(|prefixes| PrefixSet::from_prefixes(prefixes.iter().copied())).collect(), v4, v6 }
}

fn read(path: &Path) -> Vec<Vec<IpNet>> {
    let text = format!("serviceTagsFile: {}\n", serde_json::Value::from(path.display().to_string()));
    let loaded = load::load_text("bench.yaml", &text);
    let network = loaded.network.unwrap_or_else(|| panic!("{}", loaded.findings.render(false)));
    network.service_tags.iter().map(|tag| tag.prefixes.to_vec()).collect()
}
