//! What the disk allows: groups of envelopes appended and synced, and the same committed by a bare redb.

use std::{
    fs::File,
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use lightproof_wire::limits::ENVELOPE_BYTES;
use redb::{Database, Durability, TableDefinition};

use crate::{error::BenchError, material::Noise};

const VALUES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("values");
/// As large as the relay's own by default.
const CACHE_BYTES: usize = 16 << 20;

/// A redb with envelopes and nothing else.
pub(crate) struct BareRedb {
    database: Database,
    noise: Noise,
    value: Vec<u8>,
}

impl BareRedb {
    pub(crate) fn create(folder: &Path) -> Result<Self, BenchError> {
        let mut builder = Database::builder();
        let database = builder.set_cache_size(CACHE_BYTES).create(folder.join("bare.redb"));
        let mut noise = Noise(3);
        let value = noise.bytes(ENVELOPE_BYTES);
        let bare = Self { database: database.map_err(BenchError::wrong)?, noise, value };
        Ok(bare)
    }

    /// One two-phase commit of so many envelopes under random keys, in seconds.
    pub(crate) fn commit(&mut self, count: usize) -> Result<f64, BenchError> {
        let start = Instant::now();
        self.try_commit(count).map_err(BenchError::wrong)?;
        Ok(start.elapsed().as_secs_f64())
    }

    fn try_commit(&mut self, count: usize) -> Result<(), redb::Error> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        transaction.set_quick_repair(true);
        {
            let mut table = transaction.open_table(VALUES)?;
            for _ in 0..count {
                let key = self.noise.bytes(40);
                table.insert(key.as_slice(), self.value.as_slice())?;
            }
        }
        transaction.commit()?;
        Ok(())
    }
}

/// Envelopes per second in groups, for some time.
pub(crate) fn per_second(
    time: Duration,
    group: usize,
    mut commit: impl FnMut(usize) -> Result<f64, BenchError>,
) -> Result<f64, BenchError> {
    let (start, mut count) = (Instant::now(), 0_u32);
    while start.elapsed() < time {
        commit(group)?;
        count = count.saturating_add(u32::try_from(group).map_err(BenchError::wrong)?);
    }
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}

/// A file that only grows.
pub(crate) struct Appended {
    file: File,
    value: Vec<u8>,
}

impl Appended {
    pub(crate) fn create(folder: &Path) -> Result<Self, BenchError> {
        let file = File::create(folder.join("appended")).map_err(BenchError::at("appended"))?;
        Ok(Self { file, value: Noise(4).bytes(ENVELOPE_BYTES) })
    }

    /// So many envelopes appended and one `fdatasync`, in seconds.
    pub(crate) fn commit(&mut self, count: usize) -> Result<f64, BenchError> {
        let start = Instant::now();
        for _ in 0..count {
            self.file.write_all(&self.value).map_err(BenchError::at("appended"))?;
        }
        self.file.sync_data().map_err(BenchError::at("appended"))?;
        Ok(start.elapsed().as_secs_f64())
    }
}
