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
}

/// Which route wins between an endpoint's and a user's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EndpointRouteOverUserRoute {
    /// The endpoint's, always.
    #[default]
    Always,
    /// The longer prefix; at equal length the endpoint's.
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
