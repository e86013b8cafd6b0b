//! What an independent reader of metadata finds in what is sent (exiftool), where it is installed.

use std::{fs, process::Command};

use super::super::format::Format;
use super::fixtures::{marked, plain_jpeg, scene};

/// Lines of exiftool that tell of nothing but the picture: group, and names, or none for all of the group.
const BARE: &[(&str, &[&str])] = &[
    ("ExifTool", &["ExifToolVersion"]),
    ("System", &[]),
    (
        "File",
        &[
            "FileType",
            "FileTypeExtension",
            "MIMEType",
            "ExifByteOrder",
            "ImageWidth",
            "ImageHeight",
            "EncodingProcess",
            "BitsPerSample",
            "ColorComponents",
            "YCbCrSubSampling",
        ],
    ),
    ("JFIF", &["JFIFVersion", "ResolutionUnit", "XResolution", "YResolution"]),
    ("Adobe", &["DCTEncodeVersion", "APP14Flags0", "APP14Flags1", "ColorTransform"]),
    ("ICC_Profile", &[]),
    ("IFD0", &["Orientation"]),
    (
        "PNG",
        &[
            "ImageWidth",
            "ImageHeight",
            "BitDepth",
            "ColorType",
            "Compression",
            "Filter",
            "Interlace",
            "Palette",
            "Transparency",
            "ProfileName",
            "Gamma",
            "SRGBRendering",
            "SignificantBits",
            "WhitePointX",
            "WhitePointY",
            "RedX",
            "RedY",
            "GreenX",
            "GreenY",
            "BlueX",
            "BlueY",
        ],
    ),
    ("PNG-cICP", &["ColorPrimaries", "TransferCharacteristics", "MatrixCoefficients", "VideoFullRangeFlag"]),
    (
        "RIFF",
        &[
            "WebP_Flags",
            "ImageWidth",
            "ImageHeight",
            "VP8Version",
            "HorizontalScale",
            "VerticalScale",
            "AlphaIsUsed",
            "AlphaPreprocessing",
            "AlphaFiltering",
            "AlphaCompression",
        ],
    ),
    ("Composite", &["ImageSize", "Megapixels"]),
];

/// Fails where exiftool finds anything else; returns how many files it saw.
pub(super) fn assert_bare(files: &[(String, Vec<u8>)]) -> usize {
    let Some(found) = found_in(files) else { return 0 };
    assert!(found.is_empty(), "{} lines, the first:\n{}", found.len(), found[..found.len().min(20)].join("\n"));
    files.len()
}

/// What exiftool finds beside the picture.
fn found_in(files: &[(String, Vec<u8>)]) -> Option<Vec<String>> {
    if Command::new("exiftool").arg("-ver").output().is_err() {
        eprintln!("skipped: no exiftool to look with");
        return None;
    }
    let folder = std::env::temp_dir().join(format!("lightproof-exiftool-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    for (number, (_, bytes)) in files.iter().enumerate() {
        let extension = Format::of(bytes).unwrap().name().to_lowercase();
        fs::write(folder.join(format!("{number:05}.{extension}")), bytes).unwrap();
    }
    let output = Command::new("exiftool").args(["-a", "-u", "-G1", "-s", "-r"]).arg(&folder).output().unwrap();
    fs::remove_dir_all(&folder).unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    // Only of several files does it say which.
    let (mut name, mut seen, mut found) = ("", 0, Vec::new());
    for line in text.lines() {
        if let Some(path) = line.strip_prefix("======== ") {
            let number: usize = path.rsplit('/').next().unwrap()[..5].parse().unwrap();
            (name, seen) = (&files[number].0, seen + 1);
        } else if line.starts_with('[') && !is_bare(line) && !is_of_a_broken_profile(name, line) {
            found.push(format!("{name}: {line}"));
        }
    }
    assert_eq!(seen, files.len(), "exiftool has not seen everything");
    Some(found)
}

fn is_bare(line: &str) -> bool {
    let (group, rest) = line[1..].split_once(']').unwrap();
    let name = rest.split(':').next().unwrap().trim();
    // The parts of a profile are groups of their own.
    group.starts_with("ICC-")
        || BARE.iter().any(|(bare, names)| *bare == group && (names.is_empty() || names.contains(&name)))
}

/// `original` keeps a profile as it is found, and some of the corpus are broken on purpose.
fn is_of_a_broken_profile(name: &str, line: &str) -> bool {
    let is_broken = ["damaged profile", "cannot be unpacked"].iter().any(|broken| name.contains(broken));
    is_broken && (line.contains("ICC_Profile") || line.contains("iCCP"))
}

#[test]
fn a_planted_tag_is_not_taken_for_the_picture() {
    assert!(is_bare("[File]          ImageWidth                      : 83"));
    assert!(!is_bare("[File]          Comment                         : SECRET"));
    assert!(!is_bare("[IFD0]          Artist                          : Alice"));
    assert!(!is_bare("[ExifTool]      Warning                         : [minor] Trailer data after PNG IEND chunk"));
    let plain = plain_jpeg(&scene(40, 30));
    let files = [("plain".to_owned(), plain.clone()), ("marked".to_owned(), marked(&plain, Format::Jpeg, 6))];
    let Some(found) = found_in(&files) else { return };
    for tag in ["[IFD0]          Artist", "[GPS]           GPSLatitude", "[IFD1]          ThumbnailImage"] {
        assert!(found.iter().any(|line| line.starts_with(&format!("marked: {tag}"))), "{tag} is not in {found:#?}");
    }
    assert!(found.iter().all(|line| line.starts_with("marked")), "{found:#?}");
}
