//! The processor's own counter of time, for spans too short for the system's clock: reading that takes as long as they do.

/// Counts at a constant rate that the caller finds out; from one core to the next it may step back a little.
#[inline(always)]
#[must_use]
pub fn timestamp() -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: every x86-64 processor has the instruction; it reads a counter and changes nothing else.
        unsafe { std::arch::x86_64::_rdtsc() }
    }
    #[cfg(not(target_arch = "x86_64"))]
    by_the_clock()
}

/// Nanoseconds since the first call.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn by_the_clock() -> u64 {
    static FIRST: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    let first = FIRST.get_or_init(std::time::Instant::now);
    u64::try_from(first.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_go_on() {
        for read in [timestamp, by_the_clock] {
            let before = read();
            std::thread::sleep(std::time::Duration::from_millis(2));
            assert!(read() > before);
        }
    }
}
