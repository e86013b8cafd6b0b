//! Values as people read them.

/// So many bytes, in decimal units: `512 bytes`, `5.2 kB`, `4.1 MB`.
pub(super) fn bytes_of(count: usize) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match units.into_iter().find(|(unit, _)| count >= *unit) {
        Some((unit, name)) => {
            // Rounded down, so that nothing becomes 1000.0 of a unit.
            let tenths = count.saturating_mul(10).checked_div(unit).unwrap_or_default();
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
        None if count == 1 => "1 byte".to_owned(),
        None => format!("{count} bytes"),
    }
}

/// A place on the earth: degrees with four digits, which is ten metres.
pub(super) fn position((latitude, north_south): (f64, char), (longitude, east_west): (f64, char)) -> Option<String> {
    let is_sane = latitude.is_finite() && longitude.is_finite();
    is_sane.then(|| format!("{latitude:.4} {north_south} {longitude:.4} {east_west}"))
}

/// Latin-1, which PNG and old IPTC are written in.
pub(super) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_unit_a_person_expects() {
        for (count, words) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1_000, "1.0 kB"),
            (999_999, "999.9 kB"),
            (4_123_456, "4.1 MB"),
            (2_500_000_000, "2.5 GB"),
        ] {
            assert_eq!(bytes_of(count), words);
        }
    }
}
