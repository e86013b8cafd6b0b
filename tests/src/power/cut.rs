//! The moments at which the power may go, and what each could leave behind.

use super::{
    chance::Chance,
    disk::{Disk, Entry},
    image::Image,
};

/// Up to this many writes since the last sync, every subset of them is tried.
const EVERY_SUBSET: usize = 10;

/// A moment just before the end of a sync, or after everything.
#[derive(Clone, Debug)]
pub struct Cut {
    /// What is on disk for certain.
    pub synced: Image,
    /// What was written since.
    pub unsynced: Vec<Entry>,
    /// The last thing promised before.
    pub promised: Option<usize>,
}

/// How much of the unsynced is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Depth {
    /// Up to this many writes, every subset; at most 10.
    pub every_subset: usize,
    /// Beyond, so many subsets.
    pub samples: usize,
}

/// What one moment could leave behind, and how it was made.
#[derive(Clone, Debug)]
pub struct Left {
    /// The disk.
    pub image: Image,
    /// Whether single sectors of writes are missing.
    pub is_torn: bool,
}

/// Every moment in what has happened to a disk.
#[must_use]
pub fn cuts(disk: &Disk) -> Vec<Cut> {
    let (mut synced, journal) = disk.journal();
    let (mut cuts, mut unsynced, mut promised) = (Vec::new(), Vec::new(), None);
    for entry in journal {
        match entry {
            Entry::Lost(file) => {
                cuts.push(Cut { synced: synced.clone(), unsynced: unsynced.clone(), promised });
                unsynced.retain(|entry| entry.file() != Some(file));
            }
            Entry::Promise(number) => promised = Some(number),
            Entry::Sync(file) => {
                cuts.push(Cut { synced: synced.clone(), unsynced: unsynced.clone(), promised });
                unsynced
                    .extract_if(.., |entry| entry.file() == Some(file))
                    .for_each(|entry| apply(&mut synced, &entry));
            }
            change => unsynced.push(change),
        }
    }
    cuts.push(Cut { synced, unsynced, promised });
    cuts
}

impl Cut {
    /// What the disk may hold after the power came back: whole writes in every or in sampled subsets, and a third as
    /// many again with torn sectors.
    pub fn images(&self, depth: Depth, chance: &mut Chance) -> Vec<Left> {
        let count = self.unsynced.len();
        let mut all = Vec::new();
        if count <= depth.every_subset.min(EVERY_SUBSET) {
            all.extend((0_u64..1 << count).map(|subset| self.left(|at| subset >> at & 1 == 1)));
        } else {
            // The two ends, each often the hardest, then whatever chance gives.
            all.extend([self.left(|_| false), self.left(|_| true)]);
            for _ in 2..depth.samples.max(2) {
                let often = 1 + chance.below(8);
                let kept: Vec<bool> = (0..count).map(|_| chance.below(9) < often).collect();
                all.push(self.left(|at| kept.get(at) == Some(&true)));
            }
        }
        if count > 0 {
            all.extend((0..all.len().div_ceil(3)).map(|_| self.torn(chance)));
        }
        all
    }

    fn left(&self, keeps: impl Fn(usize) -> bool) -> Left {
        let mut image = self.synced.clone();
        for (_, entry) in self.unsynced.iter().enumerate().filter(|(at, _)| keeps(*at)) {
            apply(&mut image, entry);
        }
        Left { image, is_torn: false }
    }

    /// Writes in any order, sector by sector, some of them missing.
    fn torn(&self, chance: &mut Chance) -> Left {
        let sector_bytes = if chance.one_in(2) { 512 } else { 4_096 };
        let mut sectors = Vec::new();
        for entry in &self.unsynced {
            match entry {
                Entry::Write(file, offset, bytes) => sectors.extend(split(*file, *offset, bytes, sector_bytes)),
                Entry::Length(..) => sectors.push(entry.clone()),
                Entry::Lost(_) | Entry::Promise(_) | Entry::Sync(_) => {}
            }
        }
        let often = 1 + chance.below(8);
        let mut kept: Vec<Entry> = sectors.into_iter().filter(|_| chance.below(9) < often).collect();
        if chance.one_in(2) {
            shuffle(&mut kept, chance);
        }
        let mut image = self.synced.clone();
        kept.iter().for_each(|entry| apply(&mut image, entry));
        Left { image, is_torn: true }
    }
}

fn split(file: usize, offset: u64, bytes: &[u8], sector_bytes: u64) -> Vec<Entry> {
    let (mut at, mut rest, mut sectors) = (offset, bytes, Vec::new());
    while !rest.is_empty() {
        let room = usize::try_from(sector_bytes - at % sector_bytes).unwrap_or(usize::MAX);
        let (now, later) = rest.split_at(rest.len().min(room));
        sectors.push(Entry::Write(file, at, now.into()));
        at += now.len() as u64;
        rest = later;
    }
    sectors
}

fn shuffle(entries: &mut [Entry], chance: &mut Chance) {
    for last in (1..entries.len()).rev() {
        let other = usize::try_from(chance.below(last as u64 + 1)).unwrap_or_default();
        entries.swap(last, other);
    }
}

fn apply(image: &mut Image, entry: &Entry) {
    let Some(content) = entry.file().and_then(|file| image.0.get_mut(file)) else { return };
    match entry {
        Entry::Write(_, offset, bytes) => content.write(*offset, bytes),
        Entry::Length(_, length_bytes) => content.set_length(*length_bytes),
        Entry::Lost(_) | Entry::Promise(_) | Entry::Sync(_) => {}
    }
}

/// What a disk holds that said "synced" and did not sync: of the last writes before a cut at any moment, any are lost,
/// whatever was synced between them.
#[must_use]
pub fn lied(disk: &Disk, chance: &mut Chance) -> Image {
    let (mut image, journal) = disk.journal();
    let end = usize::try_from(chance.below(journal.len() as u64 + 1)).unwrap_or_default();
    let cached = usize::try_from(1 + chance.below(64)).unwrap_or_default();
    for (at, entry) in journal.iter().take(end).enumerate() {
        if at + cached < end || chance.one_in(2) {
            apply(&mut image, entry);
        }
    }
    image
}
