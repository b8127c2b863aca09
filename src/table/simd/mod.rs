//! What only the processor's own instructions do well: the one place outside `port/` with unsafe code. Each function
//! is safe to call on any machine, and has a portable twin that its tests compare it with.

#![expect(unsafe_code, reason = "processor instructions; each block says why it is sound")]

/// Asks for the cache line of `place` without waiting for it. Nothing where the processor has no such instruction.
#[inline(always)]
pub fn prefetch<T: ?Sized>(place: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing that the program can see and never faults; SSE is part of x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(place).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}
