//! XMP (ISO 16684-1): what its properties say, by group. Read with leniency: whatever looks like a property is one.

use super::{
    Carrier, Found, RemovedGroup,
    human::{bytes_of, position},
};

/// Reports a packet.
pub(super) fn report(packet: &[u8], carrier: Carrier, found: &mut Vec<Found>) {
    let text = String::from_utf8_lossy(packet);
    let properties = properties(&text);
    let half = |name: &str| properties.iter().find(|(key, _)| *key == name).and_then(|(_, value)| degrees(value));
    let position = half("GPSLatitude").zip(half("GPSLongitude")).and_then(|(north, east)| position(north, east));
    if let Some(position) = &position {
        found.push(Found::new(carrier, RemovedGroup::Location, "XMP GPSPosition", position));
    }
    let mut told: Vec<(&str, &str)> = Vec::new();
    for (name, value) in &properties {
        let is_half = position.is_some() && matches!(*name, "GPSLatitude" | "GPSLongitude");
        if let Some(group) = group(name).filter(|_| !is_half && !told.contains(&(name, value))) {
            told.push((name, value));
            let is_data = group == RemovedGroup::Thumbnail || group == RemovedGroup::Frames;
            let value = if is_data { bytes_of((value.len() / 4).saturating_mul(3)) } else { plain(value) };
            found.push(Found::new(carrier, group, format!("XMP {name}"), value));
        }
    }
    found.push(Found::new(carrier, RemovedGroup::OtherMetadata, "XMP", bytes_of(packet.len())));
}

/// Local names of properties with their values: attributes, and text inside of elements.
fn properties(text: &str) -> Vec<(&str, &str)> {
    let (mut properties, mut open): (Vec<(&str, &str)>, Vec<&str>) = (Vec::new(), Vec::new());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<').filter(|_| properties.len() < MAX_PROPERTIES) {
        if let Some(name) = open.iter().rev().find(|name| !is_structure(name)).filter(|_| !before.trim().is_empty()) {
            properties.push((name, before.trim()));
        }
        let Some((tag, after)) = after.split_once('>') else { break };
        rest = after;
        if tag.starts_with(['?', '!']) {
            continue;
        }
        if tag.starts_with('/') {
            open.pop();
            continue;
        }
        let name_end = tag.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(tag.len());
        let (name, attributes) = tag.split_at_checked(name_end).unwrap_or_default();
        attributes_of(attributes, &mut properties);
        if !tag.ends_with('/') && open.len() < MAX_DEPTH {
            open.push(local(name));
        }
    }
    properties
}

fn attributes_of<'a>(mut text: &'a str, properties: &mut Vec<(&'a str, &'a str)>) {
    while let Some((name, after)) = text.split_once('=') {
        let after = after.trim_start();
        let Some(quote) = after.chars().next().filter(|c| matches!(c, '"' | '\'')) else { return };
        let Some((value, rest)) = after.get(1..).and_then(|after| after.split_once(quote)) else { return };
        if !value.trim().is_empty() {
            properties.push((local(name.trim()), value.trim()));
        }
        text = rest;
    }
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// RDF's own elements, which hold values and mean nothing.
fn is_structure(name: &str) -> bool {
    matches!(name, "li" | "Alt" | "Seq" | "Bag" | "Description" | "RDF" | "xmpmeta" | "value")
}

/// The five entities of XML.
fn plain(value: &str) -> String {
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")]
        .iter()
        .fold(value.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

/// `28,33.6N` or `28,33,36N`.
fn degrees(value: &str) -> Option<(f64, char)> {
    let side = value.chars().next_back().filter(|c| matches!(c, 'N' | 'S' | 'E' | 'W'))?;
    let numbers = value.trim_end_matches(side).split(',').map(|part| part.trim().parse::<f64>().ok());
    let degrees = numbers.zip([1.0, 60.0, 3600.0]).map(|(part, unit)| part.map(|part| part / unit));
    degrees.sum::<Option<f64>>().map(|degrees| (degrees, side))
}

fn group(name: &str) -> Option<RemovedGroup> {
    use RemovedGroup::{Author, Camera, Comment, Date, Frames, Location, Software, Thumbnail};
    Some(match name {
        "City" | "State" | "ProvinceState" | "Country" | "CountryName" | "CountryCode" | "Location" | "Sublocation"
        | "LocationName" | "WorldRegion" => Location,
        _ if name.starts_with("GPS") && name != "GPSVersionID" => Location,
        "Make" | "Model" | "Lens" | "LensModel" | "ImageUniqueID" => Camera,
        _ if name.ends_with("SerialNumber") || name.ends_with("LensID") => Camera,
        "creator" | "Artist" | "Owner" | "OwnerName" | "CameraOwnerName" | "rights" | "Credit" | "AuthorsPosition"
        | "CaptionWriter" => Author,
        _ if name.starts_with("Ci") && (name.ends_with("Work") || name.starts_with("CiAdr")) => Author,
        "CreateDate" | "ModifyDate" | "MetadataDate" | "DateCreated" | "DateTimeOriginal" | "DateTimeDigitized"
        | "when" => Date,
        "description"
        | "title"
        | "subject"
        | "Headline"
        | "Instructions"
        | "UserComment"
        | "hierarchicalSubject"
        | "PersonInImage"
        | "Name"
        | "Label" => Comment,
        "CreatorTool" | "softwareAgent" | "DocumentID" | "OriginalDocumentID" | "InstanceID" => Software,
        "image" => Thumbnail,
        "Data" => Frames,
        _ => return None,
    })
}

/// Real packets have some dozens.
const MAX_PROPERTIES: usize = 1_000;
const MAX_DEPTH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_and_elements_are_properties() {
        let packet = r#"<?xpacket begin=""?><x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF><rdf:Description
            photoshop:City="Grindelwald" exif:GPSLatitude="46,37.5N" exif:GPSLongitude="8,2.4E" aux:SerialNumber='77&amp;8'>
            <dc:creator><rdf:Seq><rdf:li>Alice</rdf:li><rdf:li>Bob</rdf:li></rdf:Seq></dc:creator>
            <xmp:CreateDate>2026-06-21</xmp:CreateDate><tiff:Make/>
            <xmpMM:History><rdf:Seq><rdf:li stEvt:softwareAgent="Editor 3"/></rdf:Seq></xmpMM:History>
            <xmpGImg:image>QUJDREVGR0g=</xmpGImg:image></rdf:Description></rdf:RDF></x:xmpmeta>"#;
        let mut found = Vec::new();
        report(packet.as_bytes(), Carrier::Xmp, &mut found);
        let lines: Vec<String> =
            found.iter().map(|found| format!("{}: {} {}", found.group.name(), found.key, found.detail)).collect();
        let size = lines.last().unwrap();
        assert!(size.starts_with("other metadata: XMP "), "{size}");
        assert_eq!(
            lines[..lines.len() - 1],
            [
                "location: XMP GPSPosition 46.6250 N 8.0400 E",
                "location: XMP City Grindelwald",
                "camera: XMP SerialNumber 77&8",
                "author: XMP creator Alice",
                "author: XMP creator Bob",
                "date: XMP CreateDate 2026-06-21",
                "software: XMP softwareAgent Editor 3",
                "thumbnail: XMP image 9 bytes",
            ]
        );
    }

    #[test]
    fn no_text_between_angles_is_too_odd_to_read() {
        for text in
            ["", "<", "<a", "<a b", "<a b=", "<a b='", "<a b='c", "</a></b>", "<é='ü'>x", "<:>y<", "<a/>=", "x>"]
        {
            let mut found = Vec::new();
            report(text.as_bytes(), Carrier::Xmp, &mut found);
            assert_eq!(found.len(), 1, "{text}");
        }
        let deep = "<a><rdf:li>".repeat(100_000);
        assert!(properties(&deep).is_empty());
    }
}
