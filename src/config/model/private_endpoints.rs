//! Private endpoints.

use super::addresses::Address4;
use super::decode::{Spanned, object};
use super::values::{Name, OneOrMany, Reference, Region};

object! {
    /// A private endpoint (Microsoft.Network/privateEndpoints): an address of a subnet that stands for a service.
    PrivateEndpoint "a private endpoint"
    required {
        /// Its name.
        "name" name: Name,
        /// The subnet that it is in, VNET/SUBNET.
        "subnet" subnet: Reference,
        /// Its address in the subnet.
        "privateIPAddress" private_ip_address: Address4,
        /// The service that it leads to.
        "service" | "privateLinkServiceId" service: Reference,
    }
    optional {
        /// Its region, that of its network.
        "location" location: Region,
        /// Parts of the service that it leads to, such as blob; no effect on packets.
        "groupIds" group_ids: OneOrMany<Spanned<String>>,
    }
}
