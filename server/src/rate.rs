//! How often one user may call. Counts on this node only; floods without credentials are for the proxy in front.

use std::num::NonZeroU32;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::store::UserId;

/// Limits each user's requests.
pub struct RateLimit(Option<DefaultKeyedRateLimiter<UserId>>);

impl RateLimit {
    /// Allows `per_second` requests in the long run and ten seconds' worth at once; 0 allows all.
    #[must_use]
    pub fn new(per_second: u32) -> Self {
        let quota = NonZeroU32::new(per_second).map(|rate| {
            let burst = rate.saturating_mul(NonZeroU32::new(BURST_SECONDS).unwrap_or(NonZeroU32::MIN));
            Quota::per_second(rate).allow_burst(burst)
        });
        Self(quota.map(RateLimiter::keyed))
    }

    /// Counts one request of `user`.
    ///
    /// # Errors
    /// How many milliseconds to wait, when it is one too many.
    pub fn check(&self, user: UserId) -> Result<(), u64> {
        let Some(limiter) = &self.0 else { return Ok(()) };
        limiter.check_key(&user).map_err(|denied| {
            let wait = denied.wait_time_from(DefaultClock::default().now());
            u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1)
        })
    }

    /// Forgets users who have not called for a while.
    pub fn forget_idle(&self) {
        if let Some(limiter) = &self.0 {
            limiter.retain_recent();
        }
    }
}

const BURST_SECONDS: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_user_who_calls_too_often_waits_and_no_other_does() {
        let (limit, ann, bob) = (RateLimit::new(1), UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let refused = (0..11).find_map(|_| limit.check(ann).err());
        assert!(refused.is_some_and(|wait_ms| (1..=1000).contains(&wait_ms)), "{refused:?}");
        assert_eq!(limit.check(bob), Ok(()));
        let none = RateLimit::new(0);
        assert!((0..1000).all(|_| none.check(ann).is_ok()));
    }
}
