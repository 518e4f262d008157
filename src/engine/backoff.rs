//! The delay before trying again: 1, 2, 4, 8, 16, 32, then 60 seconds. Never draws a random number itself.

/// The delay after the `attempt`-th failure in a row, in milliseconds; `attempt` counts from 1.
#[must_use]
pub fn delay_ms(attempt: u32) -> i64 {
    let doublings = attempt.saturating_sub(1).min(DOUBLINGS_MAX);
    (DELAY_MIN_MS << doublings).min(DELAY_MAX_MS)
}

/// Lengthens `delay_ms` to what the backend asked for, within [`RETRY_AFTER_MAX_MS`].
#[must_use]
pub fn at_least(delay_ms: i64, retry_after_ms: Option<u64>) -> i64 {
    let asked = retry_after_ms.map_or(0, |asked| i64::try_from(asked).unwrap_or(RETRY_AFTER_MAX_MS));
    delay_ms.max(asked.min(RETRY_AFTER_MAX_MS))
}

/// Full jitter: a point between 0 and `delay_ms`, by a random 32-bit number.
#[must_use]
pub fn jittered(delay_ms: i64, random: u32) -> i64 {
    (delay_ms * i64::from(random)) >> 32
}

const DOUBLINGS_MAX: u32 = 6;
/// The first delay.
pub const DELAY_MIN_MS: i64 = 1_000;
/// The longest delay of our own.
pub const DELAY_MAX_MS: i64 = 60_000;
/// The longest delay a backend may ask for.
pub const RETRY_AFTER_MAX_MS: i64 = 3_600_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_of_g6() {
        let delays: Vec<i64> = (1..=9).map(delay_ms).collect();
        assert_eq!(delays, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    }

    #[test]
    fn a_backend_lengthens_but_never_shortens() {
        assert_eq!(at_least(4_000, None), 4_000);
        assert_eq!(at_least(4_000, Some(1)), 4_000);
        assert_eq!(at_least(4_000, Some(9_000)), 9_000);
        assert_eq!(at_least(4_000, Some(u64::MAX)), RETRY_AFTER_MAX_MS);
    }

    #[test]
    fn jitter_stays_within_the_delay() {
        assert_eq!(jittered(1_000, 0), 0);
        assert_eq!(jittered(1_000, u32::MAX), 999);
    }
}
