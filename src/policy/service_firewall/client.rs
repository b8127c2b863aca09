//! What a firewall sees of its client.

use std::net::IpAddr;

use crate::policy::decide::Decision;
use crate::policy::question::{Observer, Sender};
use crate::policy::topology::Service;

/// What a firewall sees of its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientSide {
    /// The source address that arrives.
    pub address: IpAddr,
    /// The client's subnet, whether the service can see it or not.
    pub subnet: Option<usize>,
    /// The service that sends: by itself, or, where `subnet` is given too, the one that lives at the sending address.
    pub service: Option<usize>,
    /// It comes over an endpoint: the service sees the subnet, and no public address.
    pub over_endpoint: bool,
    /// The client's network, or the sending service, is in the service's region.
    pub same_region: bool,
}

impl ClientSide {
    pub(super) fn of(decision: &Decision<'_, impl Observer>, service: &Service) -> Self {
        let snapshot = decision.snapshot;
        let mut client =
            Self { address: decision.seen, subnet: None, service: None, over_endpoint: decision.over_endpoint, same_region: false };
        match decision.question.sender {
            Sender::Subnet { subnet, interface, forwarded } => {
                client.subnet = Some(subnet);
                client.service = interface.filter(|_| !forwarded).and_then(|index| snapshot.interfaces.get(index)?.service);
                let network = snapshot.network_of(subnet);
                client.same_region = network.is_some_and(|network| same_region(network.location.as_deref(), service.location.as_deref()));
            }
            Sender::Service(index) => {
                client.service = Some(index);
                let sending = snapshot.services.get(index);
                client.same_region = sending.is_some_and(|sending| same_region(sending.location.as_deref(), service.location.as_deref()));
            }
            Sender::Gateway(_) | Sender::Internet | Sender::Platform => {}
        }
        client
    }

    /// Whether one of these services (in ascending order) sends.
    pub(super) fn is_one_of(&self, services: &[usize]) -> bool {
        self.service.is_some_and(|service| services.binary_search(&service).is_ok())
    }
}

/// Whether two regions are one; what has no region is in every one (the file names none: all is one region).
#[must_use]
pub fn same_region(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    }
}
