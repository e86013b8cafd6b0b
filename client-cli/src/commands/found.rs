//! What was found in a photo beside its picture: in words, a line for each kind of thing, and one by one for programs.

use lightproof_core::prepare::{Fate, Removed, RemovedGroup};

use crate::output::event;

/// What was found and has this fate, in words. A colour profile belongs to the picture.
pub(super) fn in_words(found: &[Removed], fate: Fate) -> Vec<String> {
    let mut lines: Vec<(RemovedGroup, Vec<String>)> = Vec::new();
    let is_told = |found: &&Removed| found.fate == fate && found.group != RemovedGroup::NotInspected;
    for found in found.iter().filter(is_told).filter(|found| found.group != RemovedGroup::ColourProfile) {
        let words = words(found);
        match lines.iter_mut().find(|(group, _)| *group == found.group) {
            // The same date stands in a photo three times.
            Some((_, told)) if told.contains(&words) => {}
            Some((_, told)) => told.push(words),
            None => lines.push((found.group, vec![words])),
        }
    }
    lines.sort();
    lines.into_iter().map(|(group, told)| format!("{}: {}", group.name(), told.join(", "))).collect()
}

/// One thing: its value, after a plain name where the value alone does not say what it is.
fn words(Removed { key, detail, .. }: &Removed) -> String {
    let name = plain_name(key);
    match (name.is_empty(), detail.is_empty()) {
        (true, false) => detail.clone(),
        (true, true) => key.clone(),
        (false, true) => name.to_owned(),
        (false, false) => format!("{name} {detail}"),
    }
}

/// What people call the fields that are met most; the others keep the name of their standard.
fn plain_name(key: &str) -> &str {
    match key {
        "GPSPosition" | "XMP GPSPosition" | "Make" | "Model" | "Artist" | "XMP creator" | "IPTC By-line"
        | "DateTime" | "DateTimeOriginal" | "DateTimeDigitized" | "Software" | "XMP CreatorTool" | "comment"
        | "UserComment" | "ImageDescription" | "EXIF thumbnail" | "bytes" => "",
        "GPSAltitude" => "altitude",
        "BodySerialNumber" | "MakerNote SerialNumber" | "XMP SerialNumber" => "serial number",
        "LensSerialNumber" => "lens serial number",
        "LensModel" => "lens",
        "CameraOwnerName" | "MakerNote OwnerName" | "XMP OwnerName" => "owner",
        "MakerNote" => "maker's notes",
        _ => key,
    }
}

/// Everything that was found, one by one.
pub(super) fn listed(found: &[Removed]) -> Vec<event::Found> {
    let listed = |found: &Removed| event::Found {
        group: found.group.name(),
        key: found.key.clone(),
        value: found.detail.clone(),
        fate: match found.fate {
            Fate::Kept => "kept",
            Fate::Removed => "removed",
        },
    };
    found.iter().map(listed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(group: RemovedGroup, key: &str, detail: &str) -> Removed {
        Removed { group, fate: Fate::Removed, key: key.to_owned(), detail: detail.to_owned() }
    }

    #[test]
    fn each_kind_of_thing_has_a_line_of_plain_words() {
        let found = [
            found(RemovedGroup::TrailingBytes, "video", "4.1 MB"),
            found(RemovedGroup::Location, "GPSPosition", "28.5600 N 80.5800 W"),
            found(RemovedGroup::Location, "GPSAltitude", "3 m"),
            found(RemovedGroup::Camera, "BodySerialNumber", "SN-7"),
            found(RemovedGroup::Author, "CameraOwnerName", "Alice"),
            found(RemovedGroup::Date, "DateTime", "2026-02-11 15:03:00"),
            found(RemovedGroup::Date, "DateTimeOriginal", "2026-02-11 15:03:00"),
            found(RemovedGroup::Thumbnail, "EXIF thumbnail", "160 x 120, 2.8 kB"),
            found(RemovedGroup::ColourProfile, "ICC", "560 bytes"),
            found(RemovedGroup::OtherMetadata, "XMP", ""),
            Removed { fate: Fate::Kept, ..found(RemovedGroup::Comment, "comment", "stays") },
        ];
        assert_eq!(
            in_words(&found, Fate::Removed),
            [
                "location: 28.5600 N 80.5800 W, altitude 3 m",
                "camera: serial number SN-7",
                "author: owner Alice",
                "date: 2026-02-11 15:03:00",
                "thumbnail: 160 x 120, 2.8 kB",
                "trailing bytes: video 4.1 MB",
                "other metadata: XMP",
            ]
        );
        assert_eq!(in_words(&found, Fate::Kept), ["comment: stays"]);
        assert_eq!((listed(&found).len(), listed(&found)[10].fate), (11, "kept"));
    }
}
