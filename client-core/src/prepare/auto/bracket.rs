//! The least quality that is good enough, found with few tries.

/// A quality and what it scored.
pub(super) type Tried = (u8, f64);

/// What is known so far: the highest quality that was not good enough, and the lowest that was.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bracket {
    below: Option<Tried>,
    above: Option<Tried>,
}

impl Bracket {
    /// The quality to try next; `None` where nothing is left to try.
    pub(super) fn next(&self, guess: u8, target: f64) -> Option<u8> {
        let next = match (self.below, self.above) {
            (None, None) => i16::from(guess.clamp(1, BEST)),
            (Some((below, _)), None) if below == BEST => return None,
            (None, Some((1, _))) => return None,
            (Some((below, score)), None) => i16::from(below).saturating_add(steps((target - score) / SLOPE)),
            (None, Some((above, score))) => i16::from(above).saturating_sub(steps((score - target) / SLOPE)),
            (Some((below, low)), Some((above, high))) => {
                let gap = above.saturating_sub(below);
                if gap <= 1 {
                    return None;
                }
                let part = if high > low { (target - low) / (high - low) } else { 0.5 };
                let inside = steps(part * f64::from(gap)).min(i16::from(gap).saturating_sub(1));
                i16::from(below).saturating_add(inside)
            }
        };
        u8::try_from(next.clamp(1, i16::from(BEST))).ok()
    }

    /// Takes in what a quality scored.
    pub(super) fn learn(&mut self, tried: Tried, target: f64) {
        if tried.1 >= target { self.above = Some(tried) } else { self.below = Some(tried) }
    }

    /// The least quality known to be good enough.
    #[cfg(test)]
    fn found(&self) -> Option<Tried> {
        self.above
    }
}

/// The quality that is likely to score so much more.
pub(super) fn better_by(missing: f64, quality: u8) -> u8 {
    let better = i16::from(quality).saturating_add(steps(missing / SLOPE));
    u8::try_from(better).unwrap_or(BEST).min(BEST)
}

/// Rounded up, at least one.
#[expect(clippy::cast_possible_truncation, reason = "clamped")]
fn steps(number: f64) -> i16 {
    number.ceil().clamp(1.0, f64::from(BEST)) as i16
}

pub(super) const BEST: u8 = 100;
/// About how much the score rises with a step of quality near the target: rather too little, so that two tries lie on
/// both sides of it.
const SLOPE: f64 = 0.45;

#[cfg(test)]
mod tests {
    use super::*;

    fn search(guess: u8, score_of: impl Fn(u8) -> f64) -> (Option<u8>, usize) {
        let mut bracket = Bracket::default();
        let mut tries = 0;
        while let Some(quality) = bracket.next(guess, 80.0) {
            bracket.learn((quality, score_of(quality)), 80.0);
            tries += 1;
            assert!(tries <= 100, "it goes on for ever");
        }
        (bracket.found().map(|(quality, _)| quality), tries)
    }

    #[test]
    fn the_least_passing_quality_is_found_for_every_threshold_and_guess() {
        for least in 1..=100_u8 {
            for guess in [1, 20, 80, 99, 100] {
                let line = search(guess, |quality| 80.0 + 0.4 * (f64::from(quality) - f64::from(least)));
                assert_eq!(line.0, Some(least), "from {guess}");
                let bent = search(guess, |quality| {
                    let apart = f64::from(quality) - f64::from(least) + 0.5;
                    80.0 + if apart < 0.0 { 1.3 * apart } else { 0.1 * apart }
                });
                assert_eq!(bent.0, Some(least), "from {guess}");
            }
        }
    }

    #[test]
    fn a_photograph_takes_at_most_six_tries() {
        for least in 60..=92_u8 {
            for slope in [0.3, 0.45, 0.6, 0.8] {
                let score = |quality: u8| 80.0 + slope * (f64::from(quality) - f64::from(least)) + 0.01;
                let (found, tries) = search(80, score);
                assert_eq!(found, Some(least));
                assert!(tries <= 6, "{tries} tries to {least} at {slope}");
            }
        }
    }

    #[test]
    fn what_never_passes_is_not_found_and_what_always_does_is_the_least() {
        assert_eq!(search(80, |_| 60.0).0, None);
        assert_eq!(search(80, |_| 99.0).0, Some(1));
        assert_eq!(search(80, |quality| if quality == 100 { 80.0 } else { 10.0 }).0, Some(100));
    }
}
