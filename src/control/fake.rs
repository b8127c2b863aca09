//! A loader and a dataplane without packets, that remember what was done to them.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex};

use super::parts::{Candidate, Dataplane, Loader, PortPlan, Report};
use crate::config::network::Device;
use crate::counters::{Reader, Shape, Writer};
use crate::policy::ids::PortId;
use crate::port::PortState;
use crate::telemetry::Names;

/// A port on a TAP.
pub(super) fn plan(id: u16, name: &str, tap: &str) -> PortPlan {
    PortPlan { id: PortId(id), name: name.to_owned(), attachment: "shop/web".to_owned(), device: Device::Tap(tap.to_owned()) }
}

/// What happens, in order, and what the next load gives.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) log: Vec<String>,
    pub(super) next: Option<Result<Vec<PortPlan>, Report>>,
    pub(super) broken_devices: BTreeSet<String>,
    pub(super) open_devices: BTreeSet<String>,
    pub(super) dead: bool,
}

/// Shared between a test and its fakes.
pub(super) type Shared = Arc<Mutex<World>>;

/// A world whose next load gives these ports.
pub(super) fn world(ports: Vec<PortPlan>) -> Shared {
    Arc::new(Mutex::new(World { next: Some(Ok(ports)), ..World::default() }))
}

pub(super) struct FakeLoader(pub(super) Shared);

impl Loader for FakeLoader {
    type Configuration = u64;

    fn load(&mut self, generation: u64) -> Result<Candidate<u64>, Report> {
        let ports = self.0.lock().unwrap().next.clone().expect("something to load")?;
        let names = Names { ports: ports.iter().map(|port| (port.id, port.name.clone().into())).collect(), ..Names::default() };
        Ok(Candidate { configuration: generation, names, ports, report: Report::default() })
    }
}

#[derive(Debug)]
pub(super) struct FakeDataplane {
    world: Shared,
    devices: Vec<(PortId, FakeDevice)>,
    reader: Reader,
}

/// Gives its device back when it is dropped.
#[derive(Debug)]
pub(super) struct FakeDevice(Shared, String);

impl Drop for FakeDevice {
    fn drop(&mut self) {
        let mut world = self.0.lock().unwrap();
        world.open_devices.remove(&self.1);
        world.log.push(format!("close {}", self.1));
    }
}

impl FakeDataplane {
    pub(super) fn start(world: &Shared, generation: u64) -> io::Result<Self> {
        world.lock().unwrap().log.push(format!("start {generation}"));
        let reader = Writer::new(Shape::default()).1;
        Ok(Self { world: Arc::clone(world), devices: Vec::new(), reader })
    }

    fn note(&self, what: String) {
        self.world.lock().unwrap().log.push(what);
    }
}

impl Dataplane for FakeDataplane {
    type Configuration = u64;
    type Opened = FakeDevice;

    fn readers(&self) -> Vec<Reader> {
        vec![self.reader.clone()]
    }

    fn open(&mut self, plan: &PortPlan) -> Result<FakeDevice, String> {
        let name = plan.device.name();
        let mut world = self.world.lock().unwrap();
        if world.broken_devices.contains(name) {
            return Err(format!("cannot open '{name}'"));
        }
        if !world.open_devices.insert(name.to_owned()) {
            return Err(format!("'{name}' is in use"));
        }
        world.log.push(format!("open {name}"));
        drop(world);
        Ok(FakeDevice(Arc::clone(&self.world), name.to_owned()))
    }

    fn attach(&mut self, plan: &PortPlan, opened: FakeDevice) -> Result<Arc<PortState>, String> {
        self.note(format!("attach {}", plan.name));
        self.devices.push((plan.id, opened));
        Ok(PortState::new(1500))
    }

    fn detach(&mut self, port: PortId) {
        self.devices.retain(|(id, _)| *id != port);
    }

    fn publish(&mut self, generation: u64) -> Result<(), String> {
        self.check()?;
        self.note(format!("publish {generation}"));
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        if self.world.lock().unwrap().dead { Err("worker 0 ended".to_owned()) } else { Ok(()) }
    }

    fn stop(self) {
        self.note("stop".to_owned());
    }
}
