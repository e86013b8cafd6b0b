//! Rounding: the tables, and that no other choice of levels would have been cheaper.

use super::super::{
    bits::size_of,
    blocks::Block,
    quantise,
    trellis::{Rates, Rule, masking},
};
use super::Noise;

#[test]
fn tables_get_finer_with_quality_and_end_with_ones() {
    for quality in 1..100 {
        let (coarse, fine) = (quantise::tables(quality, 3), quantise::tables(quality + 1, 3));
        for (coarse, fine) in coarse.iter().flatten().zip(fine.iter().flatten()) {
            assert!(coarse >= fine && *fine >= 1);
        }
    }
    assert!(quantise::tables(100, 3).iter().flatten().all(|step| *step == 1));
    assert_eq!(quantise::tables(0, 1), quantise::tables(1, 1));
    assert_eq!(quantise::tables(255, 1), quantise::tables(100, 1));
}

/// A block in sixteenths of a step of one, with a few values among zeros.
fn sparse_block(noise: &mut Noise, values: usize) -> Block {
    let mut block = [0; 64];
    block[0] = 77;
    for _ in 0..values {
        let place = 1 + usize::from(noise.byte()) % 63;
        let sign = if noise.byte() < 128 { 1 } else { -1 };
        block[place] = sign * i16::from(noise.byte() % 72);
    }
    block
}

fn rule(noise: &mut Noise) -> Rule {
    let mut bits = || f32::from(noise.byte()) / 20.0;
    let end = bits();
    let by_size = std::array::from_fn(|_| std::array::from_fn(|_| bits() + 1.0));
    Rule { inverse: [1.0 / 16.0; 64], weights: [6.0; 64], rates: Rates { by_size, end } }
}

/// Bits and errors of a choice of levels, as the sum of what the definitions say.
fn cost(exact: &Block, levels: &[i16; 64], rule: &Rule, weight: f32) -> f32 {
    let (mut cost, mut run) = (0.0, 0);
    for place in 1..64 {
        let error = f32::from(exact[place]) / 16.0 - f32::from(levels[place]);
        cost += weight * error * error;
        if levels[place] == 0 {
            run += 1;
        } else {
            cost += rule.rates.by_size[size_of(levels[place].unsigned_abs()) as usize][run];
            run = 0;
        }
    }
    cost + if run > 0 { rule.rates.end } else { 0.0 }
}

/// The least cost of all ways to make each value its nearest level, the one below, or zero.
fn least_cost(exact: &Block, rule: &Rule, weight: f32) -> f32 {
    let mut choices = vec![[0_i16; 64]];
    for place in 1..64 {
        let nearest = (f32::from(exact[place]).abs() / 16.0 + 0.5).floor() as i16;
        let levels = (1..=nearest).rev().take(2).map(|level| level * exact[place].signum());
        let with = |level: i16| {
            choices.iter().map(move |choice| {
                let mut choice = *choice;
                choice[place] = level;
                choice
            })
        };
        let more: Vec<_> = levels.flat_map(with).collect();
        choices.extend(more);
    }
    choices.iter().map(|levels| cost(exact, levels, rule, weight)).fold(f32::INFINITY, f32::min)
}

#[test]
fn no_other_choice_of_levels_is_cheaper() {
    let mut noise = Noise(11);
    for case in 0..300 {
        let exact = sparse_block(&mut noise, case % 8);
        let rule = rule(&mut noise);
        let mut levels = exact;
        let mask = rule.round(&mut levels);
        levels[0] = 0;
        for (place, level) in levels.iter().enumerate() {
            assert_eq!(mask >> place & 1 == 1, *level != 0);
        }
        // Texture lowers all weights of a block alike; its part is tested below.
        let weight = 6.0 * masking(&exact);
        let (found, least) = (cost(&exact, &levels, &rule, weight), least_cost(&exact, &rule, weight));
        assert!((found - least).abs() < 1e-3 * least.max(1.0), "case {case}: {found}, but {least} is possible");
    }
}

#[test]
fn an_error_weighs_less_where_there_is_texture() {
    let mut noise = Noise(13);
    let mut before = 1.1;
    for loudness in [0_i16, 1, 8, 60] {
        let block: Block = std::array::from_fn(|_| (i16::from(noise.byte()) - 128) * loudness);
        let weight = masking(&block);
        assert!(weight < before && weight > 0.0);
        before = weight;
    }
}
