//! What virtual networks do not carry (virtual-networks-faq): the question and the packet end alike.

use causeway::packet::Reason;
use causeway::policy::explain::report::Verdict;

use crate::network::{explain, explain_port};
use crate::rig::{Rig, udp};

const NETWORK: &str = "virtualNetworks:
  - name: v
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - { name: a, addressPrefix: 10.0.1.0/24 }
      - { name: b, addressPrefix: 10.0.2.0/24 }
ports:
  - { name: a, attach: v/a }
  - { name: b, attach: v/b }
  - { name: platform, attach: platform }
";
const FROM: &str = "v/a/10.0.1.4";

#[track_caller]
fn refused(to: &str, source_port: u16) {
    let explanation = explain_port(NETWORK, FROM, to, source_port);
    assert_eq!((explanation.verdict, explanation.reason), (Verdict::Deny, Reason::Unsupported), "{to}");
}

#[test]
fn tunnels_groups_and_the_hosts_own_ports() {
    refused("10.0.2.4/gre", 0);
    refused("10.0.2.4/ipip", 0);
    refused("224.0.0.251:5353/udp", 5353);
    refused("255.255.255.255:67/udp", 68);
    refused("10.0.2.4:67/udp", 68);
    refused("10.0.2.4:9000/udp", 65330);
    for (to, source_port) in [
        ("10.0.2.4:67/udp", 69),
        ("10.0.2.4:68/udp", 68),
        ("10.0.2.4:9000/udp", 65331),
        ("10.0.2.4:67/tcp", 68),
        ("10.0.2.4:9000/tcp", 65330),
        ("168.63.129.16:67/udp", 68),
    ] {
        assert_eq!(explain_port(NETWORK, FROM, to, source_port).verdict, Verdict::Allow, "{to} from {source_port}");
    }
    for protocol in ["icmp", "esp", "ah"] {
        assert_eq!(explain(NETWORK, FROM, &format!("10.0.2.4/{protocol}")).verdict, Verdict::Allow);
    }
}

#[test]
fn packets_end_under_the_same_reason() {
    let mut rig = Rig::new(NETWORK);
    assert!(rig.send("a", &udp(("10.0.1.4", 68), ("10.0.2.4", 67), b"x")).is_empty());
    assert!(rig.send("a", &udp(("10.0.1.4", 65330), ("10.0.2.4", 9000), b"x")).is_empty());
    assert!(rig.send("a", &udp(("10.0.1.4", 5353), ("224.0.0.251", 5353), b"x")).is_empty());
    let mut tunnel = udp(("10.0.1.4", 1), ("10.0.2.4", 1), b"x");
    // The protocol, and what the header's checksum loses by it.
    tunnel[23] = 47;
    let sum = u16::from_be_bytes([tunnel[24], tunnel[25]]) - (47 - 17);
    tunnel[24..26].copy_from_slice(&sum.to_be_bytes());
    assert!(rig.send("a", &tunnel).is_empty());
    assert_eq!((rig.count(Reason::Unsupported), rig.flows()), (4, 0));
    // Replies to the port that a client had are carried.
    assert_eq!(rig.send("a", &udp(("10.0.1.4", 9000), ("10.0.2.4", 65330), b"x")).len(), 1);
    assert_eq!(rig.send("b", &udp(("10.0.2.4", 65330), ("10.0.1.4", 9000), b"x")).len(), 1);
}
