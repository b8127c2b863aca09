//! The page of each code: what it means, why Azure is like that, a wrong file and a right one.

use super::code::Code;

macro_rules! pages {
    ($($code:ident)+) => {
        /// Every page of `docs/codes`, by its code.
        const PAGES: &[(&str, &str)] =
            &[$((stringify!($code), include_str!(concat!("../../docs/codes/", stringify!($code), ".md")))),+];
    };
}

pages! {
    FILE_UNREADABLE
    FILE_TOO_LARGE
    FILE_EMPTY
    ENCODING
    SYNTAX
    YAML_FEATURE
    TOO_DEEP
    DUPLICATE_PROPERTY
    UNKNOWN_PROPERTY
    MISSING_PROPERTY
    WRONG_TYPE
    BAD_VALUE
    BAD_NAME
    BAD_ADDRESS
    BAD_PREFIX
    BAD_PORT
    BACKWARDS_RANGE
    OUT_OF_RANGE
    BOTH_FORMS
    UNKNOWN_NAME
    DUPLICATE_NAME
    DUPLICATE_PRIORITY
    UNKNOWN_TAG
    BAD_TAG
    ASG_NETWORK
    RESERVED_RANGE
    SUBNET_SIZE
    SUBNET_OUTSIDE
    SUBNET_OVERLAP
    PEER_OVERLAP
    BAD_PEERING
    WIRE_PREFIX
    RESERVED_ADDRESS
    ADDRESS_OUTSIDE
    ADDRESS_CLASH
    LIMIT_EXCEEDED
    BAD_ROUTE
    GATEWAY_SUBNET
    ENDPOINT_CONFLICT
    ENDPOINT_MISSING
    RULE_REGION
    IP_RULE
    SERVICE_TIER
    POLICY_SERVICE
    PRIVATE_ENDPOINT
    INTEGRATION_SUBNET
    RULE_MISMATCH
    TUNNEL_KEY
    DELEGATED_SUBNET
    INJECTED_SERVICE
    BAD_DEVICE
    BAD_ATTACHMENT
    BAD_HOST
    TAGS_FILE
    QUESTION
    NOT_MODELLED
    NO_EFFECT
    EMPTY_TAG
    POLICY_ACCOUNT
    ENDPOINT_REGION
    HALF_PEERING
    APPLIANCE_FORWARDING
    APPLIANCE_LOOP
    PUBLIC_ADDRESS_ROUTE
    INERT_RULES
    PRIVATE_IP_RULE
    SAME_REGION_NOT_PUBLIC
    IPRULE_IGNORED_VNET_SOURCE
    TAG_WIDENED_BY_UDR
    SQL_REDIRECT_PORTS
    MIXED_TAGS
    SEVERAL_ASGS
    PEERING_FLAGS
    UNKNOWN_SERVICE_TYPE
    NO_SE_ON_SUBNET
    ENDPOINT_UNUSED
    ENDPOINT_BLOCKED
    POLICY_EXCLUDES
    SHADOWED_RULE
    UNREACHABLE_RULE
    PROBES_BLOCKED
    PUBLIC_DESTINATION
    PEERING_NOT_TRANSITIVE
    DEFAULT_DENY_IMPLIED
    OPEN_WITHOUT_RULES
    ALL_OF_AZURE
    UNUSED_OBJECT
    INJECTED_SUBNET
    INJECTED_SHARED
    INJECTED_SIZE
    INJECTED_TRAFFIC
    INJECTED_NSG
    INJECTED_ROUTE
}

impl Code {
    /// Its page, in Markdown; the one-line explanation where there is none.
    #[must_use]
    pub fn page(self) -> &'static str {
        PAGES.iter().find(|(code, _)| *code == self.as_str()).map_or_else(|| self.explanation(), |(_, page)| page)
    }
}
