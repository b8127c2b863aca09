//! Ranges of both families.

use std::net::IpAddr;

use super::RangeTable;
use super::wide::WideRangeTable;

/// An immutable table of IPv4 and of IPv6 address ranges.
#[derive(Clone, Debug)]
pub struct AddressTable {
    /// The IPv4 ranges.
    pub v4: RangeTable,
    /// The IPv6 ranges.
    pub v6: WideRangeTable,
}

impl AddressTable {
    /// The value at an address.
    #[inline(always)]
    #[must_use]
    pub fn get(&self, address: IpAddr) -> u32 {
        match address {
            IpAddr::V4(address) => self.v4.get(address.to_bits()),
            IpAddr::V6(address) => self.v6.get(address.to_bits()),
        }
    }

    /// Bytes of memory.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.v4.memory() + self.v6.memory()
    }
}
