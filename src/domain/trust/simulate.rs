//! How often a class that has earned nothing would be unlocked, measured on made-up records.
//!
//! Must not take randomness from anywhere: the same seed gives the same paths on every machine.

use super::gate::{PASS, most_failures, score};
use super::threshold::Threshold;
use serde::Serialize;

/// What is simulated.
#[derive(Clone, Copy, Debug)]
pub struct Simulation {
    /// The true share of good outcomes.
    pub rate: f64,
    /// How many classes.
    pub paths: u64,
    /// How many outcomes each has; the gates are asked after every one.
    pub looks: u64,
    /// The wanted lower bound.
    pub threshold: Threshold,
    /// Where the generator starts.
    pub seed: u64,
}

impl Simulation {
    /// Whether it can be simulated; a sentence says why not.
    pub(super) fn check(&self) -> Result<(), String> {
        if !(0.0..=1.0).contains(&self.rate) {
            return Err(format!("rate {}: write 0 to 1", self.rate));
        }
        if self.paths == 0 || self.looks == 0 || self.looks > 1_000_000 {
            return Err("at least one path, and 1 to 1000000 looks".into());
        }
        Ok(())
    }
}

/// What came out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Simulated {
    /// Share of paths that Wilson's bound alone ever lets through.
    pub wilson_alone: f64,
    /// Its standard error.
    pub wilson_alone_error: f64,
    /// Share of paths that the bound and the score ever let through at once.
    pub both: f64,
    /// Its standard error.
    pub both_error: f64,
}

/// Draws the records and asks both gates after every outcome.
pub fn simulate(simulation: &Simulation) -> Result<Simulated, String> {
    let Simulation { rate, paths, looks, threshold, seed } = *simulation;
    simulation.check()?;
    // The most failures that pass after each outcome: one table lookup a step instead of the whole inequality.
    let most: Vec<Option<u64>> = (0..=looks).map(|n| most_failures(threshold, n)).collect();
    let mut draws = Draws::new(seed, rate);
    let (mut alone, mut both) = (0, 0);
    for _ in 0..paths {
        let (wilson, unlocked) = path(&mut draws, &most, threshold.success());
        alone += u64::from(wilson);
        both += u64::from(unlocked);
    }
    let share = |count: u64| count as f64 / paths as f64;
    let error = |count: u64| (share(count) * (1.0 - share(count)) / paths as f64).sqrt();
    Ok(Simulated {
        wilson_alone: share(alone),
        wilson_alone_error: error(alone),
        both: share(both),
        both_error: error(both),
    })
}

/// One class: whether Wilson's bound ever passed, and whether both gates ever did at once.
fn path(draws: &mut Draws, most: &[Option<u64>], success: i64) -> (bool, bool) {
    let (mut failures, mut sum, mut alone) = (0, 0, false);
    for most in most.iter().skip(1) {
        let good = draws.next();
        failures += u64::from(!good);
        sum = score(sum, good, success);
        if most.is_some_and(|most| failures <= most) {
            alone = true;
            if sum >= PASS {
                return (true, true);
            }
        }
    }
    (alone, false)
}

/// Good and bad outcomes, drawn by SplitMix64 (G. L. Steele, D. Lea, C. H. Flood, 2014).
struct Draws {
    state: u64,
    good_below: u128,
}

impl Draws {
    fn new(seed: u64, rate: f64) -> Draws {
        // The rate in 2^64ths; one is above every number.
        Draws { state: seed, good_below: (rate * 18_446_744_073_709_551_616.0) as u128 }
    }

    fn next(&mut self) -> bool {
        u128::from(self.number()) < self.good_below
    }

    fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_splitmix64() {
        let mut draws = Draws::new(1_234_567, 0.5);
        let wanted = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        for wanted in wanted {
            assert_eq!(draws.number(), wanted);
        }
        // A rate of 0 draws nothing good and one of 1 nothing bad; a number at the rate is above it.
        let below = |good_below: u64| Draws { state: 1_234_567, good_below: good_below.into() }.next();
        assert!(!below(wanted[0]) && below(wanted[0] + 1));
    }
}
