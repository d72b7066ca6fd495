//! Chance that repeats: the same seed, the same numbers (`SplitMix64`, <https://prng.di.unimi.it/splitmix64.c>).
#![allow(dead_code, reason = "no test binary uses all of it")]

use std::time::Duration;

/// A source of numbers.
pub(crate) struct Chance(u64);

impl Chance {
    /// A source that is as `seed` has it.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The seed that the environment variable `name` has, else another one for each run.
    pub(crate) fn seed_of(name: &str) -> u64 {
        let given = std::env::var(name).ok();
        given.map_or_else(
            || {
                let now = std::time::SystemTime::now();
                let since = now.duration_since(std::time::UNIX_EPOCH);
                u64::from(since.expect("a clock").subsec_nanos())
            },
            |seed| seed.parse().expect("a number as the seed"),
        )
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// Whether something happens that does so `percent` times in a hundred.
    pub(crate) fn happens(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of several.
    pub(crate) fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        let at = self.below(all.len() as u64);
        all[usize::try_from(at).expect("an index")].clone()
    }

    /// A time below `longest`.
    pub(crate) fn time(&mut self, longest: Duration) -> Duration {
        let micros = u64::try_from(longest.as_micros()).expect("a short time");
        Duration::from_micros(self.below(micros))
    }
}
