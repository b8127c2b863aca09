//! Structures that know bits, not Azure. Each has a plain reference twin that its property tests compare it with.

pub mod access_list;
pub mod address_classes;
pub mod coverage;
pub mod first_holder;
pub mod flow;
pub mod longest_prefix;
pub mod matcher;
pub mod ordered_scan;
pub mod port_set;
pub mod prefix_set;
pub mod prefix_table;
pub mod range_table;
pub mod rule_table;
pub mod simd;
