//! What crosses the pipe, and a process that lies.

use std::io::Cursor;

use lightproof_wire::codec;
use proptest::prelude::*;

use super::{
    super::{
        Content, Fate, MediaType, PictureError, PrepareError, Stopped, Treatment, ViewError, decode_for_view,
        metadata_of, prepare,
        tests::fixtures::{SALT, marked, plain_jpeg, prepared, scene, sent, treated},
    },
    *,
};
use crate::prepare::{Limits, format::Format};

fn photo() -> Vec<u8> {
    marked(&plain_jpeg(&scene(120, 80)), Format::Jpeg, 6)
}

fn replied(job: &Job, input: &[u8]) -> Vec<u8> {
    let mut reply = Vec::new();
    work(job, Cursor::new(input), &mut reply).unwrap();
    reply
}

fn taken(
    reply: &[u8],
    source: &[u8],
    options: &PrepareOptions,
) -> Result<super::super::PreparedPhoto<Cursor<Vec<u8>>>, PrepareError> {
    let asked = Asked { name: "photo.bin", options, source_salt: SALT };
    super::super::PreparedPhoto::from_reply(Cursor::new(reply.to_vec()), Cursor::new(source.to_vec()), &asked)
}

const AT: LookAt = LookAt { media_type: MediaType::Jpeg, max_width_px: 50, max_height_px: 40 };

#[test]
fn what_is_prepared_apart_is_what_is_prepared_here() {
    let photo = photo();
    for treatment in [Treatment::Compressed, Treatment::Original, Treatment::Exact] {
        for keep_metadata in [false, true] {
            let options = PrepareOptions { keep_metadata, ..treated(treatment) };
            let apart = taken(&replied(&Job::from(&options), &photo), &photo, &options).unwrap();
            let here = prepared(&photo, &options).unwrap();
            assert_eq!(apart.name(), here.name());
            assert_eq!((apart.media_type(), apart.dimensions()), (here.media_type(), here.dimensions()));
            assert_eq!(apart.thumbhash(), here.thumbhash());
            assert_eq!(apart.compression(), here.compression());
            assert!(apart.removed() == here.removed());
            assert_eq!(apart.source_commitment(), here.source_commitment());
            assert_eq!(apart.length_bytes(), here.length_bytes());
            assert!(sent(apart) == sent(here), "{treatment:?}");
        }
    }
}

#[test]
fn an_original_crosses_as_places_in_the_file() {
    let photo = photo();
    let options = treated(Treatment::Original);
    let reply = replied(&Job::from(&options), &photo);
    assert!(reply.len() < 4_000 && reply.len() < photo.len(), "{} of {}", reply.len(), photo.len());
    assert_eq!(taken(&reply, &photo, &options).unwrap().held_bytes(), 0);
    let compressed = treated(Treatment::Compressed);
    let photo = prepare(Cursor::new(photo), "a.jpg", &compressed, SALT).unwrap();
    assert!(photo.held_bytes() > 0 && !photo.let_go().is_held());
}

#[test]
fn what_is_seen_apart_is_what_is_seen_here_and_fits() {
    let photo = photo();
    let looked = Looked::from_reply(Cursor::new(replied(&Job::Look(AT), &photo)), &AT).unwrap();
    assert!(looked.found == metadata_of(&photo));
    assert!(looked.found.iter().all(|found| found.fate == Fate::Kept));
    let picture = looked.picture.unwrap().unwrap();
    // Stored on its side: 120 x 80 stands 80 wide and 120 high.
    assert_eq!((picture.width(), picture.height()), (27, 40));
    let whole = decode_for_view(&photo, MediaType::Jpeg, &Limits::default()).unwrap();
    let centre = |picture: &super::super::Picture| {
        let pixels = picture.clone().into_pixels();
        *pixels.get_pixel(picture.width() / 2, picture.height() / 2)
    };
    let difference = centre(&picture).0.iter().zip(centre(&whole).0).map(|(a, b)| a.abs_diff(b)).max();
    assert!(difference < Some(12), "{difference:?}");
    let metadata_alone = LookAt { max_width_px: 0, ..AT };
    let looked = Looked::from_reply(Cursor::new(replied(&Job::Look(metadata_alone), &photo)), &metadata_alone);
    assert!(looked.unwrap().picture.is_none());
    let lying = LookAt { media_type: MediaType::Png, ..AT };
    let looked = Looked::from_reply(Cursor::new(replied(&Job::Look(lying), &photo)), &lying).unwrap();
    assert!(looked.picture == Some(Err(ViewError::AnotherFormat)));
}

#[test]
fn every_refusal_arrives_as_it_was_meant() {
    let truncated = photo()[..400].to_vec();
    for (file, treatment) in [
        (b"a text".to_vec(), Treatment::Compressed),
        (truncated, Treatment::Original),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec(), Treatment::Compressed),
        (b"GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02L\x01\0;".to_vec(), Treatment::Original),
    ] {
        let options = treated(treatment);
        let apart = taken(&replied(&Job::from(&options), &file), &file, &options).err();
        assert!(apart.is_some() && apart == prepared(&file, &options).err(), "{apart:?}");
    }
    for name in error::NAMES {
        let refused = PrepareError::UnsupportedFormat(name);
        assert_eq!(PrepareError::from(error::Refused::from(refused)), refused);
    }
    let all = [PictureError::Damaged, PictureError::TooMuchMemory, PictureError::Truncated, PictureError::Unsupported];
    for error in all.into_iter().chain([PictureError::TooManyPixels { width: 1, height: 2 }]) {
        let refused = PrepareError::Picture(error);
        assert_eq!(PrepareError::from(error::Refused::from(refused)), refused);
    }
}

/// A reply in which some bytes stand for others.
fn altered(reply: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = reply.windows(from.len()).position(|window| window == from).unwrap();
    [&reply[..at], to, &reply[at + from.len()..]].concat()
}

#[test]
fn a_process_that_was_taken_over_is_not_believed() {
    let photo = photo();
    let compressed = treated(Treatment::Compressed);
    let reply = replied(&Job::from(&compressed), &photo);
    let broke = |reply: &[u8], options: &PrepareOptions| {
        assert_eq!(taken(reply, &photo, options).err(), Some(PrepareError::Stopped(Stopped::Broke)));
    };
    assert!(taken(&reply, &photo, &compressed).is_ok());
    // Longer, shorter, for another treatment, larger than asked for.
    broke(&[reply.as_slice(), b"x"].concat(), &compressed);
    broke(&reply[..reply.len() - 1], &compressed);
    broke(&reply, &treated(Treatment::Exact));
    broke(&reply, &PrepareOptions { max_edge: 79, ..compressed });
    // Bytes of another kind than it says, and a kind that is never sent.
    broke(&altered(&reply, b"\xff\xd8\xff", b"GIF"), &compressed);
    broke(&altered(&reply, b"\xff\xd8\xff", b"abc"), &compressed);
    // The file as it is, in the place of a cleaned one.
    let exact = replied(&Job::from(&treated(Treatment::Exact)), &photo);
    broke(&exact, &compressed);
    broke(&exact, &treated(Treatment::Original));
    // A size that is none, or out of bounds.
    let size = codec::encode(&error::Pixels { width: 80, height: 120 });
    for (width, height) in [(0, 120), (80, 0), (u32::MAX, 120), (80, 32_769)] {
        broke(&altered(&reply, &size, &codec::encode(&error::Pixels { width, height })), &compressed);
    }
    // Places outside of the file.
    let original = treated(Treatment::Original);
    let places = replied(&Job::from(&original), &photo);
    assert!(taken(&places, &photo, &original).is_ok());
    assert_eq!(taken(&places, &photo[..photo.len() / 2], &original).err(), Some(PrepareError::Stopped(Stopped::Broke)));
    // More pixels than there is room for, fewer than it says, more than it says.
    let looked = replied(&Job::Look(AT), &photo);
    let smaller = LookAt { max_width_px: 26, ..AT };
    assert_eq!(Looked::from_reply(Cursor::new(&looked), &smaller), Err(Stopped::Broke));
    assert_eq!(Looked::from_reply(Cursor::new(&looked[..looked.len() - 1]), &AT), Err(Stopped::Broke));
    assert_eq!(Looked::from_reply(Cursor::new([looked.as_slice(), b"x"].concat()), &AT), Err(Stopped::Broke));
    assert_eq!(Looked::from_reply(Cursor::new(&looked), &LookAt { max_width_px: 0, ..AT }), Err(Stopped::Broke));
    // A head that would be longer than any.
    assert_eq!(Looked::from_reply(Cursor::new([0xff; 64]), &AT), Err(Stopped::Broke));
}

#[test]
fn words_of_a_process_that_was_taken_over_stay_printable() {
    let photo = photo();
    let options = treated(Treatment::Original);
    let reply = replied(&Job::from(&options), &photo);
    let hostile = altered(&reply, b"Alice", b"\x1b[2J\n");
    let photo = taken(&hostile, &photo, &options).unwrap();
    assert!(photo.removed().iter().all(|found| !found.detail.contains(char::is_control)));
    assert!(photo.removed().iter().any(|found| found.detail.contains("[2J")), "it was there");
}

#[test]
fn a_file_whose_look_inside_was_stopped_goes_as_it_is() {
    let photo = photo();
    let asked = Asked { name: "dir/a.jpg", options: &treated(Treatment::Exact), source_salt: SALT };
    let unseen = super::super::PreparedPhoto::unseen(Cursor::new(photo.clone()), &asked).unwrap();
    assert_eq!((unseen.media_type(), unseen.dimensions(), unseen.name()), (MediaType::Jpeg, None, "a.jpg"));
    assert_eq!(unseen.removed().len(), 1);
    assert!(unseen.source_commitment().is_none());
    let Content::Source(_) = unseen.into_content() else { panic!("the file itself") };
}

proptest! {
    #[test]
    fn a_job_survives_its_word(quality in 0_u8..=100, edge in any::<u32>(), keep in any::<bool>()) {
        let quality = if quality == 0 { Quality::Auto } else { Quality::Fixed(quality) };
        let options =
            PrepareOptions { treatment: Treatment::Compressed, quality, max_edge: edge, keep_metadata: keep };
        let job = Job::from(&options);
        prop_assert_eq!(Job::from_text(&job.to_text()), Some(job));
        let Job::Prepare(treated) = job else { panic!("it was one") };
        prop_assert_eq!(treated.options(), options);
    }

    #[test]
    fn any_word_is_a_job_or_refused(word in "[0-9a-fA-Fx ]{0,40}") {
        if let Some(job) = Job::from_text(&word) {
            prop_assert_eq!(job.to_text(), word);
        }
    }

    #[test]
    fn a_reply_with_other_bytes_is_taken_or_refused_and_never_more(at in 0_usize..2000, byte in any::<u8>()) {
        let file = plain_jpeg(&scene(24, 16));
        let options = treated(Treatment::Original);
        let mut reply = replied(&Job::from(&options), &file);
        let count = reply.len();
        reply[at % count] ^= byte;
        if let Ok(photo) = taken(&reply, &file, &options) {
            prop_assert_eq!(photo.media_type(), MediaType::Jpeg);
            prop_assert!(photo.name().len() <= 128);
        }
    }
}
