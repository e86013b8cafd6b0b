//! Rounding to where the sum of error and bits is least (Crouse and Ramchandran, "Joint thresholding and quantizer
//! selection for transform image coding", IEEE Transactions on Image Processing, 1997).
//!
//! A coefficient may become the nearest multiple of its step, the next one towards zero, or zero. Which is best depends
//! on what the others become, as a code tells the run of zeros before a value: the cheapest way to each place is found
//! from the cheapest ways to the places before it.

use super::{
    bits::size_of,
    blocks::{Block, Plane, ZIGZAG},
    quantise::{MOST_LEVEL, Table},
    transform::STEPS,
};

/// Rounds a plane, and notes what is not zero. The weight is of errors against bits: one of the two below.
pub(super) fn quantise(plane: &mut Plane, table: &Table, weight: f32) {
    let rule = Rule::of(plane, table, weight);
    plane.masks.clear();
    for block in &mut plane.blocks {
        let first = rounded(f32::from(block[0]) * rule.inverse[0]);
        let mask = rule.round(block);
        block[0] = first;
        plane.masks.push(mask | u64::from(first != 0));
    }
}

/// For brightness.
pub(super) const LUMA_WEIGHT: f32 = 21.3;
/// For the two colour differences.
pub(super) const CHROMA_WEIGHT: f32 = 32.5;

/// What rounding costs in one plane.
pub(super) struct Rule {
    /// From coefficients to steps.
    pub(super) inverse: [f32; 64],
    /// How many bits an error of one step, squared, is worth at each place, in a block without texture.
    pub(super) weights: [f32; 64],
    pub(super) rates: Rates,
}

/// What symbols cost, in bits.
pub(super) struct Rates {
    /// By the size of the value, then by how many zeros precede it.
    pub(super) by_size: [[f32; 64]; 11],
    pub(super) end: f32,
}

impl Rule {
    fn of(plane: &Plane, table: &Table, weight: f32) -> Self {
        let inverse = table.map(|step| 1.0 / (f32::from(step) * STEPS));
        let weights = ZIGZAG.map(|place| {
            let (row, column) = (f32::from(place / 8), f32::from(place % 8));
            weight * row.hypot(column).powf(WEIGHT_GROWTH)
        });
        Self { inverse, weights, rates: Rates::of(plane, &inverse) }
    }

    /// Rounds all but the first coefficient; the places that are not zero then.
    pub(super) fn round(&self, block: &mut Block) -> u64 {
        let exact = Exact::of(block, self);
        let mut ways = Ways::new();
        let nothing = exact.zeroed[63] + self.rates.end;
        let (mut end, mut end_cost) = (0, nothing);
        for number in 1..=exact.count {
            let place = usize::from(exact.candidates[number - 1]);
            let cost = self.find_way(&mut ways, number, place, &exact);
            let rest = exact.zeroed[63] - exact.zeroed[place] + if place < 63 { self.rates.end } else { 0.0 };
            if cost + rest < end_cost {
                (end, end_cost) = (number, cost + rest);
            }
        }
        ways.trace(end, block)
    }

    /// Finds the cheapest way to a candidate that does not become zero, and what it costs.
    fn find_way(&self, ways: &mut Ways, number: usize, place: usize, exact: &Exact) -> f32 {
        let nearest = rounded(exact.steps[place]).min(MOST_LEVEL);
        let mut cheapest = f32::INFINITY;
        let (mut size, mut from) = (0, (0, 0.0));
        for level in [nearest, nearest - 1] {
            if level == 0 {
                break;
            }
            if size_of(level.unsigned_abs()) != size {
                size = size_of(level.unsigned_abs());
                from = ways.cheapest_before(number, place, &self.rates.by_size[size as usize]);
            }
            let error = exact.steps[place] - f32::from(level);
            let cost = from.1 + exact.weights[place] * error * error;
            if cost < cheapest {
                cheapest = cost;
                (ways.before[number], ways.level[number]) = (from.0, level);
            }
        }
        let whole = cheapest + exact.zeroed[place - 1];
        ways.place[number] = place as u8;
        // Less what zeroing up to here costs, so that a later place need only add what zeroing up to there costs.
        ways.cost[number] = whole - exact.zeroed[place];
        whole
    }
}

/// A block before rounding.
struct Exact {
    /// Magnitudes in steps.
    steps: [f32; 64],
    weights: [f32; 64],
    /// What it costs to make all up to a place zero, this included.
    zeroed: [f32; 64],
    /// The places that may become something else.
    candidates: [u8; 64],
    count: usize,
}

impl Exact {
    fn of(block: &Block, rule: &Rule) -> Self {
        let texture = masking(block);
        let (mut steps, mut weights, mut zeroed) = ([0.0; 64], [0.0; 64], [0.0; 64]);
        for place in 1..64 {
            steps[place] = (f32::from(block[place]) * rule.inverse[place]).abs();
            weights[place] = rule.weights[place] * texture;
            zeroed[place] = weights[place] * steps[place] * steps[place];
        }
        let (mut candidates, mut count, mut sum) = ([0; 64], 0, 0.0);
        for place in 1..64_u8 {
            let at = usize::from(place);
            sum += zeroed[at];
            zeroed[at] = sum;
            // Written always and kept by the count: no branch to be guessed wrongly.
            candidates[count] = place;
            count += usize::from(steps[at] >= 0.5);
        }
        Self { steps, weights, zeroed, candidates, count }
    }
}

/// For each candidate, from 1 on: the cheapest way to it. Number 0 is the beginning.
struct Ways {
    cost: [f32; 64],
    before: [u8; 64],
    level: [i16; 64],
    place: [u8; 64],
}

impl Ways {
    const fn new() -> Self {
        Self { cost: [0.0; 64], before: [0; 64], level: [0; 64], place: [0; 64] }
    }

    fn cheapest_before(&self, number: usize, place: usize, by_run: &[f32; 64]) -> (u8, f32) {
        let mut best = (0, f32::INFINITY);
        for (before, (cost, last)) in (0..).zip(self.cost.iter().zip(&self.place).take(number)) {
            let cost = cost + by_run[place - usize::from(*last) - 1];
            if cost < best.1 {
                best = (before, cost);
            }
        }
        best
    }

    /// Makes the block what the way to an end says.
    fn trace(&self, end: usize, block: &mut Block) -> u64 {
        let exact = std::mem::replace(block, [0; 64]);
        let (mut at, mut mask) = (end, 0);
        while at > 0 {
            let place = usize::from(self.place[at]);
            block[place] = self.level[at] * exact[place].signum();
            mask |= 1 << place;
            at = usize::from(self.before[at]);
        }
        mask
    }
}

impl Rates {
    /// Guessed from how often rounding without a thought for bits, but for a wider zero, says each symbol.
    fn of(plane: &Plane, inverse: &[f32; 64]) -> Self {
        // A symbol that is not seen is rare, not impossible.
        let mut counts = [UNSEEN; 256];
        let one_in = (plane.blocks.len() / ENOUGH_BLOCKS).max(1);
        for number in plane.alone(one_in) {
            let mut run = 0;
            for (value, inverse) in plane.blocks[number].iter().zip(inverse).skip(1) {
                let level = ((f32::from(*value) * inverse).abs() + 1.0 - WIDE_ZERO) as u16;
                if level == 0 {
                    run += 1;
                    continue;
                }
                counts[ZERO_RUN] += (run / 16) as f32;
                counts[(run % 16) << 4 | size_of(level).min(10) as usize] += 1.0;
                run = 0;
            }
            if run > 0 {
                counts[END_OF_BLOCK] += 1.0;
            }
        }
        let total: f32 = counts.iter().sum();
        let bits = counts.map(|count| (total / count).log2());
        let cost = |size: usize, run: usize| bits[(run % 16) << 4 | size] + bits[ZERO_RUN] * (run / 16) as f32;
        let by_size = std::array::from_fn(|size| std::array::from_fn(|run| cost(size, run) + size as f32));
        Self { by_size, end: bits[END_OF_BLOCK] }
    }
}

/// How much less an error is seen where there is texture: from 1 down.
pub(super) fn masking(block: &Block) -> f32 {
    let squares = block.iter().skip(1).map(|value| f32::from(*value) * f32::from(*value));
    let energy = squares.sum::<f32>() / (63.0 * STEPS * STEPS);
    (TEXTURE / (TEXTURE + energy)).powf(MASKING)
}

/// To the nearest; halves away from zero.
fn rounded(value: f32) -> i16 {
    (value + 0.5_f32.copysign(value)) as i16
}

const ZERO_RUN: usize = 0xf0;
const END_OF_BLOCK: usize = 0;

// Found by trial, on photographs: the fewest bytes at SSIMULACRA2 60, 70 and 80.
const WEIGHT_GROWTH: f32 = 0.41;
const TEXTURE: f32 = 470.0;
const MASKING: f32 = 0.106;

/// How large a part of a step guesses take for nothing.
const WIDE_ZERO: f32 = 0.6;
const UNSEEN: f32 = 0.3;
/// Guesses are made from about as many blocks.
const ENOUGH_BLOCKS: usize = 8192;
