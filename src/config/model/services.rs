//! Services and their firewalls.

use super::addresses::{Address, Address4, PortRange, Prefix};
use super::decode::{Decode, Spanned, choice, object};
use super::values::{DnsName, FromText, Integer, Name, OneOrMany, Reference, Region, ResourceType, Shorthand};
use crate::config::finding::Findings;
use crate::config::network::{Denial, PublicNetworkAccess};
use crate::config::text::Node;
use crate::policy::ids::Access;

object! {
    /// A service.
    Service "a service"
    required {
        /// Its name.
        "name" name: Name,
        /// Its resource type, such as Microsoft.Storage/storageAccounts.
        "type" kind: ResourceType,
        /// Its addresses; private for one that lives in a subnet.
        "addresses" addresses: Vec<Spanned<Address>>,
    }
    optional {
        /// Its region; the file's `location` where absent.
        "location" location: Region,
        /// Its DNS names.
        "hostNames" host_names: Vec<Spanned<DnsName>>,
        /// Ports that it answers on; the type's own where absent.
        "ports" ports: OneOrMany<Spanned<PortRange>>,
        /// Its firewall.
        "firewall" | "networkAcls" | "networkRuleSet" firewall: Firewall,
        /// What a refused client is shown.
        "denial" denial: Denial,
        /// How it sees sources that come over an endpoint.
        "sourceEncoding" source_encoding: SourceEncodingName,
        /// The service's prefix in a ServiceTunnel.
        "tunnelPrefix" tunnel_prefix: Prefix,
        /// The subnet that an injected service lives in.
        "subnet" subnet: Reference,
        /// A public address that an injected service keeps.
        "publicIPAddress" public_ip_address: Address4,
        /// `Disabled` closes the public side.
        "publicNetworkAccess" public_network_access: PublicNetworkAccess,
        /// The subnet that an app is integrated with.
        "virtualNetworkSubnetId" virtual_network_subnet_id: Reference,
        /// All of an app's traffic enters the network.
        "vnetRouteAllEnabled" vnet_route_all_enabled: bool,
        /// Its kind, where kinds of a service differ in what they need of a network (ASEv3).
        "kind" variant: String,
        /// The public addresses that an app sends from, as a list or separated by commas; its own where absent.
        "outboundIpAddresses" outbound_ip_addresses: OneOrMany<Spanned<String>>,
        /// Its ARM resource id: what the resource scopes of endpoint policies are compared with.
        "id" | "resourceId" id: String,
        /// The platform service that manages the account, by its alias, such as /services/Azure/Batch.
        "managedBy" managed_by: String,
        /// Addresses that the deployment (scm) site of an app has to itself.
        "scmAddresses" scm_addresses: Vec<Spanned<Address>>,
        /// Its SKU, where kinds of a service differ in what they have or need (Basic, Premium, Standard_v2).
        "sku" sku: String,
    }
}

choice! { Denial, "denial", "Reset" => Self::Reset, "Http403" => Self::Http403, "Drop" => Self::Drop }

/// `sourceEncoding` as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceEncodingName {
    /// `Private`.
    Private,
    /// `ServiceTunnel`.
    ServiceTunnel,
}

choice! { SourceEncodingName, "sourceEncoding", "Private" => Self::Private, "ServiceTunnel" => Self::ServiceTunnel }

choice! { PublicNetworkAccess, "publicNetworkAccess",
    "Enabled" => Self::Enabled, "Disabled" => Self::Disabled, "SecuredByPerimeter" => Self::SecuredByPerimeter,
}

/// A switch as ARM writes some of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// `Enabled`.
    Enabled,
    /// `Disabled`.
    Disabled,
}

choice! { Switch, "switch", "Enabled" => Self::Enabled, "Disabled" => Self::Disabled }

object! {
    /// A service's firewall; which lists mean something depends on the service's type.
    Firewall "a firewall"
    required {}
    optional {
        /// What happens to the unmatched.
        "defaultAction" | "ipSecurityRestrictionsDefaultAction" default_action: Access,
        /// The same as at the service: `Disabled` closes the public side.
        "publicNetworkAccess" public_network_access: PublicNetworkAccess,
        /// Platform services that pass: AzureServices, Logging, Metrics; or None.
        "bypass" | "networkAclBypass" | "networkRuleBypassOptions" bypass: OneOrMany<Spanned<String>>,
        /// Trusted services pass (Event Hubs, Service Bus).
        "trustedServiceAccessEnabled" trusted_service_access_enabled: bool,
        /// Cosmos DB: the resources that `networkAclBypass` means.
        "networkAclBypassResourceIds" network_acl_bypass_resource_ids: Vec<Spanned<String>>,
        /// Subnets that pass, by identity.
        "virtualNetworkRules" virtual_network_rules: Vec<Spanned<Shorthand<VirtualNetworkRule>>>,
        /// Cosmos DB: virtual network rules are in force.
        "isVirtualNetworkFilterEnabled" is_virtual_network_filter_enabled: bool,
        /// Public addresses and prefixes that pass.
        "ipRules" ip_rules: Vec<Spanned<Shorthand<IpRule>>>,
        /// Storage: public IPv6 addresses and prefixes that pass.
        "ipv6Rules" ipv6_rules: Vec<Spanned<Shorthand<IpRule>>>,
        /// Cosmos DB: the same as one text, separated by commas.
        "ipRangeFilter" ip_range_filter: String,
        /// Ranges of public addresses that pass.
        "ipRanges" | "firewallRules" ip_ranges: Vec<Spanned<IpRange>>,
        /// SQL Database: rules of single databases.
        "databases" databases: Vec<Spanned<Database>>,
        /// Data Lake Storage Gen1: whether the firewall is on.
        "firewallState" firewall_state: Switch,
        /// Data Lake Storage Gen1: every source inside Azure passes.
        "firewallAllowAzureIps" firewall_allow_azure_ips: Switch,
        /// Data Lake Storage Gen1: Data Lake Analytics passes.
        "firewallAllowDataLakeAnalytics" firewall_allow_data_lake_analytics: Switch,
        /// Resource instances that pass (Storage).
        "resourceAccessRules" resource_access_rules: Vec<Spanned<Shorthand<ResourceAccessRule>>>,
        /// App Service's access restrictions.
        "accessRestrictions" | "ipSecurityRestrictions" access_restrictions: Vec<Spanned<AccessRestriction>>,
        /// Access restrictions of the deployment site.
        "scmIpSecurityRestrictions" scm_ip_security_restrictions: Vec<Spanned<AccessRestriction>>,
        /// What happens to the unmatched at the deployment site.
        "scmIpSecurityRestrictionsDefaultAction" scm_default_action: Access,
        /// The deployment site uses the site's restrictions.
        "scmIpSecurityRestrictionsUseMain" scm_use_main: bool,
    }
}

object! {
    /// A virtual network rule.
    VirtualNetworkRule "a virtual network rule"
    required {
        /// The subnet, VNET/SUBNET.
        "subnet" | "id" | "virtualNetworkSubnetId" | "virtualNetworkResourceId" | "subnetId" subnet: Reference,
    }
    optional {
        /// Its name.
        "name" name: String,
        /// The rule may be there before the subnet's endpoint.
        "ignoreMissingVnetServiceEndpoint" | "ignoreMissingServiceEndpoint" ignore_missing: bool,
        /// `NetworkSourceDeleted`: the subnet is gone and the rule matches nothing.
        "state" state: String,
        /// Allow.
        "action" action: AllowOnly,
    }
}

impl FromText for VirtualNetworkRule {
    fn from_text(node: &Node, findings: &mut Findings) -> Option<Self> {
        Some(Self { subnet: Some(Spanned::decode(node, findings)?), ..Self::default() })
    }
}

/// The action of a rule that can only allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllowOnly;

choice! { AllowOnly, "action of an allow-list (Azure has no deny rules there)", "Allow" => Self }

object! {
    /// An IP rule.
    IpRule "an IP rule"
    required {
        /// A public address or prefix.
        "value" | "ipAddressOrRange" | "ipMask" value: String,
    }
    optional {
        /// Its name.
        "name" name: String,
        /// Allow.
        "action" action: AllowOnly,
    }
}

impl FromText for IpRule {
    fn from_text(node: &Node, findings: &mut Findings) -> Option<Self> {
        Some(Self { value: Some(Spanned::decode(node, findings)?), ..Self::default() })
    }
}

object! {
    /// A range of addresses, both ends included; 0.0.0.0 to 0.0.0.0 is every source inside Azure.
    IpRange "an IP range"
    required {
        /// First address.
        "start" | "startIpAddress" start: Address4,
        /// Last address.
        "end" | "endIpAddress" end: Address4,
    }
    optional {
        /// Its name.
        "name" name: String,
    }
}

object! {
    /// The rules of one database.
    Database "a database"
    required {
        /// Its name.
        "name" name: Name,
    }
    optional {
        /// Ranges of public addresses that pass when this database is asked for.
        "ipRanges" | "firewallRules" ip_ranges: Vec<Spanned<IpRange>>,
    }
}

object! {
    /// A resource instance rule.
    ResourceAccessRule "a resource access rule"
    required {
        /// The resource's id.
        "resourceId" resource_id: String,
    }
    optional {
        /// The resource's tenant.
        "tenantId" tenant_id: String,
    }
}

impl FromText for ResourceAccessRule {
    fn from_text(node: &Node, findings: &mut Findings) -> Option<Self> {
        Some(Self { resource_id: Some(Spanned::decode(node, findings)?), tenant_id: None })
    }
}

object! {
    /// An access restriction: exactly one of `subnet`, `ipAddress` and `serviceTag`.
    AccessRestriction "an access restriction"
    required {
        /// Allow or Deny.
        "action" action: Access,
    }
    optional {
        /// Its name.
        "name" name: String,
        /// Lower first; equal ones in list order. 65000 where absent.
        "priority" priority: Integer<1, 2147483647>,
        /// A subnet, by identity.
        "subnet" | "vnetSubnetResourceId" subnet: Reference,
        /// The rule may be there before the subnet's endpoint.
        "ignoreMissingVnetServiceEndpoint" | "ignoreMissingServiceEndpoint" ignore_missing: bool,
        /// Up to eight addresses or prefixes separated by commas; `Any`; `AnyVnets`.
        "ipAddress" ip_address: String,
        /// Up to eight service tags separated by commas.
        "serviceTag" service_tag: String,
        /// ARM: `ServiceTag` says that `ipAddress` holds tags, `XffProxy` that a proxy's header is meant.
        "tag" tag: RestrictionTag,
        /// ARM: the mask of a single `ipAddress`.
        "subnetMask" subnet_mask: Address4,
        /// ARM: of no effect outside of Azure.
        "vnetTrafficTag" vnet_traffic_tag: Integer<0, 4294967295>,
        /// ARM: of no effect outside of Azure.
        "subnetTrafficTag" subnet_traffic_tag: Integer<0, 4294967295>,
        /// Header filters, which together with the address decide.
        "headers" headers: Headers,
        /// For people.
        "description" description: String,
    }
}

/// `tag` of an access restriction as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestrictionTag {
    /// `Default`.
    Default,
    /// `XffProxy`.
    XffProxy,
    /// `ServiceTag`.
    ServiceTag,
}

choice! { RestrictionTag, "tag", "Default" => Self::Default, "XffProxy" => Self::XffProxy, "ServiceTag" => Self::ServiceTag }

object! {
    /// Header filters of an access restriction.
    Headers "headers"
    required {}
    optional {
        /// X-Forwarded-For.
        "x-forwarded-for" forwarded_for: OneOrMany<Spanned<String>>,
        /// X-Forwarded-Host.
        "x-forwarded-host" forwarded_host: OneOrMany<Spanned<String>>,
        /// X-Azure-FDID.
        "x-azure-fdid" azure_fdid: OneOrMany<Spanned<String>>,
        /// X-FD-HealthProbe.
        "x-fd-healthprobe" health_probe: OneOrMany<Spanned<String>>,
    }
}
