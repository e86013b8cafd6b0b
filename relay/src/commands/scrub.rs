//! `scrub`: reads everything that is kept and says what is damaged.

use lightproof_relay::control::Relay;

use super::{Failure, json, options::Place};

pub(crate) fn scrub(place: &Place, as_json: bool) -> Result<(), Failure> {
    let report = Relay::of(&place.config()?.data)?.scrub()?;
    if as_json {
        json(&report)?;
    } else {
        println!("read   {} rows, {} blobs", report.rows, report.blobs);
        for (table, count) in &report.damaged_rows {
            println!("wrong  {count} damaged rows of {table}");
        }
        for (fault, count) in &report.faults {
            println!("wrong  {fault}: {count}");
        }
    }
    if report.is_well() {
        return Ok(());
    }
    let hint = "what is damaged is never delivered; see \"When something breaks\" in docs/operate.md";
    Err(Failure::failed("something that is kept is damaged", hint))
}
