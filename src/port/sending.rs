//! What happens to a frame that a device did not take, by the error that the kernel gave.

use std::io;

use crate::packet::{Frame, FramePool, Reason};

/// How a send failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// This frame ends here; the next may pass.
    Refused(Reason),
    /// The device is gone.
    Gone(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::EAGAIN | libc::ENOBUFS | libc::ENOMEM | libc::EINTR) => Self::Refused(Reason::QueueFull),
            Some(libc::EIO | libc::ENETDOWN) => Self::Refused(Reason::DestinationUnknown),
            Some(libc::EBADFD | libc::ENODEV | libc::ENXIO | libc::EBADF) => Self::Gone(error),
            None if error.kind() == io::ErrorKind::TimedOut => Self::Refused(Reason::QueueFull),
            _ => Self::Refused(Reason::TooBig),
        }
    }
}

/// Whether an error on receiving only says that nothing waits.
pub(super) fn is_empty(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}

/// Sends every frame by `send` and gives its buffer back; what was not taken goes to `refused`. After the device is
/// gone the rest is refused unsent.
pub(super) fn send_each(
    frames: &mut Vec<Frame>,
    pool: &mut FramePool,
    refused: &mut Vec<(usize, Reason)>,
    mut send: impl FnMut(&mut Frame, &mut FramePool) -> Result<(), Failure>,
) -> io::Result<()> {
    let mut gone = None;
    for (index, mut frame) in frames.drain(..).enumerate() {
        let outcome = if gone.is_some() { Err(Failure::Refused(Reason::DestinationUnknown)) } else { send(&mut frame, pool) };
        match outcome {
            Ok(()) => {}
            Err(Failure::Refused(reason)) => refused.push((index, reason)),
            Err(Failure::Gone(error)) => {
                refused.push((index, Reason::DestinationUnknown));
                gone = Some(error);
            }
        }
        pool.give(frame);
    }
    gone.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_the_device_is_gone_every_frame_is_refused_and_drained() {
        let mut frames: Vec<_> = (0..4).map(|_| Frame::from_bytes(&[0; 60])).collect();
        let (mut pool, mut refused, mut calls) = (FramePool::new(4), Vec::new(), 0);
        let outcome = send_each(&mut frames, &mut pool, &mut refused, |_, _| {
            calls += 1;
            match calls {
                1 => Ok(()),
                2 => Err(Failure::Refused(Reason::QueueFull)),
                _ => Err(Failure::from(io::Error::from_raw_os_error(libc::EBADFD))),
            }
        });
        assert_eq!(outcome.unwrap_err().raw_os_error(), Some(libc::EBADFD));
        assert_eq!(refused, [(1, Reason::QueueFull), (2, Reason::DestinationUnknown), (3, Reason::DestinationUnknown)]);
        assert_eq!((calls, frames.len()), (3, 0));
    }

    #[test]
    fn each_error_of_the_kernel_has_its_reason() {
        let reason = |code| match Failure::from(io::Error::from_raw_os_error(code)) {
            Failure::Refused(reason) => Some(reason),
            Failure::Gone(_) => None,
        };
        assert_eq!(reason(libc::EAGAIN), Some(Reason::QueueFull));
        assert_eq!(reason(libc::EIO), Some(Reason::DestinationUnknown));
        assert_eq!(reason(libc::EMSGSIZE), Some(Reason::TooBig));
        assert_eq!(reason(libc::EINVAL), Some(Reason::TooBig));
        assert_eq!(reason(libc::ENXIO), None);
    }
}
