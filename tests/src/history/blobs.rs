//! Blobs and prekeys: committed is whole for every reader until that reader lets go; a one-time prekey is given once.

use std::collections::{BTreeMap, BTreeSet};

use super::{Event, Violation};

/// Everything wrong with blobs and prekeys.
pub(super) fn check(log: &[Event]) -> Vec<Violation> {
    let (mut found, mut given, mut content, mut released) =
        (Vec::new(), BTreeSet::new(), BTreeMap::new(), BTreeSet::new());
    for event in log {
        match *event {
            Event::Given(doorbell, prekey) => {
                let is_new = given.insert((doorbell, prekey));
                found.extend((!is_new).then_some(Violation::GivenTwice(prekey)));
            }
            Event::Committed(blob, hash) => {
                content.insert(blob, hash);
            }
            Event::Released(blob, reader) => {
                released.insert((blob, reader));
            }
            Event::Read(blob, reader, got) => {
                let Some(committed) = content.get(&blob) else { continue };
                match got {
                    Some(got) if got != *committed => found.push(Violation::Changed(*committed)),
                    None if !released.contains(&(blob, reader)) => found.push(Violation::Lost(*committed)),
                    Some(_) | None => {}
                }
            }
            _ => {}
        }
    }
    found
}
