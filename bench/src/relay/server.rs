//! The relay as a process of its own, with settings that let one machine make load.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
    time::Instant,
};

use lightproof_wire::relay_link::RelayLink;

use super::wire::{Target, connector};
use crate::{error::BenchError, programs::memory, stage::Stage};

/// A relay that runs; dropping it ends it.
pub(crate) struct Server {
    child: Child,
    _stdout: BufReader<ChildStdout>,
    pub(crate) target: Target,
    /// From the start of the process to its link on the standard output: it listens from then on.
    pub(crate) start_seconds: f64,
}

impl Server {
    /// Starts it on `folder/relay`.
    pub(crate) fn start(stage: Stage<'_>) -> Result<Self, BenchError> {
        let Stage { programs, certificate, folder } = stage;
        certificate.save(folder)?;
        let log = File::create(folder.join("relay.log")).map_err(BenchError::at("relay.log"))?;
        let began = Instant::now();
        let mut command = Command::new(&programs.relay);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]);
        command.arg(folder.join("relay")).arg("--cert").arg(folder.join("certificate.pem"));
        command.arg("--key").arg(folder.join("key.pem"));
        for (key, value) in SETTINGS {
            command.env(format!("LIGHTPROOF_RELAY_{key}"), value);
        }
        let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = piped.spawn().map_err(BenchError::at("lightproof-relay"))?;
        let stdout = child.stdout.take().ok_or_else(|| BenchError::Wrong("the relay has no output".to_owned()))?;
        let (mut stdout, mut link) = (BufReader::new(stdout), String::new());
        stdout.read_line(&mut link).map_err(BenchError::at("the relay's link"))?;
        let start_seconds = began.elapsed().as_secs_f64();
        let address = link.trim().parse::<RelayLink>().ok().and_then(|link| link.authority().parse().ok());
        let Some(address) = address else {
            let log = fs::read_to_string(folder.join("relay.log")).unwrap_or_default();
            return Err(BenchError::Wrong(format!("the relay did not start: {link}\n{log}")));
        };
        let target = Target { address, tls: connector(certificate)? };
        Ok(Self { child, _stdout: stdout, target, start_seconds })
    }

    /// Resident memory now, in KiB.
    pub(crate) fn resident_kib(&self) -> Result<f64, BenchError> {
        let mebibytes = memory(&self.child, "VmRSS");
        mebibytes.map(|mebibytes| mebibytes * 1024.0).ok_or_else(|| BenchError::Wrong("the relay is gone".to_owned()))
    }

    /// Open descriptors.
    pub(crate) fn descriptor_count(&self) -> Result<usize, BenchError> {
        let folder = fs::read_dir(format!("/proc/{}/fd", self.child.id()));
        Ok(folder.map_err(BenchError::at("the relay's descriptors"))?.count())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One machine plays thousands of people: what protects a relay from one person is out of the way.
const SETTINGS: &[(&str, &str)] = &[
    ("COMMANDS_PER_SECOND", "1000000"),
    ("COMMAND_BURST", "1000000"),
    ("COMMANDS_PER_SECOND_AND_ADDRESS", "10000000"),
    ("COMMANDS_PER_SECOND_IN_ALL", "10000000"),
    ("DOORBELL_DEPOSITS_A_MINUTE", "10000000"),
    ("MAILBOX_DEPOSITS_A_MINUTE", "10000000"),
    ("MAILBOXES_A_DAY_AND_ADDRESS", "10000000"),
    ("BLOB_MIB_A_DAY_AND_ADDRESS", "4000000000"),
    ("CONNECTIONS", "19000"),
    ("CONNECTIONS_PER_ADDRESS", "19000"),
    ("MAILBOX_ENVELOPES", "1000000"),
    ("LOG", "warn"),
];
