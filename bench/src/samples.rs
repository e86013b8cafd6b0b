//! Repeated measurements of one thing.

/// Values in the order they were taken.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// The middle one; of an even number, the mean of the two in the middle.
    pub(crate) fn median(&self) -> f64 {
        let sorted = self.sorted();
        let upper = sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN);
        if sorted.len() % 2 == 1 {
            return upper;
        }
        let lower = sorted.get((sorted.len() / 2).saturating_sub(1)).copied().unwrap_or(f64::NAN);
        f64::midpoint(lower, upper)
    }

    /// The one that so many of a hundred do not exceed.
    pub(crate) fn percentile(&self, of_hundred: f64) -> f64 {
        let sorted = self.sorted();
        let below = sorted.len() as f64 * of_hundred / 100.0;
        let place = sorted.iter().zip(1_u32..).find(|(_, number)| f64::from(*number) >= below);
        place.map_or(f64::NAN, |(value, _)| *value)
    }

    pub(crate) fn min(&self) -> f64 {
        self.sorted().first().copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn max(&self) -> f64 {
        self.sorted().last().copied().unwrap_or(f64::NAN)
    }

    /// What each value is of the one taken in the same round.
    pub(crate) fn over(&self, others: &Self) -> Self {
        self.0.iter().zip(&others.0).map(|(ours, other)| ours / other).collect()
    }

    /// Each value made into another.
    pub(crate) fn map(&self, of: impl Fn(f64) -> f64) -> Self {
        self.0.iter().map(|value| of(*value)).collect()
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_and_rounds_are_paired() {
        let samples = Samples::from_iter([4.0, 1.0, 9.0]);
        assert_eq!((samples.median(), samples.min(), samples.max()), (4.0, 1.0, 9.0));
        assert_eq!(Samples::from_iter([1.0, 4.0]).median(), 2.5);
        let hundred: Samples = (1..=100).map(f64::from).collect();
        assert_eq!((hundred.percentile(99.0), hundred.percentile(50.0)), (99.0, 50.0));
        let ratios = samples.over(&Samples::from_iter([2.0, 1.0, 3.0]));
        assert_eq!((ratios.median(), ratios.min(), ratios.max()), (2.0, 1.0, 3.0));
        assert!(Samples::default().median().is_nan());
    }
}
