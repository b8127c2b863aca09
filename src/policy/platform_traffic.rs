//! What hosts send to the platform itself: DNS and DHCP at 168.63.129.16, instance metadata at 169.254.169.254, and the
//! licence servers. No security rule sees it but those that name its tag: a plain "deny all" blocks none of it
//! (Azure: network-security-groups-overview, what-is-ip-address-168-63-129-16).

use super::question::Question;
use super::snapshot::{METADATA_ADDRESS, PLATFORM_ADDRESS};
use super::topology::Subnet;
use crate::wire::protocol;

/// The port that Windows asks for its licence (TCP).
pub const LICENSE_PORT: u16 = 1688;

/// Whether what a host of `subnet` sends passes by the security rules that do not name a platform tag.
///
/// Licences are asked for at addresses that only the file can give (`serviceTags: { AzurePlatformLKM: […] }`). A user's
/// default route ends their privilege: the subnet then has no licence servers.
#[must_use]
pub fn passes_by(subnet: &Subnet, question: &Question) -> bool {
    let destination = question.destination;
    let license =
        || question.protocol == protocol::TCP && question.destination_port == LICENSE_PORT && subnet.license_servers.contains(destination);
    [PLATFORM_ADDRESS, METADATA_ADDRESS].contains(&destination) || license()
}
