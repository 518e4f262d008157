//! The backend's clock, given in from outside so that tests can set it. Never used for ordering a user's own copies.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use lastword_protocol::time::ServerMillis;

/// Reads the backend's time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> ServerMillis + Send + Sync>);

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::from_fn(|| {
            let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            ServerMillis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
        })
    }

    /// A clock that reads `now`.
    pub fn from_fn(now: impl Fn() -> ServerMillis + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> ServerMillis {
        (self.0)()
    }
}
