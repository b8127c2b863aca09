//! Who sends and who answers. `bench/lab/network.py` gives both hosts these addresses.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Subnets of the client: 10.91.0.0/24 to 10.91.9.0/24.
const SUBNETS: usize = 10;
/// Addresses of the client in each subnet, from .128 on.
const HOSTS: usize = 100;
/// Addresses of the server, from 198.51.100.128 on.
pub(crate) const SERVERS: usize = 8;
/// Ports of each of the server's addresses.
pub(crate) const PORTS: u16 = 8;
const FIRST_HOST: u8 = 128;

/// The source of sender number `index`: neighbours in number are in different subnets. Ports from `first_port` on.
pub(crate) fn source(index: usize, first_port: u16) -> SocketAddr {
    let (subnet, host, round) = (index % SUBNETS, index / SUBNETS % HOSTS, index / (SUBNETS * HOSTS));
    let address = Ipv4Addr::new(10, 91, low(subnet), FIRST_HOST.saturating_add(low(host)));
    let port = if first_port == 0 { 0 } else { first_port.saturating_add(u16::try_from(round).unwrap_or(u16::MAX)) };
    SocketAddr::new(IpAddr::V4(address), port)
}

/// One of the server's addresses and ports.
pub(crate) fn destination(index: usize, first_port: u16) -> SocketAddr {
    let port = first_port.saturating_add(u16::from(low(index / SERVERS % usize::from(PORTS))));
    SocketAddr::new(IpAddr::V4(server(index)), port)
}

/// One of the server's addresses.
pub(crate) fn server(index: usize) -> Ipv4Addr {
    Ipv4Addr::new(198, 51, 100, FIRST_HOST.saturating_add(low(index % SERVERS)))
}

/// All of the server's addresses and ports.
pub(crate) fn destinations(first_port: u16) -> impl Iterator<Item = SocketAddr> {
    (0..SERVERS * usize::from(PORTS)).map(move |index| destination(index, first_port))
}

fn low(number: usize) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}
