//! Times of builds and lookups.

use std::hint::black_box;
use std::time::{Duration, Instant};

use causeway::table::access_list::five_tuple::{FiveTuple, FiveTupleRule};
use causeway::table::access_list::{AccessList, BuildError};

/// A round takes at least this long.
const ROUND: Duration = Duration::from_millis(100);

/// After this long no further round is begun, once there are three.
const ENOUGH: Duration = Duration::from_secs(20);

/// Builds are repeated up to this often, and not after this long.
const BUILDS: usize = 7;
const BUILDING: Duration = Duration::from_secs(3);

/// The middle of several measurements, and the span of them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Spread {
    /// The one in the middle.
    pub(crate) median: f64,
    /// The lowest.
    pub(crate) lowest: f64,
    /// The highest.
    pub(crate) highest: f64,
}

impl Spread {
    /// Of measurements; all zero when there are none.
    pub(crate) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or_default();
        Self { median: at(values.len() / 2), lowest: at(0), highest: at(values.len().saturating_sub(1)) }
    }
}

/// Builds the table several times: the last one, and the median of the seconds.
pub(crate) fn build(rules: &[FiveTupleRule], budget: usize) -> Result<(AccessList, f64), BuildError> {
    let (begin, mut seconds) = (Instant::now(), Vec::new());
    loop {
        let start = Instant::now();
        let list = AccessList::build(black_box(rules), budget)?;
        seconds.push(start.elapsed().as_secs_f64());
        if seconds.len() == BUILDS || begin.elapsed() > BUILDING {
            return Ok((list, Spread::of(seconds).median));
        }
    }
}

/// Every header's answer, in calls of `batch` headers as they are timed.
pub(crate) fn answers(list: &AccessList, headers: &[FiveTuple], batch: usize) -> Vec<u32> {
    let mut matches = vec![AccessList::NO_MATCH; headers.len()];
    for (headers, matches) in headers.chunks(batch).zip(matches.chunks_mut(batch)) {
        list.first_matches(headers, matches);
    }
    matches
}

/// Lookups per second, over `rounds` rounds of whole passes over the headers; none for no headers.
pub(crate) fn lookups_per_second(list: &AccessList, headers: &[FiveTuple], batch: usize, rounds: u32) -> Spread {
    if headers.is_empty() {
        return Spread::default();
    }
    let mut matches = vec![0; batch.min(headers.len())];
    let once = passes(1, list, headers, &mut matches).as_secs_f64();
    let count = (ROUND.as_secs_f64() / once.max(1e-9)).ceil().clamp(1.0, 1e6) as u32;
    let (begin, mut rates) = (Instant::now(), Vec::new());
    for round in 0..rounds {
        if round >= 3 && begin.elapsed() > ENOUGH {
            break;
        }
        let took = passes(count, list, headers, &mut matches).as_secs_f64();
        rates.push(headers.len() as f64 * f64::from(count) / took.max(1e-9));
    }
    Spread::of(rates)
}

/// How long `count` passes over the headers take. The sum keeps the compiler from leaving lookups out.
fn passes(count: u32, list: &AccessList, headers: &[FiveTuple], matches: &mut [u32]) -> Duration {
    let (start, mut sum) = (Instant::now(), 0_u64);
    for _ in 0..count {
        for headers in headers.chunks(matches.len()) {
            list.first_matches(black_box(headers), matches);
            sum += matches.iter().take(headers.len()).map(|&found| u64::from(found)).sum::<u64>();
        }
    }
    black_box(sum);
    start.elapsed()
}
