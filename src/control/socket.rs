//! Who owns `/run/causeway/NAME.sock`.
//!
//! The directory is locked (flock) while a daemon starts, so that two never judge the same socket at once. A socket that
//! nobody listens on was left by a killed daemon and is taken over. It is bound at once and listened on when the daemon
//! is ready: who can connect talks to a dataplane that runs.

use std::fs::{self, DirBuilder, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket};

/// Where daemons' sockets are.
pub const DIRECTORY: &str = "/run/causeway";
/// How long to wait for another daemon that is starting in the same directory.
const LOCK_WAIT: Duration = Duration::from_secs(30);
/// How often the directory may vanish under us (a daemon that stops removes it when it is empty).
const ATTEMPTS: usize = 10;

/// Why a socket cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// A daemon answers there.
    #[error("a daemon is already running on {}; stop it, or choose another socket with --socket", .0.display())]
    Live(PathBuf),
    /// Something else is there.
    #[error("{} exists and is not a socket", .0.display())]
    NotASocket(PathBuf),
    /// Another daemon has been starting for too long.
    #[error("{} stays locked by a daemon that is starting", .0.display())]
    Locked(PathBuf),
    /// The path does not fit into a socket address (107 bytes).
    #[error("{} is too long for a socket: choose a shorter one with --socket", .0.display())]
    TooLong(PathBuf),
    /// Anything else.
    #[error("{}: {error}", path.display())]
    Io {
        /// The socket or its directory.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

/// The socket of the daemon that runs `file`: `/run/causeway/STEM.sock`.
#[must_use]
pub fn default_path(file: &Path) -> PathBuf {
    let mut name = file.file_stem().unwrap_or_default().to_owned();
    name.push(".sock");
    Path::new(DIRECTORY).join(name)
}

/// A socket that is ours and that nobody can connect to yet. Dropped: removed.
#[derive(Debug)]
pub struct Claim {
    socket: OwnedFd,
    file: SocketFile,
    /// Held until the socket listens: until then others would take it for one of a killed daemon.
    _lock: Flock<File>,
}

impl Claim {
    /// Takes `path`, over from a killed daemon if need be.
    ///
    /// # Errors
    /// See [`SocketError`].
    pub fn take(path: &Path) -> Result<Self, SocketError> {
        let address = UnixAddr::new(path).map_err(|_| SocketError::TooLong(path.to_owned()))?;
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        for _ in 0..ATTEMPTS {
            make_directory(directory)?;
            let Some(lock) = lock_directory(directory)? else { continue };
            clear_stale(path)?;
            match bound(&address) {
                Ok(socket) => return Self::of(socket, path, lock),
                Err(Errno::ENOENT) => {}
                Err(error) => return Err(io_error(path, error.into())),
            }
        }
        Err(SocketError::Locked(directory.to_owned()))
    }

    /// Nobody can connect before it listens, so its mode may be set now.
    fn of(socket: OwnedFd, path: &Path, lock: Flock<File>) -> Result<Self, SocketError> {
        let file = SocketFile::of(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(|error| io_error(path, error))?;
        Ok(Self { socket, file, _lock: lock })
    }

    /// Lets clients connect. The file goes when the second part is dropped, which is to be before the first.
    ///
    /// # Errors
    /// The system refuses.
    pub fn listen(self) -> io::Result<(UnixListener, SocketFile)> {
        listen(&self.socket, Backlog::MAXCONN)?;
        Ok((UnixListener::from(self.socket), self.file))
    }
}

/// A socket in the file system that is ours. Dropped: removed, and with it the daemons' directory where it is empty.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl SocketFile {
    fn of(path: &Path) -> Result<Self, SocketError> {
        let metadata = fs::symlink_metadata(path).map_err(|error| io_error(path, error))?;
        Ok(Self { path: path.to_owned(), identity: identity(&metadata) })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Somebody may have removed it, and another daemon put its own there.
        if !fs::symlink_metadata(&self.path).is_ok_and(|metadata| identity(&metadata) == self.identity) {
            return;
        }
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!("cannot remove {}: {error}", self.path.display());
        }
        if self.path.parent() == Some(Path::new(DIRECTORY)) {
            // Refused while anything is in it.
            let _ = fs::remove_dir(DIRECTORY);
        }
    }
}

/// Makes the directory where it is missing. The daemons' own is for its owner alone, whoever made it.
fn make_directory(directory: &Path) -> Result<(), SocketError> {
    let private = |directory: &Path| -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        if directory == Path::new(DIRECTORY) && fs::metadata(directory)?.mode() & 0o077 != 0 {
            fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
        }
        Ok(())
    };
    private(directory).map_err(|error| io_error(directory, error))
}

/// Locks the directory. `None`: it was removed meanwhile.
fn lock_directory(directory: &Path) -> Result<Option<Flock<File>>, SocketError> {
    let deadline = Instant::now() + LOCK_WAIT;
    let mut file = match File::open(directory) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error(directory, error)),
    };
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => {
                let held = lock.metadata().map_err(|error| io_error(directory, error))?;
                let same = fs::metadata(directory).is_ok_and(|now| identity(&now) == identity(&held));
                return Ok(same.then_some(lock));
            }
            Err((unlocked, Errno::EWOULDBLOCK)) if Instant::now() < deadline => file = unlocked,
            Err((_, Errno::EWOULDBLOCK)) => return Err(SocketError::Locked(directory.to_owned())),
            Err((_, error)) => return Err(io_error(directory, error.into())),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Removes a socket that nobody listens on.
fn clear_stale(path: &Path) -> Result<(), SocketError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io_error(path, error)),
        Ok(metadata) if !metadata.file_type().is_socket() => return Err(SocketError::NotASocket(path.to_owned())),
        Ok(_) => {}
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(SocketError::Live(path.to_owned())),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            tracing::info!("taking over {}, left by a daemon that was killed", path.display());
            fs::remove_file(path).map_err(|error| io_error(path, error))
        }
        Err(error) => Err(io_error(path, error)),
    }
}

/// A socket bound to `address` that does not listen.
fn bound(address: &UnixAddr) -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    bind(socket.as_raw_fd(), address)?;
    Ok(socket)
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

fn io_error(path: &Path, error: io::Error) -> SocketError {
    SocketError::Io { path: path.to_owned(), error }
}

#[cfg(test)]
#[path = "socket_tests.rs"]
mod tests;
