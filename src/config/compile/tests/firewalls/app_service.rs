//! Access restrictions.

use super::{AT, SCM, ask, expect, file, note, snapshot, with};
use crate::config::compile::compile;
use crate::config::load::load_text;
use crate::policy::ids::Ids;

const APP: &str = "Microsoft.Web/sites";
const STRANGER: &str = "198.51.100.20";
const ANYONE: [&str; 4] = ["v/se", "v/plain", "hq", STRANGER];

fn everyone(text: &str, answer: &str) {
    expect(text, &ANYONE.map(|who| (who, answer)));
}

#[test]
fn the_first_rule_closes_the_list_and_an_explicit_default_wins() {
    everyone(&with(APP, ""), "Allow s/defaultAction");
    let alone = "ipSecurityRestrictions: [{ name: no-stranger, priority: 100, action: Deny, ipAddress: 198.51.100.20 }]";
    expect(&with(APP, alone), &[(STRANGER, "Deny s/no-stranger"), ("v/se", "Deny s/defaultAction"), ("hq", "Deny s/defaultAction")]);
    assert!(note(&with(APP, alone), "hq").starts_with("without a default action the first rule closes the list"));
    let open = format!("ipSecurityRestrictionsDefaultAction: Allow, {alone}");
    expect(&with(APP, &open), &[(STRANGER, "Deny s/no-stranger"), ("v/se", "Allow s/defaultAction"), ("hq", "Allow s/defaultAction")]);
    everyone(&with(APP, "ipSecurityRestrictionsDefaultAction: Deny"), "Deny s/defaultAction");
}

#[test]
fn the_synthetic_last_rule_is_the_default_action() {
    let last = |action: &str| format!("{{ name: '{action} all', priority: 2147483647, action: {action}, ipAddress: Any }}");
    everyone(&with(APP, &format!("accessRestrictions: [{}]", last("Allow"))), "Allow s/defaultAction");
    everyone(&with(APP, &format!("accessRestrictions: [{}]", last("Deny"))), "Deny s/defaultAction");
    let rule = "{ name: hq, priority: 1, action: Allow, ipAddress: 198.51.100.7 }";
    expect(
        &with(APP, &format!("accessRestrictions: [{}, {rule}]", last("Deny"))),
        &[("hq", "Allow s/hq"), (STRANGER, "Deny s/defaultAction")],
    );
    everyone(
        &with(APP, &format!("ipSecurityRestrictionsDefaultAction: Allow, accessRestrictions: [{}]", last("Deny"))),
        "Allow s/defaultAction",
    );
}

#[test]
fn lower_priorities_come_first_and_equal_ones_in_list_order() {
    let rules = "accessRestrictions: [{ name: late, priority: 300, action: Allow, ipAddress: 198.51.100.0/24 }, \
                 { name: first, priority: 200, action: Deny, ipAddress: 198.51.100.20/32 }, \
                 { name: second, priority: 200, action: Allow, ipAddress: 198.51.100.16/28 }, \
                 { name: unnumbered, action: Allow, ipAddress: Any }]";
    expect(
        &with(APP, rules),
        &[(STRANGER, "Deny s/first"), ("198.51.100.21", "Allow s/second"), ("hq", "Allow s/late"), ("v/plain", "Allow s/unnumbered")],
    );
}

#[test]
fn sources_are_subnets_any_network_tags_and_up_to_eight_prefixes_of_both_families() {
    let rules = "accessRestrictions: [{ name: app, priority: 1, action: Allow, vnetSubnetResourceId: v/se }, \
                 { name: others, priority: 2, action: Deny, ipAddress: AnyVnets }, \
                 { name: door, priority: 3, action: Allow, tag: ServiceTag, ipAddress: AzureFrontDoor.Backend }, \
                 { name: list, priority: 4, action: Allow, ipAddress: '198.51.100.7, 2001:db8:1::/48, 192.0.2.10' }, \
                 { name: masked, priority: 5, action: Allow, ipAddress: 198.51.100.16, subnetMask: 255.255.255.252 }]";
    expect(
        &with(APP, rules),
        &[
            ("v/se", "Allow s/app"),
            ("v/se2", "Deny s/others"),
            ("198.51.100.65", "Allow s/door"),
            ("hq", "Allow s/list"),
            ("v/plain", "Allow s/list"),
            ("198.51.100.19", "Allow s/masked"),
            (STRANGER, "Deny s/defaultAction"),
        ],
    );
    let six = file(
        "type: Microsoft.Web/sites, addresses: ['2001:db8::20'], firewall: { accessRestrictions: [{ name: six, action: Allow, ipAddress: '2001:db8:1::/48' }] }",
        "",
    );
    assert_eq!(ask(&snapshot(&six), "2001:db8:1::9", "2001:db8::20").0, "Allow s/six");
    assert_eq!(ask(&snapshot(&six), "2001:db8:2::9", "2001:db8::20").0, "Deny s/defaultAction");
}

#[test]
fn headers_are_not_seen_unless_the_outcome_is_the_same_either_way() {
    let headers = "headers: { x-azure-fdid: [55ce4ed1-4b06-4bf1-b40e-4638452104da] }";
    let door = format!("{{ name: door, priority: 1, action: Allow, serviceTag: AzureFrontDoor.Backend, {headers} }}");
    let what = "Undetermined the request's headers, which s/door looks at";
    expect(&with(APP, &format!("accessRestrictions: [{door}]")), &[("198.51.100.65", what), (STRANGER, "Deny s/defaultAction")]);
    let allowed = format!("accessRestrictions: [{door}, {{ name: all, priority: 2, action: Allow, ipAddress: 198.51.100.0/24 }}]");
    expect(&with(APP, &allowed), &[("198.51.100.65", "Allow s/all")]);
    let between = format!(
        "accessRestrictions: [{door}, {{ name: no, priority: 2, action: Deny, ipAddress: 198.51.100.0/24 }}, {{ name: all, priority: 3, action: Allow, ipAddress: Any }}]"
    );
    expect(&with(APP, &between), &[("198.51.100.65", what), ("v/plain", "Allow s/all")]);
    expect(
        &with(APP, "accessRestrictions: [{ name: none, action: Allow, ipAddress: 198.51.100.20, headers: {} }]"),
        &[(STRANGER, "Allow s/none")],
    );
    let proxied = "accessRestrictions: [{ name: proxied, action: Allow, tag: XffProxy, ipAddress: 198.51.100.20 }]";
    expect(&with(APP, proxied), &[("hq", "Undetermined the X-Forwarded-For header, which s/proxied looks at")]);
}

#[test]
fn the_deployment_site_has_a_list_of_its_own_at_its_own_address() {
    let app = |firewall: &str| file(&format!("type: {APP}, addresses: [{AT}], scmAddresses: [{SCM}], firewall: {{ {firewall} }}"), "");
    let main = "accessRestrictions: [{ name: hq, action: Allow, ipAddress: 198.51.100.7 }]";
    let at = |text: &str, who: &str| ask(&snapshot(text), who, SCM).0;
    assert_eq!(at(&app(main), STRANGER), "Allow s/defaultAction", "an empty list of its own");
    assert_eq!(ask(&snapshot(&app(main)), STRANGER, AT).0, "Deny s/defaultAction");
    let shared = app(&format!("{main}, scmIpSecurityRestrictionsUseMain: true"));
    assert_eq!((at(&shared, STRANGER).as_str(), at(&shared, "hq").as_str()), ("Deny s/defaultAction", "Allow s/hq"));
    let own = app(&format!("{main}, scmIpSecurityRestrictions: [{{ name: builder, action: Allow, ipAddress: {STRANGER} }}]"));
    assert_eq!((at(&own, STRANGER).as_str(), at(&own, "hq").as_str()), ("Allow s/builder", "Deny s/defaultAction"));
    let open = app(&format!("{main}, scmIpSecurityRestrictionsDefaultAction: Deny"));
    assert_eq!(at(&open, STRANGER), "Deny s/defaultAction");
    let off = app(&format!("{main}, publicNetworkAccess: Disabled"));
    assert_eq!(at(&off, "hq"), "Deny s/publicNetworkAccess");
}

#[test]
fn an_app_with_a_private_endpoint_is_public_only_if_it_says_so() {
    let asked = |properties: &str| {
        let file = file(&format!("type: {APP}, addresses: [{AT}]{properties}"), "");
        let file = format!("{file}\nprivateEndpoints: [{{ name: door, subnet: v/plain, privateIPAddress: 10.0.3.200, service: s }}]\n");
        let network = load_text("net.yaml", &file).network.unwrap();
        ask(&compile(&network, &mut Ids::default(), 1).unwrap(), STRANGER, AT).0
    };
    assert_eq!(asked(""), "Deny s/publicNetworkAccess");
    assert_eq!(asked(", firewall: { accessRestrictions: [{ name: all, action: Allow, ipAddress: Any }] }"), "Deny s/publicNetworkAccess");
    assert_eq!(asked(", publicNetworkAccess: Enabled"), "Allow ");
}

#[test]
fn in_an_environment_an_app_sees_private_addresses() {
    let app = file("type: Microsoft.Web/sites, subnet: v/inside, addresses: [10.0.4.10], firewall: { accessRestrictions: [{ name: plain, action: Allow, ipAddress: 10.0.3.0/24 }] }", "")
        .replace("attach: service/s }", "attach: v/inside }");
    assert_eq!(ask(&snapshot(&app), "v/plain", "10.0.4.10").0, "Allow s/plain");
    assert_eq!(ask(&snapshot(&app), "v/se", "10.0.4.10").0, "Deny s/defaultAction");
}
