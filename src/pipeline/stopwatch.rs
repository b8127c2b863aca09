//! How long first packets take, for a histogram: by the processor's counter, since two looks at the system's clock would
//! take a tenth of what they measure. The clock that the worker reads anyway tells the counter's rate.

use std::time::Instant;

use crate::table::simd::timestamp;

/// Counts that are enough to know the rate by, at any rate of our days: the better part of a millisecond.
const ENOUGH: u64 = 1 << 20;

/// A counter and its rate. The first spans of a process, before the rate is known, are measured by the clock.
#[derive(Debug)]
pub(super) struct Stopwatch {
    start: Instant,
    counted_at_start: u64,
    nanoseconds_per_count: Option<f64>,
}

/// When a span began.
#[derive(Clone, Copy, Debug)]
pub(super) enum Begun {
    Counted(u64),
    Clocked(Instant),
}

impl Stopwatch {
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), counted_at_start: timestamp(), nanoseconds_per_count: None }
    }

    /// Finds out the rate: the clock has gone on to `now` (which was read a moment ago).
    pub(super) fn calibrate(&mut self, now: Instant) {
        self.calibrate_by(now, timestamp());
    }

    fn calibrate_by(&mut self, now: Instant, count: u64) {
        let counted = count.saturating_sub(self.counted_at_start);
        if counted >= ENOUGH && now > self.start {
            self.nanoseconds_per_count = Some(now.duration_since(self.start).as_nanos() as f64 / counted as f64);
        }
    }

    #[inline]
    pub(super) fn begin(&self) -> Begun {
        if self.nanoseconds_per_count.is_some() { Begun::Counted(timestamp()) } else { Begun::Clocked(Instant::now()) }
    }

    /// Nanoseconds since then.
    #[inline]
    pub(super) fn nanoseconds_since(&self, begun: Begun) -> u64 {
        match begun {
            Begun::Counted(before) => self.nanoseconds(timestamp().saturating_sub(before)),
            Begun::Clocked(before) => u64::try_from(before.elapsed().as_nanos()).unwrap_or(u64::MAX),
        }
    }

    #[inline]
    fn nanoseconds(&self, counted: u64) -> u64 {
        // as from float to integer saturates
        (counted as f64 * self.nanoseconds_per_count.unwrap_or_default()) as u64
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_rate_is_that_of_the_clock_since_the_start() {
        let mut stopwatch = Stopwatch::new();
        assert!(matches!(stopwatch.begin(), Begun::Clocked(_)));
        let (start, count) = (stopwatch.start, stopwatch.counted_at_start);
        stopwatch.calibrate_by(start + Duration::from_secs(1), count + ENOUGH - 1);
        assert!(matches!(stopwatch.begin(), Begun::Clocked(_)), "too few to tell");
        stopwatch.calibrate_by(start + Duration::from_secs(1), count + 4_000_000_000);
        assert!(matches!(stopwatch.begin(), Begun::Counted(_)));
        assert_eq!((stopwatch.nanoseconds(4_000), stopwatch.nanoseconds(u64::MAX)), (1_000, u64::MAX / 4 + 1));
        stopwatch.calibrate_by(start, count + 8_000_000_000);
        assert_eq!(stopwatch.nanoseconds(4_000), 1_000, "a clock that stands still tells nothing");
    }

    #[test]
    fn a_counter_that_steps_back_measures_nothing_rather_than_ages() {
        let mut stopwatch = Stopwatch::new();
        stopwatch.calibrate_by(stopwatch.start + Duration::from_secs(1), stopwatch.counted_at_start + 1_000_000_000);
        assert_eq!(stopwatch.nanoseconds_since(Begun::Counted(u64::MAX)), 0);
    }

    #[test]
    fn a_span_by_the_clock_is_one() {
        let stopwatch = Stopwatch::new();
        let begun = stopwatch.begin();
        std::thread::sleep(Duration::from_millis(2));
        assert!(stopwatch.nanoseconds_since(begun) >= 2_000_000);
    }
}
