//! The test's own frames, sent and seen inside a host's namespace through pnet.

use std::fs::File;
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns};
use pnet::datalink::{Channel, Config, DataLinkReceiver, DataLinkSender, NetworkInterface, channel, interfaces};
use pnet::util::MacAddr;

/// The dataplane's address on every link.
pub const GATEWAY: [u8; 6] = [0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc];

/// A host's network device, from within its namespace.
pub struct Wire {
    sender: Box<dyn DataLinkSender>,
    receiver: Box<dyn DataLinkReceiver>,
    /// The host's own address on the link.
    pub mac: [u8; 6],
}

/// Does `act` on a thread of its own inside the namespace, on the device of the same name.
pub fn on_wire<T: Send>(namespace: &str, act: impl FnOnce(&mut Wire) -> T + Send) -> T {
    thread::scope(|scope| {
        let inside = move || {
            setns(File::open(format!("/run/netns/{namespace}")).unwrap(), CloneFlags::CLONE_NEWNET).unwrap();
            act(&mut Wire::open(namespace))
        };
        scope.spawn(inside).join().unwrap()
    })
}

impl Wire {
    fn open(device: &str) -> Self {
        let interface: NetworkInterface = interfaces().into_iter().find(|interface| interface.name == device).unwrap();
        let config = Config { read_timeout: Some(Duration::from_millis(100)), read_buffer_size: 70_000, ..Config::default() };
        let Channel::Ethernet(sender, receiver) = channel(&interface, config).unwrap() else { panic!("{device}: no Ethernet") };
        let MacAddr(a, b, c, d, e, f) = interface.mac.unwrap();
        Self { sender, receiver, mac: [a, b, c, d, e, f] }
    }

    /// Sends a frame.
    pub fn send(&mut self, frame: &[u8]) {
        self.sender.send_to(frame, None).unwrap().unwrap();
    }

    /// The first frame that `wanted` accepts, if one comes within two seconds.
    pub fn receive(&mut self, wanted: impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(2) {
            match self.receiver.next() {
                Ok(frame) if wanted(frame) => return Some(frame.to_vec()),
                _ => {}
            }
        }
        None
    }
}
