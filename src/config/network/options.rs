//! Switches for what documents disagree about.

/// `options`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `endpointRouteOverUserRoute`.
    pub endpoint_route_over_user_route: EndpointRouteOverUserRoute,
    /// `forwardedTrafficCheck`.
    pub forwarded_traffic_check: ForwardedTrafficCheck,
    /// `tcpWithoutHandshake`.
    pub tcp_without_handshake: TcpWithoutHandshake,
    /// `userDefaultRouteRemoves`.
    pub user_default_route_removes: UserDefaultRouteRemoves,
    /// `userDefaultRouteToInternet`.
    pub user_default_route_to_internet: UserDefaultRouteToInternet,
    /// `systemNoneRoutes`.
    pub system_none_routes: SystemNoneRoutes,
    /// `globalPeeringHopType`.
    pub global_peering_hop_type: GlobalPeeringHopType,
    /// What reaches a public address where no security group is.
    pub public_address_without_security_group: PublicAddressWithoutSecurityGroup,
}

/// Which route wins between an endpoint's and a user's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EndpointRouteOverUserRoute {
    /// The endpoint's, always.
    #[default]
    Always,
    /// The longer prefix; at equal length the user's, as over any system route.
    LongestPrefix,
}

/// What a peering without `allowForwardedTraffic` does to forwarded packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedTrafficCheck {
    /// Drops them, as documented.
    #[default]
    Documented,
    /// Lets them pass, as reported.
    Lenient,
}

/// What happens to a TCP packet of no known flow that is not a SYN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TcpWithoutHandshake {
    /// It is judged by the rules like a SYN.
    #[default]
    AllowIfRulesAllow,
    /// It is dropped.
    Drop,
}

/// Which of the system's reserved prefixes a user's route 0.0.0.0/0 takes away. The documentation's example names three
/// and leaves 172.16.0.0/12 out, there and in its table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UserDefaultRouteRemoves {
    /// All four.
    #[default]
    All,
    /// The three that the page names: 172.16.0.0/12 stays.
    Named,
}

/// Whether a user's route 0.0.0.0/0 to Internet takes them away as well; the documentation's example has an appliance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UserDefaultRouteToInternet {
    /// It does, as the sentence says of every such route.
    #[default]
    Removes,
    /// It leaves them.
    Keeps,
}

/// Which prefixes the system routes to None.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SystemNoneRoutes {
    /// The four that are documented.
    #[default]
    Documented,
    /// Those besides that effective routes have been seen to list: Microsoft's own networks.
    Observed,
}

/// What the next hop type of a peering across regions is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GlobalPeeringHopType {
    /// As within a region.
    #[default]
    VNetPeering,
    /// By a name of its own.
    VNetGlobalPeering,
}

/// What happens to what comes to an interface's public address where neither the interface nor its subnet has a network
/// security group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PublicAddressWithoutSecurityGroup {
    /// It is let in: no group, no rules (network-security-group-how-it-works).
    #[default]
    Open,
    /// It is dropped, as is said of public addresses of the Standard SKU.
    Closed,
}
