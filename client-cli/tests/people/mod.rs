//! A relay in this process, and people who use the program.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use lightproof_relay::config::Config;
use lightproof_relay::{Relay, RunningRelay};
use tempfile::TempDir;
use tokio::runtime::Runtime;

mod person;

pub(crate) use person::{Person, json};

/// A folder with a relay and the homes of people.
pub(crate) struct Place {
    folder: TempDir,
    runtime: Runtime,
    address: SocketAddr,
    relay: Option<RunningRelay>,
}

impl AsRef<Path> for Place {
    fn as_ref(&self) -> &Path {
        self.folder.path()
    }
}

impl Place {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let address = (Ipv4Addr::LOCALHOST, 0).into();
        let mut place = Self { folder: tempfile::tempdir().unwrap(), runtime, address, relay: None };
        place.start_relay();
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn link(&self) -> String {
        self.relay.as_ref().unwrap().link().to_string()
    }

    pub(crate) fn start_relay(&mut self) {
        let config = Config::local(self.path("relay"), self.address).unwrap();
        let relay = self.runtime.block_on(Relay::start(config)).unwrap();
        self.address = relay.address();
        self.relay = Some(relay);
    }

    pub(crate) fn stop_relay(&mut self) {
        self.runtime.block_on(self.relay.take().unwrap().shutdown());
    }

    /// Somebody with a home on this relay.
    pub(crate) fn person(&self, name: &str) -> Person {
        let person = Person::at(self, name);
        person.says(&["init", "--no-passphrase", "--name", name, "--relay", &self.link()]);
        person
    }

    /// Two people who know each other.
    pub(crate) fn alice_and_bob(&self) -> (Person, Person) {
        let (alice, bob) = (self.person("alice"), self.person("bob"));
        alice.adds(&bob);
        bob.adds(&alice);
        (alice, bob)
    }
}
