//! Where something stands in the network file.

/// Line and column, both from 1; columns count characters. `0:0` where the thing has no place (a default rule).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1, in characters.
    pub column: u32,
}
