//! What a person writes: the network file's sections and properties, each declared once.
//!
//! A declaration serves for the struct, for decoding that collects every fault, and for the JSON Schema. Nothing is
//! resolved here: names of other objects are still text (`validate` looks them up).

pub mod addresses;
pub mod decode;
pub mod endpoint_policies;
pub mod lab;
pub mod network_file;
pub mod network_managers;
pub mod network_objects;
pub mod private_endpoints;
pub mod security;
pub mod services;
pub mod spellings;
pub mod values;

pub use decode::{Decode, Field, ListField, Spanned, each};
pub use network_file::NetworkFile;
