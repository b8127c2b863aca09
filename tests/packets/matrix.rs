//! Who reaches what, seen from which address: the quickstart's promise.

use crate::common::Lab;
use crate::common::networks::SHOP;

#[test]
fn a_subnet_with_endpoints_shows_its_private_address() {
    let Some(lab) = Lab::up(SHOP) else { return };
    assert!(lab.curl("web", "http://func/").contains("seen-from 10.1.1.4 "));
    assert!(lab.curl("web", "http://orders/").contains("seen-from 10.1.1.4 "));
    let metrics = lab.metrics();
    assert_eq!(metrics.total("causeway_source_rewrites_total", &[("kind", "Private")]), 2, "{}", metrics.table());
    assert_eq!(metrics.hits("orders", "virtualNetworkRules[0]"), 1, "{}", metrics.table());
    assert_eq!(metrics.hits("web-nsg", "allow-functions"), 1, "{}", metrics.table());
}

#[test]
fn a_subnet_without_endpoints_shows_its_public_address() {
    let Some(lab) = Lab::up(SHOP) else { return };
    assert!(lab.nc("batch", "203.0.113.36", 1433).contains("seen-from 192.0.2.10 "));
    assert!(lab.curl("batch", "http://198.51.100.20/").contains("seen-from 192.0.2.10 "));
    assert_eq!(lab.metrics().total("causeway_source_rewrites_total", &[("kind", "Public")]), 2, "{}", lab.metrics().table());
}

#[test]
fn an_nsg_denial_is_silence() {
    let Some(lab) = Lab::up(SHOP) else { return };
    let said = lab.curl("web", "http://198.51.100.20/");
    assert!(said.contains("timed out") || said.contains("Timeout"), "{said}");
    assert!(lab.metrics().drops("nsg-deny") >= 1);
    assert!(lab.metrics().hits("web-nsg", "deny-internet") >= 1);
}

#[test]
fn hosts_of_one_network_reach_each_other_unchanged() {
    let Some(lab) = Lab::up(SHOP) else { return };
    assert!(lab.say("web", "ping -c 3 -i 0.1 -W 2 10.1.2.4").contains(" 0% packet loss"));
    assert!(lab.curl("web", "http://10.1.2.4/").contains("seen-from 10.1.1.4 "));
    assert!(lab.say("web", "echo x | nc -nuw 1 10.1.2.4 53").contains("seen-from 10.1.1.4 "));
}

#[test]
fn a_service_never_opens_a_connection_into_a_network() {
    let Some(lab) = Lab::up(SHOP) else { return };
    assert!(!lab.curl("func", "http://10.1.1.4/").contains("seen-from"));
    assert!(lab.metrics().drops("service-initiated") >= 1, "{}", lab.metrics().table());
}
