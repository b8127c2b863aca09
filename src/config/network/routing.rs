//! Route tables.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Named;

/// A route table.
#[derive(Clone, Debug)]
pub struct RouteTable {
    /// Name and place.
    pub named: Named,
    /// Gateway routes are not propagated.
    pub disable_bgp_route_propagation: bool,
    /// Routes in file order.
    pub routes: Vec<UserRoute>,
}

/// A user-defined route.
#[derive(Clone, Debug)]
pub struct UserRoute {
    /// Name and place.
    pub named: Named,
    /// Destination.
    pub prefix: RoutePrefix,
    /// Next hop.
    pub next_hop: UserNextHop,
}

/// Destination of a user route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoutePrefix {
    /// A prefix.
    Prefix(IpNet),
    /// A service tag.
    Tag(String),
}

/// Next hop of a user route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserNextHop {
    /// `VnetLocal`.
    VnetLocal,
    /// `Internet`.
    Internet,
    /// `None`.
    None,
    /// `VirtualNetworkGateway`.
    VirtualNetworkGateway,
    /// `VirtualAppliance` at this address.
    VirtualAppliance(IpAddr),
}
