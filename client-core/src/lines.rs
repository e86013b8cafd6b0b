//! Lines: which frame of a peer stands where, what is missing, and what our ack covers.

use lightproof_e2ee::{
    frame::{Frame, LineAck, LineId, MessageId, NO_FRAME},
    identity::Fingerprint,
};
use lightproof_wire::{
    codec::{List, TlsDeserialize, TlsSerialize, TlsSize},
    hash::Digest,
    time::Timestamp,
};

use crate::{
    contact::{Contact, OurLine, Place, TheirLine},
    error::ClientError,
    message::{Direction, Message, State},
    untold::Untold,
    vault::{
        Turn,
        record::Record,
        store::{Store, Table},
    },
};

/// A frame that was received, by its place.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerialize, TlsDeserialize, TlsSize)]
pub(crate) struct FrameRecord {
    contact: Fingerprint,
    line: LineId,
    index: u64,
    digest: Digest,
    previous: Digest,
    message_id: MessageId,
}

impl Record for FrameRecord {
    const TABLE: Table = Table::Frames;

    fn id(&self) -> Vec<u8> {
        record_id(&self.contact, self.line, self.index)
    }
}

fn record_id(contact: &Fingerprint, line: LineId, index: u64) -> Vec<u8> {
    [contact.as_bytes().as_slice(), &line.0, &index.to_be_bytes()].concat()
}

/// What is acked of a split line, in which two homes sign frames: a place that neither has reached.
pub(crate) const SPLIT: u64 = u64::MAX;

/// What a verified frame is in its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// New, and its neighbours agree.
    Fresh {
        /// The first frame of another line than before.
        new_line: bool,
    },
    /// The same body as before, sealed again.
    Repeated,
    /// A second, different body for one place, or a neighbour that contradicts: an alarm.
    Contradicts,
}

/// Finds the place of a frame in its sender's line and, if it is fresh, takes it.
pub(crate) async fn place<S: Store>(
    turn: &mut Turn<'_, S>,
    contact: &mut Contact,
    frame: &Frame,
    digest: Digest,
    now: Timestamp,
) -> Result<(Standing, Option<FrameRecord>), ClientError> {
    let fingerprint = contact.fingerprint;
    let at = |index| record_id(&fingerprint, frame.line, index);
    let same: Option<FrameRecord> = turn.get(&at(frame.index)).await?;
    if let Some(same) = same {
        return Ok((if same.digest == digest { Standing::Repeated } else { Standing::Contradicts }, None));
    }
    let before: Option<FrameRecord> = turn.get(&at(frame.index.saturating_sub(1))).await?;
    let after: Option<FrameRecord> = turn.get(&at(frame.index.saturating_add(1))).await?;
    let previous_fits = match before {
        Some(before) => before.digest == frame.previous,
        None => frame.index != 1 || frame.previous == NO_FRAME,
    };
    if !previous_fits || after.is_some_and(|after| after.previous != digest) {
        return Ok((Standing::Contradicts, None));
    }
    let (mut line, new_line) = take_line(contact, frame.line, now);
    line.highest = line.highest.max(frame.index);
    line.received = line.received.saturating_add(1);
    // From the frames, not only from the line: a contact removed and added again has frames of a line that seems new.
    while let Some(next) = line.contiguous.checked_add(1) {
        if next != frame.index && turn.get::<FrameRecord>(&at(next)).await?.is_none() {
            break;
        }
        line.contiguous = next;
    }
    put_line(contact, line);
    let record = FrameRecord {
        contact: contact.fingerprint,
        line: frame.line,
        index: frame.index,
        digest,
        previous: frame.previous,
        message_id: frame.message_id,
    };
    Ok((Standing::Fresh { new_line }, Some(record)))
}

/// Forgets every frame of a contact: what they say again is new.
pub(crate) async fn forget<S: Store>(turn: &mut Turn<'_, S>, contact: &Fingerprint) -> Result<(), ClientError> {
    for record in turn.scan::<FrameRecord>().await?.iter().filter(|record| record.contact == *contact) {
        turn.delete(record);
    }
    Ok(())
}

/// Forgets what a request brought to lines of before, so that it may come again: its messages, and what stands behind one in
/// its line and is no message of before. None of it was acked, for nothing was sent meanwhile.
pub(crate) async fn forget_since<S: Store>(
    turn: &mut Turn<'_, S>,
    contact: &mut Contact,
    before: &[Message],
    since: &[Message],
) -> Result<(), ClientError> {
    let mut frames: Vec<FrameRecord> = turn.scan().await?;
    frames.retain(|frame| frame.contact == contact.fingerprint);
    let mut lines = core::mem::take(&mut contact.theirs).into_vec();
    for line in &mut lines {
        let of_request = since.iter().filter(|message| message.line == line.line);
        let Some(first) = of_request.map(|message| message.index).min() else { continue };
        let is_kept = |frame: &&FrameRecord| {
            frame.index < first || before.iter().any(|message| message.message_id == frame.message_id)
        };
        let (kept, gone): (Vec<_>, Vec<_>) = frames.iter().filter(|frame| frame.line == line.line).partition(is_kept);
        line.contiguous = line.contiguous.min(first.saturating_sub(1));
        line.highest = kept.iter().map(|frame| frame.index).max().unwrap_or(0);
        for frame in gone {
            line.received = line.received.saturating_sub(1);
            turn.delete(frame);
        }
    }
    lines.retain(|line| line.received > 0);
    contact.theirs = List::new(lines).unwrap_or_default();
    Ok(())
}

impl Contact {
    /// How far we have their newest line.
    #[must_use]
    pub fn ack(&self) -> LineAck {
        self.theirs
            .iter()
            .next_back()
            .map(|line| LineAck { line: line.line, index: line.contiguous })
            .unwrap_or_default()
    }

    /// Two homes sign frames for this line, and are to leave it. Whether that is new.
    pub(crate) fn split(&mut self, line: LineId) -> bool {
        let mut lines = core::mem::take(&mut self.theirs).into_vec();
        let known = lines.iter_mut().find(|known| known.line == line);
        let before = known.map(|known| core::mem::replace(&mut known.contiguous, SPLIT));
        self.theirs = List::new(lines).unwrap_or_default();
        before != Some(SPLIT)
    }

    /// Whether a place is before a frame that was just taken: in its line, or in one that was seen before its line.
    #[must_use]
    pub(crate) fn is_before(&self, place: Place, frame: &Frame) -> bool {
        let line = |line: LineId| self.theirs.iter().find(|known| known.line == line);
        if place.line == frame.line {
            place.index < frame.index
        } else if place == Place::HELLO {
            // Which frames were signed before a Hello is not known: the last of a line is likelier not to be.
            line(frame.line).is_some_and(|line| line.highest == frame.index)
        } else {
            line(place.line).map(|line| line.since) < line(frame.line).map(|line| line.since)
        }
    }

    /// The moment a line is first seen, whatever the clock has done since the others were.
    fn after_all_lines(&self, now: Timestamp) -> Timestamp {
        self.theirs.iter().fold(now, |after, line| after.max(line.since.plus_ms(1)))
    }

    /// This vault is an old copy: the next frame begins another line. Tells of messages in the one that is left of which nothing
    /// has proved that they came: an ack of their places may be of what the other copy sent there.
    pub(crate) fn leave_line(&mut self, messages: &[Message]) -> Option<Untold> {
        let is_doubtful = |message: &&Message| {
            message.contact == self.fingerprint
                && message.direction == Direction::Out
                && message.line == self.ours.line
                && message.index > self.ours.acked
                && matches!(message.state, State::Outbox | State::Deposited)
        };
        let count = messages.iter().filter(is_doubtful).fold(0_u64, |count, _| count.saturating_add(1));
        self.ours = OurLine::NONE;
        (count > 0).then_some(Untold::Doubtful(self.fingerprint, count))
    }

    /// How many frames of theirs came.
    #[must_use]
    pub(crate) fn received(&self) -> u64 {
        self.theirs.iter().fold(0, |sum, line| sum.saturating_add(line.received))
    }

    /// Frames of theirs that are missing before one that came.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.theirs.iter().fold(0, |sum, line| sum.saturating_add(line.highest.saturating_sub(line.received)))
    }
}

fn take_line(contact: &mut Contact, line: LineId, now: Timestamp) -> (TheirLine, bool) {
    match contact.theirs.iter().find(|known| known.line == line) {
        Some(known) => (known.clone(), false),
        None => (
            TheirLine { line, contiguous: 0, highest: 0, received: 0, since: contact.after_all_lines(now) },
            !contact.theirs.as_slice().is_empty(),
        ),
    }
}

/// The line just written to stands last: that is the one we ack.
fn put_line(contact: &mut Contact, line: TheirLine) {
    let mut lines = core::mem::take(&mut contact.theirs).into_vec();
    lines.retain(|known| known.line != line.line);
    if lines.len() >= 60 {
        lines.remove(0);
    }
    lines.push(line);
    contact.theirs = List::new(lines).unwrap_or_default();
}

#[cfg(test)]
mod tests;
