//! The whole corpus through every treatment: upright, in its right colours, and with nothing else inside.

use std::io::Cursor;

use image::DynamicImage;
use lightproof_e2ee::manifest::Treatment;

use super::super::{
    PrepareError, PrepareOptions, Quality,
    cleaned::{Carry, Cleaned},
    format::Format,
    strip::{Keep, Parts},
};
use super::{
    corpus::{Original, Specimen, all, mean_difference},
    exiftool,
    fixtures::{PHOTOGRAPHS, contains, independent, prepared, real, sent, treated},
};

/// What is in a file, before anything of it is resized or compressed.
pub(super) fn decoded(file: &[u8]) -> Result<DynamicImage, PrepareError> {
    let format = Format::of(file).ok_or(PrepareError::NotAnImage)?;
    let decoded = Cleaned::of(file, format, Carry::Nothing)?.decode(&mut Cursor::new(file), file.to_vec())?;
    let orientation = decoded.orientation;
    let (mut picture, _) = decoded.in_srgb();
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// Each container that takes marks, marked; the turns take turns, and one of each format goes through all.
fn marked() -> Vec<Specimen> {
    let mut marked = Vec::new();
    let mut whole: Vec<Format> = Vec::new();
    for (number, specimen) in all().iter().filter(|specimen| specimen.original == Original::SameData).enumerate() {
        let format = specimen.format();
        if whole.iter().filter(|seen| **seen == format).count() < 2 {
            whole.push(format);
            marked.extend((1..=8).map(|orientation| specimen.marked(orientation)));
        } else {
            marked.push(specimen.marked((number % 8) as u8 + 1));
        }
    }
    marked
}

fn photographs() -> Vec<Specimen> {
    let files = PHOTOGRAPHS.iter().filter_map(|name| Some((*name, real(name)?)));
    files
        .map(|(name, file)| {
            let original = if name.ends_with("bmp") { Original::Png } else { Original::SameData };
            Specimen { name: name.to_owned(), shows: independent(&file), original, file }
        })
        .collect()
}

#[test]
fn every_specimen_shows_its_picture_before_it_is_compressed() {
    let specimens: Vec<Specimen> = all().into_iter().chain(marked()).chain(photographs()).collect();
    let mut wrong = Vec::new();
    let mut worst = 0.0_f64;
    for specimen in &specimens {
        let difference = match decoded(&specimen.file) {
            Ok(picture) if (picture.width(), picture.height()) == (specimen.shows.width(), specimen.shows.height()) => {
                mean_difference(&picture, &specimen.shows)
            }
            Ok(picture) => {
                wrong.push(format!("{}: {} x {}", specimen.name, picture.width(), picture.height()));
                continue;
            }
            Err(refusal) => {
                wrong.push(format!("{}: {refusal}", specimen.name));
                continue;
            }
        };
        worst = worst.max(difference);
        if difference >= 1.0 {
            wrong.push(format!("{}: {difference:.2}", specimen.name));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), specimens.len(), wrong.join("\n"));
    println!("evidence: P20 | {} pictures decoded upright, the worst {worst:.2} CIEDE2000 away | -", specimens.len());
}

#[test]
fn whatever_is_sent_of_the_corpus_is_upright_and_bare() {
    let mut specimens: Vec<(Specimen, Quality)> = all().into_iter().map(|specimen| (specimen, Quality::Auto)).collect();
    specimens.extend(marked().into_iter().map(|specimen| (specimen, Quality::Fixed(85))));
    specimens.extend(photographs().into_iter().map(|specimen| (specimen, Quality::Fixed(85))));
    let mut files = Vec::new();
    for (specimen, quality) in &specimens {
        let name = &specimen.name;
        let options = PrepareOptions { quality: *quality, ..treated(Treatment::Compressed) };
        let photo = prepared(&specimen.file, &options).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        assert_eq!(photo.dimensions(), Some((specimen.shows.width(), specimen.shows.height())), "{name}");
        let bytes = sent(photo);
        let difference = mean_difference(&decoded(&bytes).unwrap(), &specimen.shows);
        assert!(difference < 4.0, "{name} compressed: {difference:.2}");
        files.push((format!("{name} compressed"), bytes));
        if let Some(bytes) = original_of(specimen) {
            files.push((format!("{name} original"), bytes));
        }
        assert!(sent(prepared(&specimen.file, &treated(Treatment::Exact)).unwrap()) == specimen.file, "{name} exact");
    }
    for (name, bytes) in &files {
        let parts = Parts::of(bytes, Format::of(bytes).unwrap()).unwrap().unwrap();
        assert!(parts.trailing.is_empty() && parts.leftovers.is_empty() && parts.xmp.is_none(), "{name}");
        assert!(!contains(bytes, b"SECRET") && !contains(bytes, b"Alice Example"), "{name}");
    }
    let seen = exiftool::assert_bare(&files);
    let count = files.len() + specimens.len();
    println!("evidence: P17 | {count} photos as compressed, original or exact; exiftool saw {seen} of them | -");
}

/// What `original` sends, if it sends this: the same data, or the same pixels.
fn original_of(specimen: &Specimen) -> Option<Vec<u8>> {
    let Specimen { name, file, original, .. } = specimen;
    let photo = match prepared(file, &treated(Treatment::Original)) {
        Ok(photo) => photo,
        Err(refusal) => {
            assert_eq!(*original, Original::Refused, "{name}: {refusal}");
            assert!(matches!(refusal, PrepareError::NoOriginal(_) | PrepareError::Animated(_)), "{name}: {refusal}");
            assert!(refusal.hint().unwrap().contains("--as exact"), "{name}");
            return None;
        }
    };
    let bytes = sent(photo);
    let data = |file: &[u8]| Parts::of(file, specimen.format()).unwrap().unwrap().rebuild(Keep::default()).cut(file);
    match original {
        Original::SameData => assert!(data(&bytes) == data(file), "{name}: other picture data"),
        Original::Png => {
            assert!(Format::of(&bytes) == Some(Format::Png), "{name}");
            assert!(decoded(&bytes).unwrap().to_rgba16() == decoded(file).unwrap().to_rgba16(), "{name}: other pixels");
        }
        Original::Refused => panic!("{name} has an original"),
    }
    Some(bytes)
}
