//! Our decoder beside other people's: libjpeg-turbo's `djpeg` over all JPEGs, Chromium over those that are sent.

use std::{collections::BTreeMap, fmt::Write as _, fs, process::Command};

use image::{DynamicImage, ImageFormat};
use jpeg_encoder::{ColorType, SamplingFactor};
use lightproof_e2ee::manifest::{MediaType, Treatment};

use super::super::{
    Limits, PictureError, PrepareError, PrepareOptions, Quality,
    colour::{Colours, to_srgb},
    decode::decode,
    format::Format,
    strip::Parts,
};
use super::{
    corpus::{Specimen, all, jpeg_of},
    fixtures::{by_djpeg, encoded, prepared, real, scene, sent, treated},
};

/// The largest and the mean difference of two samples.
#[derive(Clone, Copy, Default)]
struct Apart {
    most: u8,
    sum: u64,
    count: u64,
}

impl Apart {
    fn of(a: &DynamicImage, b: &DynamicImage) -> Self {
        let (a, b) = (a.to_rgb8(), b.to_rgb8());
        assert_eq!(a.dimensions(), b.dimensions());
        let differences = a.as_raw().iter().zip(b.as_raw()).map(|(a, b)| a.abs_diff(*b));
        Self {
            most: differences.clone().max().unwrap(),
            sum: differences.map(u64::from).sum(),
            count: a.as_raw().len() as u64,
        }
    }

    fn and(self, other: Self) -> Self {
        Self { most: self.most.max(other.most), sum: self.sum + other.sum, count: self.count + other.count }
    }

    fn mean(self) -> f64 {
        self.sum as f64 / self.count as f64
    }
}

/// The samples as `djpeg` hands them out: no profile applied, inks mixed plainly.
fn ours(file: &[u8]) -> DynamicImage {
    let parts = Parts::of(file, Format::Jpeg).unwrap().unwrap();
    let decoded = decode(file, Format::Jpeg, parts.is_non_interleaved, &Limits::default()).unwrap();
    match decoded.colours {
        Colours::Inks(_) => to_srgb(decoded.picture, &Colours::Inks(None)).0,
        _ => decoded.picture,
    }
}

/// The sampling of the brightness, which tells how colours are sampled up.
fn sampling_of(file: &[u8]) -> String {
    let frame = file.windows(2).rposition(|two| two[0] == 0xff && matches!(two[1], 0xc0..=0xc2)).unwrap();
    let samplings = file[frame + 10..].chunks(3).take(file[frame + 9].into());
    samplings.map(|component| format!("{}x{}", component[1] >> 4, component[1] & 15)).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_jpeg_decodes_as_libjpeg_turbo_decodes_it() {
    let mut files: Vec<(String, Vec<u8>)> = all()
        .into_iter()
        .filter(|specimen| specimen.format() == Format::Jpeg)
        .map(|specimen| (specimen.name, specimen.file))
        .collect();
    let photographs = ["rocket-phone.jpg", "hubble-progressive.jpg"];
    files.extend(photographs.iter().filter_map(|name| Some(((*name).to_owned(), real(name)?))));
    // Noise is where filters and rounding differ most.
    let mut state = 7_u32;
    let noise = image::RgbImage::from_fn(128, 96, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        image::Rgb([(state >> 24) as u8, (state >> 16) as u8, (state >> 8) as u8])
    });
    for (name, sampling) in
        [("4:4:4", SamplingFactor::F_1_1), ("4:2:2", SamplingFactor::F_2_1), ("4:2:0", SamplingFactor::F_2_2)]
    {
        let file = jpeg_of(&noise, (128, 96), ColorType::Rgb, |encoder| encoder.set_sampling_factor(sampling));
        files.push((format!("noise {name}"), file));
    }
    let mut by_sampling: BTreeMap<String, (u32, Apart)> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (name, file) in &files {
        let Some(reference) = by_djpeg(file) else { return };
        let apart = Apart::of(&ours(file), &reference);
        if apart.most > MOST_APART || apart.mean() > MEAN_APART {
            wrong.push(format!("{name}: {} at most, {:.3} in the mean", apart.most, apart.mean()));
        }
        let (count, all) = by_sampling.entry(sampling_of(file)).or_default();
        (*count, *all) = (*count + 1, all.and(apart));
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), files.len(), wrong.join("\n"));
    for (sampling, (count, apart)) in &by_sampling {
        println!("{sampling}: {count} files, {} at most, {:.3} in the mean", apart.most, apart.mean());
    }
    let most = by_sampling.values().map(|(_, apart)| apart.most).max().unwrap();
    println!("evidence: P20 | {} JPEGs decoded as djpeg decodes them, {most} levels apart at most | -", files.len());
}

#[test]
fn jpegs_that_nothing_here_decodes_are_refused_by_name() {
    let file = jpeg_of(scene(40, 30).as_raw(), (40, 30), ColorType::Rgb, |_| {});
    let frame = file.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
    for (at, value, name) in
        [(frame + 4, 12, "12-bit JPEG"), (frame + 1, 0xc3, "lossless JPEG"), (frame + 1, 0xc9, "arithmetic-coded JPEG")]
    {
        let mut file = file.clone();
        file[at] = value;
        for treatment in [Treatment::Compressed, Treatment::Original] {
            let refusal = prepared(&file, &treated(treatment)).err().unwrap();
            assert_eq!(refusal, PrepareError::UnsupportedFormat(name));
            assert!(refusal.hint().unwrap().contains("--as exact"));
        }
        assert!(sent(prepared(&file, &treated(Treatment::Exact)).unwrap()) == file);
        assert!(decode(&file, Format::Jpeg, false, &Limits::default()).err() == Some(PictureError::Unsupported));
    }
}

#[test]
fn a_jpeg_xl_is_bounded_by_its_header_and_refused_where_it_ends() {
    let whole = |limits: &Limits, file: &[u8]| decode(file, Format::JpegXl, false, limits).err();
    let default = Limits::default();
    for specimen in all().into_iter().filter(|specimen| specimen.format() == Format::JpegXl) {
        let Specimen { name, file, .. } = specimen;
        assert_eq!(whole(&default, &file), None, "{name}");
        let few = whole(&Limits { pixels: 100, ..default }, &file);
        assert!(matches!(few, Some(PictureError::TooManyPixels { .. })), "{name}: {few:?}");
        // Enough for the picture, and not for what its decoder needs beside it.
        let little = whole(&Limits { decoded_bytes: 83 * 58 * 5, ..default }, &file);
        assert_eq!(little, Some(PictureError::TooMuchMemory), "{name}");
        if name.contains("animated") {
            continue;
        }
        for step in 1..20 {
            let cut = whole(&default, &file[..file.len() * step / 20]);
            assert!(matches!(cut, Some(PictureError::Truncated | PictureError::Damaged)), "{name} at {step}: {cut:?}");
        }
    }
}

/// What is sent of a few pictures at a few qualities, and unusual originals.
fn sent_jpegs() -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for (name, picture) in [
        ("scene", DynamicImage::from(scene(96, 64))),
        ("odd scene", scene(83, 58).into()),
        ("grey scene", DynamicImage::from(scene(83, 58)).grayscale()),
    ] {
        let file = encoded(&picture, ImageFormat::Bmp);
        for quality in [Quality::Auto, Quality::Fixed(40), Quality::Fixed(85), Quality::Fixed(95)] {
            let options = PrepareOptions { quality, ..PrepareOptions::default() };
            let photo = prepared(&file, &options).unwrap();
            if photo.media_type() == MediaType::Jpeg {
                files.push((format!("{name} at {quality:?}"), sent(photo)));
            }
        }
    }
    for specimen in all().into_iter().filter(|specimen| specimen.format() == Format::Jpeg).step_by(9) {
        let photo = prepared(&specimen.file, &treated(Treatment::Original)).unwrap();
        files.push((specimen.name, sent(photo)));
    }
    files.retain(|(name, bytes)| {
        let parts = Parts::of(bytes, Format::Jpeg).unwrap().unwrap();
        // Chromium shows these in their profile's colours or mixes inks by rules of its own.
        parts.icc.is_none() && !name.contains("myk")
    });
    files
}

#[test]
fn every_jpeg_that_is_sent_looks_the_same_in_chromium() {
    let files = sent_jpegs();
    assert!(files.len() >= 15, "{} files", files.len());
    let Some(pictures) = by_chromium(&files) else {
        eprintln!("skipped: no chromium to compare with");
        return;
    };
    assert_eq!(pictures.len(), files.len(), "Chromium has not shown everything");
    let mut all = Apart::default();
    for ((name, file), seen) in files.iter().zip(&pictures) {
        let apart = Apart::of(&ours(file), seen);
        assert!(apart.most <= MOST_APART && apart.mean() <= MEAN_APART, "{name}: {} {:.3}", apart.most, apart.mean());
        all = all.and(apart);
    }
    println!("evidence: P19 | {} JPEGs look in Chromium as here, {} levels apart at most | -", files.len(), all.most);
}

/// Draws each file on a canvas of a page and reads the page back.
fn by_chromium(files: &[(String, Vec<u8>)]) -> Option<Vec<DynamicImage>> {
    let folder = std::env::temp_dir().join(format!("lightproof-chromium-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let mut page = "<pre></pre>".to_owned();
    files.iter().for_each(|(_, bytes)| writeln!(page, "<img src='data:image/jpeg,{}'>", escaped(bytes)).unwrap());
    page += "<script>onload = () => { for (const image of document.images) {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    const seen = context.getImageData(0, 0, canvas.width, canvas.height).data;
    const text = Array.from(seen, byte => byte.toString(16).padStart(2, '0')).join('');
    document.querySelector('pre').append(`\\nseen ${canvas.width} ${canvas.height} ${text} `);
} };</script>";
    let path = folder.join("page.html");
    fs::write(&path, page).unwrap();
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--force-color-profile=srgb", "--dump-dom"])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(format!("file://{}", path.display()))
        .output();
    fs::remove_dir_all(&folder).unwrap();
    let text = String::from_utf8_lossy(&output.ok()?.stdout).into_owned();
    let lines = text.lines().filter_map(|line| line.strip_prefix("seen "));
    Some(lines.map(of_line).collect())
}

fn of_line(line: &str) -> DynamicImage {
    let mut words = line.split(' ');
    let (width, height) = (words.next().unwrap().parse().unwrap(), words.next().unwrap().parse().unwrap());
    let digits = words.next().unwrap().as_bytes();
    let value = |digit: u8| (digit as char).to_digit(16).unwrap() as u8;
    let bytes = digits.as_chunks::<2>().0.iter().map(|[high, low]| value(*high) << 4 | value(*low)).collect();
    image::RgbaImage::from_raw(width, height, bytes).unwrap().into()
}

fn escaped(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "%{byte:02x}").unwrap();
        text
    })
}

/// Brightness and colours rounded twice on their way through two filters, each worth up to 1.8 levels of red or blue.
const MOST_APART: u8 = 4;
const MEAN_APART: f64 = 0.9;
