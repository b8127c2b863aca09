//! Memory in large pages: a lookup in a table of many megabytes then seldom waits for the address translation, too.

/// Asks the system to back a vector's room with large pages. To be called before the room is used for the first time;
/// where the system has none to give, nothing changes.
pub fn prefer_large_pages<T>(room: &Vec<T>) {
    #[cfg(target_os = "linux")]
    if let Some((start, length)) = whole_pages(room.as_ptr().addr(), room.capacity() * size_of::<T>()) {
        let start = room.as_ptr().with_addr(start).cast_mut();
        // SAFETY: the range lies within the vector's own room, and the advice changes no byte that the program can see.
        // A refusal is of no consequence.
        unsafe { libc::madvise(start.cast(), length, libc::MADV_HUGEPAGE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = room;
}

/// The smallest unit of the advice.
const PAGE: usize = 4096;
/// What is smaller than a large page gains nothing.
const LARGE_PAGE: usize = 2 << 20;

/// The pages that lie wholly within a range; `None` where they make no large one.
fn whole_pages(start: usize, length: usize) -> Option<(usize, usize)> {
    let first = start.next_multiple_of(PAGE);
    let length = (start + length).checked_sub(first)? / PAGE * PAGE;
    (length >= LARGE_PAGE).then_some((first, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_wholly_inside_are_named() {
        assert_eq!(whole_pages(0x1000, LARGE_PAGE), Some((0x1000, LARGE_PAGE)));
        assert_eq!(whole_pages(0x1001, LARGE_PAGE + 0x1fff), Some((0x2000, LARGE_PAGE + 0x1000)));
        assert_eq!(whole_pages(0x1001, LARGE_PAGE), None);
        assert_eq!(whole_pages(0x1fff, 0), None);
    }

    #[test]
    fn memory_stays_what_it_was() {
        let mut room: Vec<u64> = Vec::with_capacity(1 << 20);
        prefer_large_pages(&room);
        room.extend(0..1 << 20);
        assert!(room.iter().zip(0..).all(|(&held, number)| held == number));
        prefer_large_pages(&Vec::<u64>::new());
    }
}
