//! What `publication` and `doze` are built of, under one name, so that a test can build them of loom's.

pub(super) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
pub(super) use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
