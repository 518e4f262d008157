//! Times as newtypes, so that a server time never meets a local one. Never reads a clock.

use serde::{Deserialize, Serialize};

/// A record's `clientUpdatedAt`, which orders its copies: milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Stamp(pub i64);

/// A time read from the backend's clock (`serverUpdatedAt`, `serverTime`, `upTo`): milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct ServerMillis(pub i64);

impl Stamp {
    /// The next later stamp.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// True when a JavaScript `Date` can hold this time and it is not negative.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        0 <= self.0 && self.0 <= TIME_MAX_MS
    }
}

impl ServerMillis {
    /// True when a JavaScript `Date` can hold this time and it is not negative.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        0 <= self.0 && self.0 <= TIME_MAX_MS
    }
}

/// The last millisecond that a JavaScript `Date` can hold.
pub const TIME_MAX_MS: i64 = 8_640_000_000_000_000;
