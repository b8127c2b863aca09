//! A token bucket: how many frames of our own we make (RFC 1812 4.3.2.8, RFC 4443 2.4 f).

/// Thousandths of a token: a millisecond at one token per second.
const TOKEN: u64 = 1_000;

/// A token bucket over a clock that the caller reads.
#[derive(Clone, Copy, Debug)]
pub struct RateLimit {
    per_second: u64,
    capacity: u64,
    level: u64,
    filled_at: u64,
}

impl RateLimit {
    /// A full bucket of `burst` that refills by `per_second`.
    #[must_use]
    pub const fn new(per_second: u32, burst: u32) -> Self {
        let capacity = burst as u64 * TOKEN;
        Self { per_second: per_second as u64, capacity, level: capacity, filled_at: 0 }
    }

    /// Takes one, if there is one, at `now_ms` (monotonic milliseconds; a clock that steps back refills nothing).
    pub fn allow(&mut self, now_ms: u64) -> bool {
        let refill = now_ms.saturating_sub(self.filled_at).saturating_mul(self.per_second);
        self.level = self.level.saturating_add(refill).min(self.capacity);
        self.filled_at = self.filled_at.max(now_ms);
        let allowed = self.level >= TOKEN;
        if allowed {
            self.level -= TOKEN;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(limit: &mut RateLimit, now_ms: u64, tries: usize) -> usize {
        (0..tries).filter(|_| limit.allow(now_ms)).count()
    }

    #[test]
    fn a_burst_then_the_rate() {
        let mut limit = RateLimit::new(10, 5);
        assert_eq!(taken(&mut limit, 1_000, 20), 5);
        assert_eq!(taken(&mut limit, 1_099, 20), 0);
        assert_eq!(taken(&mut limit, 1_100, 20), 1);
        assert_eq!(taken(&mut limit, 1_350, 20), 2);
        assert_eq!(taken(&mut limit, 1_400, 20), 1, "the half token was kept");
        assert_eq!(taken(&mut limit, 60_000, 20), 5, "never above the burst");
    }

    #[test]
    fn a_clock_that_steps_back_refills_nothing() {
        let mut limit = RateLimit::new(1, 1);
        assert!(limit.allow(10_000));
        assert!(!limit.allow(0));
        assert!(!limit.allow(10_500));
        assert!(limit.allow(11_000));
    }

    #[test]
    fn any_numbers_are_safe() {
        let mut limit = RateLimit::new(u32::MAX, u32::MAX);
        assert!(limit.allow(u64::MAX));
        assert!(!RateLimit::new(0, 0).allow(u64::MAX));
    }
}
