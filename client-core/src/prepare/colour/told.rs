//! Colours that a file tells of in numbers instead of a profile: PNG's `gAMA` and `cHRM`, and `cICP`.

use moxcms::{
    Chromaticity, CicpColorPrimaries, CicpProfile, ColorPrimaries, ColorProfile, MatrixCoefficients, ToneReprCurve,
    TransferCharacteristics, XyY,
};

use super::Colours;

/// PNG (third edition), 11.3.2: all numbers in hundred-thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Gamma {
    /// The exponent from light to sample.
    pub(in super::super) gamma: u32,
    /// x and y of white, red, green and blue.
    pub(in super::super) chromaticities: Option<[u32; 8]>,
}

impl Gamma {
    /// The numbers by which the standard approximates sRGB mean sRGB: the exact curve is what such files were made with.
    pub(in super::super) fn into_colours(self) -> Colours {
        let is_close = |(a, b): (&u32, &u32)| a.abs_diff(*b) <= 100;
        let is_srgb = self.gamma.abs_diff(SRGB_GAMMA) <= 100
            && self.chromaticities.is_none_or(|found| found.iter().zip(&SRGB_CHROMATICITIES).all(is_close));
        // An exponent of nothing says nothing.
        if is_srgb || self.gamma == 0 { Colours::Srgb } else { Colours::Gamma(self) }
    }

    pub(super) fn profile(&self) -> Option<ColorProfile> {
        let [wx, wy, rx, ry, gx, gy, bx, by] =
            self.chromaticities.unwrap_or(SRGB_CHROMATICITIES).map(|number| f64::from(number) / 100_000.0);
        let mut profile = ColorProfile::new_srgb();
        #[expect(clippy::cast_possible_truncation, reason = "five digits are what the file has")]
        let point = |x: f64, y: f64| Chromaticity { x: x as f32, y: y as f32 };
        let primaries = ColorPrimaries { red: point(rx, ry), green: point(gx, gy), blue: point(bx, by) };
        profile.update_rgb_colorimetry(XyY { x: wx, y: wy, yb: 1.0 }, primaries);
        let colorants = [profile.red_colorant, profile.green_colorant, profile.blue_colorant];
        #[expect(clippy::cast_precision_loss, reason = "five digits are what the file has")]
        let exponent = 100_000.0 / self.gamma as f32;
        let is_sound = colorants.iter().all(|colorant| (colorant.x + colorant.y + colorant.z).is_finite());
        is_sound.then(|| with_curve(profile, &ToneReprCurve::Parametric(vec![exponent])))
    }
}

/// Nothing where the codes are unknown, or stand for samples that are not red, green and blue over the full range.
pub(super) fn of_cicp([primaries, transfer, matrix, range]: [u8; 4]) -> Option<ColorProfile> {
    if (matrix, range) != (0, 1) {
        return None;
    }
    let curve = match transfer {
        16 => Some(table(perceptual_quantizer)),
        18 => Some(table(hybrid_log_gamma)),
        _ => None,
    };
    let transfer = if curve.is_some() { TransferCharacteristics::Linear } else { transfer.try_into().ok()? };
    let profile = ColorProfile::new_from_cicp(CicpProfile {
        color_primaries: CicpColorPrimaries::try_from(primaries).ok()?,
        transfer_characteristics: transfer,
        matrix_coefficients: MatrixCoefficients::Identity,
        full_range: true,
    });
    match curve {
        Some(curve) => profile.red_trc.is_some().then(|| with_curve(profile, &curve)),
        None => profile.red_trc.is_some().then_some(profile),
    }
}

fn with_curve(mut profile: ColorProfile, curve: &ToneReprCurve) -> ColorProfile {
    profile.cicp = None;
    (profile.red_trc, profile.green_trc, profile.blue_trc) =
        (Some(curve.clone()), Some(curve.clone()), Some(curve.clone()));
    profile
}

/// Light relative to diffuse white: what is brighter cannot be shown and is cut.
fn table(light_cd_m2: fn(f64) -> f64) -> ToneReprCurve {
    let entry = |index: u16| {
        let relative = light_cd_m2(f64::from(index) / f64::from(TABLE_LAST)) / DIFFUSE_WHITE_CD_M2;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=65535")]
        let number = (relative.clamp(0.0, 1.0) * 65_535.0).round() as u16;
        number
    };
    ToneReprCurve::Lut((0..=TABLE_LAST).map(entry).collect())
}

/// SMPTE ST 2084, equation 4.1.
fn perceptual_quantizer(signal: f64) -> f64 {
    let power = signal.powf(1.0 / 78.843_75);
    let (above, below) = ((power - 0.835_937_5).max(0.0), 18.687_5f64.mul_add(-power, 18.851_562_5));
    10_000.0 * (above / below).powf(1.0 / 0.159_301_757_812_5)
}

/// ITU-R BT.2100, table 5, on a display of 1000 cd/m2, whose system gamma is 1.2; per channel.
fn hybrid_log_gamma(signal: f64) -> f64 {
    let scene = if signal <= 0.5 {
        signal * signal / 3.0
    } else {
        (((signal - 0.559_910_73) / 0.178_832_77).exp() + 0.284_668_92) / 12.0
    };
    1000.0 * scene.powf(1.2)
}

const SRGB_GAMMA: u32 = 45_455;
const SRGB_CHROMATICITIES: [u32; 8] = [31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000];
/// ITU-R BT.2408.
const DIFFUSE_WHITE_CD_M2: f64 = 203.0;
const TABLE_LAST: u16 = 4095;
