//! Gives free slots back to the file system: what lies far back in the file of slots moves to the front of it, a few between
//! two commits, and then the file is cut.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use redb::ReadableDatabase as _;

use super::{
    LAST_KEY, Step, StoreUnavailable, Table,
    bulk::slot_of,
    compact::{Live, PAUSE, rest_after},
    disk::{definition, range_in},
    slots::Slots,
};

/// Rows looked at between two commits, and bulks moved: few enough that a deposit hardly waits for them.
const LOOK_COUNT: usize = 2_048;
const MOVE_COUNT: usize = 64;

/// What the writer does about free slots.
#[derive(Default)]
pub(super) struct Packing {
    pack: Option<Pack>,
    is_packed: bool,
    not_before: Option<Instant>,
}

impl Packing {
    /// For how long it leaves the writer alone; `None` while nothing moves.
    pub(super) fn resting(&self) -> Option<Duration> {
        self.pack.as_ref().map(|pack| pack.rests_until.saturating_duration_since(Instant::now()))
    }

    /// A step that moves some bulks, if it is their turn. Whatever goes wrong ends the packing and nothing else.
    pub(super) fn turn(&mut self, live: &Live, slots: &mut Slots) -> Option<Step> {
        self.begin(live, slots);
        let step = self.step(live);
        self.cut(live, slots);
        step
    }

    fn step(&mut self, live: &Live) -> Option<Step> {
        let pack = self.pack.as_mut().filter(|pack| pack.rests_until <= Instant::now())?;
        // redb trusts much of what it reads, and a damaged page must not end a relay that never needs it.
        let progress = catch_unwind(AssertUnwindSafe(|| pack.some(live)));
        match progress.unwrap_or_else(|_| Err(StoreUnavailable::because("the file is damaged"))) {
            Ok(Progress::Move(step)) => return Some(step),
            Ok(Progress::Nothing) => return None,
            Ok(Progress::Done) => self.is_packed = true,
            Err(error) => tracing::warn!(%error, "unused space was not given back; it is tried again later"),
        }
        self.pack = None;
        None
    }

    /// How long the step took that it gave.
    pub(super) fn moved(&mut self, took: Duration) {
        if let Some(pack) = &mut self.pack {
            pack.rests_until = rest_after(took);
        }
    }

    fn begin(&mut self, live: &Live, slots: &Slots) {
        let early = self.not_before.is_some_and(|not_before| Instant::now() < not_before);
        if live.bulk.take_wanted() && !early && self.pack.is_none() {
            self.pack = Some(Pack { end: slots.taken_count(), from: Vec::new(), rests_until: Instant::now() });
            self.not_before = Instant::now().checked_add(PAUSE);
        }
    }

    /// As far as nobody reads any more; what somebody reads goes after a later commit.
    fn cut(&mut self, live: &Live, slots: &mut Slots) {
        if !self.is_packed {
            return;
        }
        self.is_packed = slots.is_waiting();
        if let Err(error) = live.bulk.cut(slots.end()) {
            tracing::warn!(%error, "unused space was not given back; it is tried again later");
        }
    }
}

enum Progress {
    Move(Step),
    Nothing,
    Done,
}

/// One walk over all rows that have a bulk.
struct Pack {
    /// So many slots are enough for all.
    end: u32,
    from: Vec<u8>,
    rests_until: Instant,
}

impl Pack {
    fn some(&mut self, live: &Live) -> Result<Progress, StoreUnavailable> {
        let began = Instant::now();
        let transaction = live.current().begin_read().map_err(StoreUnavailable::because)?;
        let rows = transaction.open_table(definition(TABLE)).map_err(StoreUnavailable::because)?;
        let rows = range_in(&rows, &self.from, &LAST_KEY, LOOK_COUNT)?;
        let (mut keys, mut seen_count) = (Vec::new(), 0);
        for (key, stored) in &rows {
            if slot_of(TABLE, key, stored).is_some_and(|slot| slot >= self.end) {
                if keys.len() == MOVE_COUNT {
                    break;
                }
                keys.push(key.clone());
            }
            self.from = [key.as_slice(), &[0]].concat();
            seen_count += 1;
        }
        self.rests_until = rest_after(began.elapsed());
        match () {
            () if !keys.is_empty() => Ok(Progress::Move(again(keys))),
            () if seen_count < LOOK_COUNT => Ok(Progress::Done),
            () => Ok(Progress::Nothing),
        }
    }
}

/// The one table whose rows have a bulk.
const TABLE: Table = Table::Envelopes;

/// Puts rows once more as they are: a bulk gets the first slot that is free.
fn again(keys: Vec<Vec<u8>>) -> Step {
    Box::new(move |rows| {
        for key in keys {
            // One that cannot be read stays where it is: perhaps it can be another time.
            if let Some(value) = rows.get(TABLE, &key)?.filter(|value| value.len() >= TABLE.bulk_bytes()) {
                rows.put(TABLE, &key, &value)?;
            }
        }
        Ok(Box::new(|| {}))
    })
}
