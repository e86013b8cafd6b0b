//! JPEG XLs made once by libjxl 0.7: lossless and lossy, bare and in boxes, of every kind of colours, turned, animated.

use image::{DynamicImage, GrayImage, Luma};

use super::{SIZE, Specimen, picture, profile, see_through};

pub(super) fn all() -> Vec<Specimen> {
    let shows = DynamicImage::from(picture());
    let turned = shows.rotate90();
    let grey = GrayImage::from_fn(SIZE.0, SIZE.1, |x, y| Luma([picture().get_pixel(x, y).0[1]]));
    let mut lit = picture();
    for value in lit.iter_mut() {
        *value = (profile::curved(f64::from(*value) / 255.0) * 255.0).round() as u8;
    }
    let files: [(&str, &[u8], DynamicImage); 14] = [
        ("lossless", include_bytes!("files/lossless.jxl"), shows.clone()),
        ("in a container", include_bytes!("files/container.jxl"), shows.clone()),
        ("transparent", include_bytes!("files/alpha.jxl"), see_through().into()),
        ("grey", include_bytes!("files/grey.jxl"), grey.into()),
        ("of 16 bits", include_bytes!("files/deep.jxl"), shows.clone()),
        ("lossy", include_bytes!("files/lossy.jxl"), shows.clone()),
        ("from a JPEG", include_bytes!("files/recompressed.jxl"), shows.clone()),
        ("in Display P3", include_bytes!("files/p3.jxl"), shows.clone()),
        ("of light itself", include_bytes!("files/linear.jxl"), lit.into()),
        ("with a profile", include_bytes!("files/adobe.jxl"), shows.clone()),
        ("lossy with a profile", include_bytes!("files/adobe-lossy.jxl"), shows.clone()),
        ("animated", include_bytes!("files/animated.jxl"), shows),
        ("turned, from a JPEG", include_bytes!("files/turned-jpeg.jxl"), turned.clone()),
        ("turned, from its pixels", include_bytes!("files/turned-pixels.jxl"), turned),
    ];
    files.map(|(name, file, shows)| Specimen::of(format!("JPEG XL {name}"), file.to_vec(), shows)).into()
}
