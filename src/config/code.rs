//! The codes of findings: one table with severity and explanation.

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The file is refused.
    Error,
    /// The file is accepted; something in it does not work or surprises.
    Warning,
}

impl Severity {
    /// The word that findings print.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

macro_rules! codes {
    ($($variant:ident $severity:ident $text:literal $explanation:literal)+) => {
        /// A stable code, printed as `error[CODE]`: upper case words joined by underscores.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $explanation] $variant,)+
        }

        impl Code {
            /// Every code, in the table's order.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The code as printed.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// Error or warning; a code is always the same.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)+ }
            }

            /// What the code means and what to do about it.
            #[must_use]
            pub fn explanation(self) -> &'static str {
                match self { $(Self::$variant => $explanation,)+ }
            }
        }
    };
}

codes! {
    FileUnreadable Error "FILE_UNREADABLE" "The file cannot be opened or read."
    FileTooLarge Error "FILE_TOO_LARGE" "A network file or tags file may hold at most 64 MiB."
    FileEmpty Error "FILE_EMPTY" "The file holds no document. A network file is a mapping with sections such as `virtualNetworks`."
    Encoding Error "ENCODING" "The file is not UTF-8 text."
    Syntax Error "SYNTAX" "The text is not well-formed YAML (or JSON)."
    YamlFeature Error "YAML_FEATURE" "Anchors, aliases, explicit types, directives' second documents and complex keys are not part of the network file's format."
    TooDeep Error "TOO_DEEP" "Lists and mappings may be nested 64 deep."
    DuplicateProperty Error "DUPLICATE_PROPERTY" "One mapping gives a property twice. Names are compared without regard to case."
    UnknownProperty Error "UNKNOWN_PROPERTY" "The file format has no such property at this place. `causeway schema` prints the ones that it has."
    MissingProperty Error "MISSING_PROPERTY" "A property that the object cannot do without is not given."
    WrongType Error "WRONG_TYPE" "A value is of another kind than the property's: text, number, true/false, list or mapping."
    BadValue Error "BAD_VALUE" "A value is none of those that the property takes."
    BadName Error "BAD_NAME" "Names begin with a letter or digit and hold up to 80 letters, digits, dots, underscores and hyphens; a security rule's ends with a letter, digit or underscore; a lab host's has up to 60 lower-case letters, digits and hyphens. They become paths, labels and devices."
    BadAddress Error "BAD_ADDRESS" "An IP address is malformed, of the wrong family, or of a kind that the property refuses."
    BadPrefix Error "BAD_PREFIX" "An address prefix is malformed or has bits set behind its length."
    BadPort Error "BAD_PORT" "A port is a number from 0 to 65535, a range `a-b`, or `*` where a rule takes it."
    BackwardsRange Error "BACKWARDS_RANGE" "A range ends before it starts."
    OutOfRange Error "OUT_OF_RANGE" "A number is outside the bounds that Azure sets."
    BothForms Error "BOTH_FORMS" "The singular and the plural form of a property are both filled, or a property is given under two of its spellings. An empty list counts as not given."
    UnknownName Error "UNKNOWN_NAME" "Nothing in the file bears the name that is referred to."
    DuplicateName Error "DUPLICATE_NAME" "Two objects of a kind have one name. Names are compared without regard to case."
    DuplicatePriority Error "DUPLICATE_PRIORITY" "Two rules of an NSG have one priority in one direction; Azure refuses that."
    UnknownTag Error "UNKNOWN_TAG" "The service tag is neither given in this file nor one of Azure's."
    BadTag Error "BAD_TAG" "A tag cannot be given or used like this: the special tags have a fixed meaning."
    AsgNetwork Error "ASG_NETWORK" "All interfaces of an application security group are in one virtual network, and so are the groups on both sides of a rule."
    ReservedRange Error "RESERVED_RANGE" "A virtual network may not hold 224.0.0.0/4, 255.255.255.255/32, 127.0.0.0/8, 169.254.0.0/16 or 168.63.129.16/32."
    SubnetSize Error "SUBNET_SIZE" "IPv4 subnets are /29 at the smallest and /8 at the largest; IPv6 subnets are exactly /64."
    SubnetOutside Error "SUBNET_OUTSIDE" "A subnet's prefix lies outside its network's address space."
    SubnetOverlap Error "SUBNET_OVERLAP" "Two subnets, or two prefixes, of one network overlap."
    PeerOverlap Error "PEER_OVERLAP" "The address spaces of peered networks overlap (Azure: VnetAddressSpaceOverlapsWithAlreadyPeeredVnet)."
    BadPeering Error "BAD_PEERING" "Azure refuses a network's peering with itself, a second peering with one network, gateways of more than one peer, and those of a peer beside an own gateway."
    WirePrefix Error "WIRE_PREFIX" "A wirePrefix stands for the subnet's IPv4 prefix bit by bit: it has the same length."
    ReservedAddress Error "RESERVED_ADDRESS" "Azure keeps five addresses of every subnet: the first four and the last."
    AddressOutside Error "ADDRESS_OUTSIDE" "An address does not lie in the subnet, or behind the port, that it is given for."
    AddressClash Error "ADDRESS_CLASH" "Two services, or two interfaces of a network, have one address."
    LimitExceeded Error "LIMIT_EXCEEDED" "More than Azure's limit for this kind of object (azure-subscription-service-limits)."
    BadRoute Error "BAD_ROUTE" "Azure refuses this route: a next hop that users cannot set, an address where none belongs, a missing one, a second route to the same prefix, a gateway that is not a VPN gateway, or an appliance outside the network and its peers."
    GatewaySubnet Error "GATEWAY_SUBNET" "Azure refuses this on the subnet `GatewaySubnet`: no NSG, no route 0.0.0.0/0, no disabled propagation. A gateway needs a GatewaySubnet in its network."
    EndpointConflict Error "ENDPOINT_CONFLICT" "Microsoft.Storage and Microsoft.Storage.Global cannot be on one subnet, nor one endpoint twice."
    EndpointMissing Error "ENDPOINT_MISSING" "The rule names a subnet without the service's endpoint, which Azure refuses. Enable the endpoint on the subnet, or set ignoreMissingVnetServiceEndpoint where the service has it."
    RuleRegion Error "RULE_REGION" "The service takes virtual network rules only for networks of its own region."
    IpRule Error "IP_RULE" "Azure refuses this IP rule: Storage and Key Vault take no private ranges and no IPv6, and Storage no prefixes /31 and /32 (write the single address)."
    ServiceTier Error "SERVICE_TIER" "This tier of the service has no firewall, or no virtual network rules."
    PolicyService Error "POLICY_SERVICE" "A service endpoint policy lists storage accounts only (aliases of platform services in definitions of their own), is in its networks' region, and its subnet has a storage endpoint and no managed service but SQL Managed Instance."
    PrivateEndpoint Error "PRIVATE_ENDPOINT" "A private endpoint leads to a service outside of networks that has an IPv4 address, and is in its network's region."
    IntegrationSubnet Error "INTEGRATION_SUBNET" "An app (Microsoft.Web/sites) is integrated with a subnet of its own region that is delegated to Microsoft.Web/serverFarms and has an address left for it."
    RuleMismatch Warning "RULE_MISMATCH" "This kind of rule does not exist in this type of service's firewall: it is not enforced."
    TunnelKey Error "TUNNEL_KEY" "A ServiceTunnel service needs a tunnelPrefix, and every subnet that reaches it over an endpoint needs a tunnelKey of its own and of its network: 1 to 65535, unique."
    DelegatedSubnet Error "DELEGATED_SUBNET" "A delegated subnet takes only what its service puts there: no network interfaces."
    InjectedService Error "INJECTED_SERVICE" "A service with a `subnet` is a host of that subnet: its addresses lie there, and it has no endpoint properties."
    BadDevice Error "BAD_DEVICE" "A device name has 1 to 15 characters, no slash, colon or space, and belongs to one port."
    BadAttachment Error "BAD_ATTACHMENT" "`attach` takes VNET, VNET/SUBNET, VNET/SUBNET/ADDRESS, service/NAME, gateway/NAME, internet or platform; one port each."
    BadHost Error "BAD_HOST" "A lab host has a port of its own and an address that belongs behind it."
    TagsFile Error "TAGS_FILE" "The tags file is not in the form of Microsoft's ServiceTags_Public_*.json."
    Question Error "QUESTION" "A scenario asks about a sender or a destination that its network file does not have, or about a packet that there cannot be."
    NotModelled Warning "NOT_MODELLED" "Accepted and checked, but this version does not act on it; an explanation that meets it answers `undetermined`."
    NoEffect Warning "NO_EFFECT" "Azure has this property, but it changes nothing about which packets pass."
    EmptyTag Warning "EMPTY_TAG" "One of Azure's tags is used, but nothing in this file gives it prefixes: it matches nothing."
    HalfPeering Warning "HALF_PEERING" "Only one of the two networks has its half of the peering: it stays `Initiated`, or is `Disconnected`, and carries nothing."
    PolicyAccount Warning "POLICY_ACCOUNT" "Endpoint policies never let classic accounts through, and managed ones only by the alias of the platform service that manages them."
    EndpointRegion Warning "ENDPOINT_REGION" "An endpoint does not reach a region: a service there sees public addresses and its virtual network rules do not match, or `locations` name what the service's own rule leaves out: Microsoft.Storage covers the network's region and its pair, Microsoft.Sql the network's region."
    ApplianceForwarding Warning "APPLIANCE_FORWARDING" "A route's appliance has no interface with enableIPForwarding: Azure drops what it should forward."
    ApplianceLoop Warning "APPLIANCE_LOOP" "An appliance is in a subnet that uses the route to it: what it forwards is sent back to it, until its time to live ends."
    PublicAddressRoute Warning "PUBLIC_ADDRESS_ROUTE" "A host has a public address, and a default route that leads elsewhere than to the internet: in Azure clients reach it, and its replies do not come back the same way."
    InertRules Warning "INERT_RULES" "Firewall rules that are not enforced: defaultAction is Allow, or the switch of their list is off."
    PrivateIpRule Warning "PRIVATE_IP_RULE" "An address rule lists a private range: clients arrive with public addresses, or over an endpoint, where no address is looked at."
    SameRegionIpRule Warning "SAME_REGION_NOT_PUBLIC" "A storage account's IP rules never match sources in a virtual network of the account's region."
    IpRuleIgnored Warning "IPRULE_IGNORED_VNET_SOURCE" "The rule lists the public address of hosts whose subnet has the service's endpoint: they arrive with their private identity, and the rule does not match."
    TagWidened Warning "TAG_WIDENED_BY_UDR" "A user route makes VirtualNetwork hold more than the network: an allow rule for VirtualNetwork then also matches what the route covers."
    SqlRedirect Warning "SQL_REDIRECT_PORTS" "A rule allows the Sql tag on 1433 but not on 11000-11999, where redirected connections go."
    MixedTags Warning "MIXED_TAGS" "Documentation says that a rule side holds one service tag at most, in its singular form; Azure's portal and templates differ."
    SeveralGroups Warning "SEVERAL_ASGS" "Documentation says that a rule side holds one application security group; Azure's limits allow ten."
    PeeringFlags Warning "PEERING_FLAGS" "useRemoteGateways works only where the other half has allowGatewayTransit and its network has a gateway."
    UnknownType Warning "UNKNOWN_SERVICE_TYPE" "No service endpoint and no default ports are known for this resource type."
    MissingEndpointIgnored Warning "NO_SE_ON_SUBNET" "The rule names a subnet without the service's endpoint. It was accepted because of ignoreMissingVnetServiceEndpoint, and matches nothing until the endpoint is enabled."
    EndpointUnused Warning "ENDPOINT_UNUSED" "The subnet has an endpoint, but no service of its kind in this file lets the subnet in: over the endpoint its hosts are refused everywhere."
    EndpointBlocked Warning "ENDPOINT_BLOCKED" "A network security group denies everything that the subnet could send to a service which lists it: an endpoint does not bypass security rules."
    PolicyExcludes Warning "POLICY_EXCLUDES" "The service lists the subnet, but the subnet's endpoint policies do not list the service: everything else is denied."
    ShadowedRule Warning "SHADOWED_RULE" "Earlier rules of the same action match everything that this rule matches: it is redundant."
    UnreachableRule Warning "UNREACHABLE_RULE" "Earlier rules match everything that this rule matches, and at least one decides otherwise: it never decides."
    ProbesBlocked Warning "PROBES_BLOCKED" "VirtualNetwork holds 168.63.129.16: an inbound deny rule for the tag also stops the load balancer's health probes."
    PublicDestination Warning "PUBLIC_DESTINATION" "Inbound rules see the private destination: one for a public address never matches."
    NotTransitive Warning "PEERING_NOT_TRANSITIVE" "The rule names addresses of a network that is only a peer's peer: peering is not transitive, and no route leads there."
    DefaultDenyImplied Warning "DEFAULT_DENY_IMPLIED" "With the first access restriction the default becomes Deny: an app with Deny rules only lets nobody in."
    OpenWithoutRules Warning "OPEN_WITHOUT_RULES" "An Event Hubs or Service Bus namespace without any rule lets everybody in, even with defaultAction Deny."
    AllOfAzure Warning "ALL_OF_AZURE" "The range 0.0.0.0 means every source inside Azure, any customer's."
    UnusedObject Warning "UNUSED_OBJECT" "The object is attached to nothing: it has no effect."
    InjectedSubnet Error "INJECTED_SUBNET" "Azure puts the service only into a subnet that is right for it: its own, with the right name, the right delegation and enough room."
    InjectedShared Warning "INJECTED_SHARED" "Documents disagree on whether the service may share its subnet: give it one of its own."
    InjectedSize Warning "INJECTED_SIZE" "The subnet is smaller than what is recommended for the service: it works until it grows."
    InjectedTraffic Warning "INJECTED_TRAFFIC" "A network security group stops traffic that the service cannot do without: the network deploys, and the service breaks."
    InjectedGroup Warning "INJECTED_NSG" "The service needs a network security group on its subnet, or does not work with one."
    InjectedRoute Warning "INJECTED_ROUTE" "A route of the subnet, or a missing route table, breaks the service."
}
