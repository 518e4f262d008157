//! When the next cycle comes of itself: the interval, an edit, a poke. Never shortens a backoff.

use super::Engine;
use super::state::Mode;
use crate::ports::Now;

impl Engine {
    pub(super) fn wake_by(&mut self, at: i64) {
        self.again |= self.cycle.is_some();
        // An edit does not shorten a backoff: the backend asked for, or needs, the rest.
        if self.attempt == 0 && self.mode == Mode::Leader {
            self.wake_at = Some(self.wake_at.map_or(at, |wake| wake.min(at)));
        }
    }

    pub(super) fn slowed(&mut self, is_slow: bool, now: Now) {
        self.is_slow = is_slow;
        // Nobody should wait out what is left of a slow interval.
        let soonest = now.mono + self.interval_ms();
        if !is_slow && self.attempt == 0 {
            self.wake_at = self.wake_at.map(|wake| wake.min(soonest));
        }
    }

    /// Waits out a backoff unless no answer came at all: a connection that is back needs no rest, a backend does.
    pub(super) fn hint(&mut self, now: Now) {
        if self.cycle.is_some() || self.attempt == 0 || self.is_reachable == Some(false) {
            self.begin_or_again(now);
        }
    }

    /// Our own push pokes us too, mostly before it is answered: the pulls that follow a push see to that.
    pub(super) fn poked(&mut self, now: Now) {
        match &mut self.cycle {
            Some(cycle) if !cycle.is_closing => cycle.poked = true,
            Some(_) | None => self.hint(now),
        }
    }

    pub(super) fn interval_ms(&self) -> i64 {
        let interval_ms = self.pace.interval_ms.unwrap_or(self.config.interval_ms);
        if self.is_slow { interval_ms.saturating_mul(SLOW_FACTOR) } else { interval_ms }
    }
}

/// How many intervals make a slow one.
const SLOW_FACTOR: i64 = 10;
