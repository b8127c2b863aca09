//! How packets end: one list that makes the counter, the metric label, the text and its documentation.

use serde::{Serialize, Serializer};

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// How a packet ended. Every packet ends in exactly one of these.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Reason { $($(#[doc = $doc])+ $variant,)+ }

        impl Reason {
            /// All reasons, in the order of their discriminants.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The name that users see in metrics, JSON and text.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// One sentence for documentation and help texts.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

reasons! {
    /// Sent on to its destination.
    Forwarded = "forwarded",
    /// Consumed by the dataplane itself: ARP, neighbour discovery, ICMP, a 403 page.
    Answered = "answered",
    /// A network security group denied it.
    NsgDeny = "nsg-deny",
    /// The service's firewall refused it.
    ServiceFirewallDeny = "service-firewall-deny",
    /// A service endpoint policy does not list the resource.
    EndpointPolicyDeny = "endpoint-policy-deny",
    /// The winning route's next hop is None.
    RouteNone = "route-none",
    /// No route matches, or there is no public address to leave with.
    NoRoute = "no-route",
    /// A flag of a connected peering forbids it.
    PeeringBlocked = "peering-blocked",
    /// The appliance's interface does not forward.
    IpForwardingDisabled = "ip-forwarding-disabled",
    /// A service tried to open a connection into a network.
    ServiceInitiated = "service-initiated",
    /// The source address does not belong behind the port.
    SourceSpoofed = "source-spoofed",
    /// Nothing is at the destination: no port, no such service port, nobody answers there.
    DestinationUnknown = "destination-unknown",
    /// No room for another flow, or for another half-open one.
    FlowTableFull = "flow-table-full",
    /// Every port of the public address is in use towards this destination.
    SnatPortsExhausted = "snat-ports-exhausted",
    /// A bounded queue was full.
    QueueFull = "queue-full",
    /// A later fragment whose first fragment was not seen.
    FragmentWithoutFirst = "fragment-without-first",
    /// The time to live ran out here.
    TtlExceeded = "ttl-exceeded",
    /// Larger than the way out allows, and not to be fragmented.
    TooBig = "too-big",
    /// The Ethernet header is cut short or wrong.
    MalformedEthernet = "malformed-ethernet",
    /// The IPv4 header (or ARP body) is cut short or wrong.
    MalformedIpv4 = "malformed-ipv4",
    /// The IPv6 header is cut short or wrong.
    MalformedIpv6 = "malformed-ipv6",
    /// The TCP, UDP or ICMP header is cut short or wrong.
    MalformedTransport = "malformed-transport",
    /// A protocol or form that the dataplane does not carry: VLAN tags, multicast, GRE and the like.
    Unsupported = "unsupported",
}

impl Reason {
    /// Whether the packet was dropped, that is neither forwarded nor answered.
    #[must_use]
    pub const fn is_drop(self) -> bool {
        !matches!(self, Self::Forwarded | Self::Answered)
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
