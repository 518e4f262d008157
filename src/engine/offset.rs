//! Estimates how far the backend's clock leads this replica's, from the times in its answers. Never reads a clock.
//!
//! Samples hold backend time against the monotonic clock, so a wall clock that jumps changes no sample.
//! Source: docs/protocol.md, section 3.

use std::collections::VecDeque;

use crate::ports::Now;
use crate::record::ServerMillis;

/// The last few samples.
#[derive(Clone, Debug, Default)]
pub(super) struct Offset {
    samples: VecDeque<Sample>,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    delay_ms: i64,
    server_minus_mono: i64,
}

impl Offset {
    /// Takes a sample: the backend read `server_time` somewhere between `sent` and `received`.
    pub(super) fn sample(&mut self, sent: Now, received: Now, server_time: ServerMillis) {
        let delay_ms = received.mono - sent.mono;
        let middle = sent.mono + delay_ms / 2;
        self.samples.push_back(Sample { delay_ms, server_minus_mono: server_time.0 - middle });
        if self.samples.len() > SAMPLES_MAX {
            self.samples.pop_front();
        }
    }

    /// Backend time minus wall time, in milliseconds, by the sample with the smallest delay; none before the first answer.
    #[must_use]
    pub(super) fn at(&self, now: Now) -> Option<i64> {
        let best = self.samples.iter().min_by_key(|sample| sample.delay_ms)?;
        Some(best.server_minus_mono + now.mono - now.wall.0)
    }
}

const SAMPLES_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Millis;

    fn now(wall: i64, mono: i64) -> Now {
        Now { wall: Millis(wall), mono }
    }

    #[test]
    fn the_quickest_answer_counts() {
        let mut offset = Offset::default();
        assert_eq!(offset.at(now(1_000, 0)), None);
        offset.sample(now(1_000, 0), now(1_900, 900), ServerMillis(9_000));
        offset.sample(now(2_000, 1_000), now(2_010, 1_010), ServerMillis(7_005));
        assert_eq!(offset.at(now(2_010, 1_010)), Some(5_000));
    }

    #[test]
    fn a_jump_of_the_wall_clock_moves_the_offset_the_other_way() {
        let mut offset = Offset::default();
        offset.sample(now(1_000, 0), now(1_000, 0), ServerMillis(1_000));
        assert_eq!(offset.at(now(61_000, 0)), Some(-60_000));
    }
}
