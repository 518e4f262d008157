//! What each kind of answer means for the cycle: the one table of docs/protocol.md, section 6. Never acts on it.

use crate::error::Error;
use crate::ports::Failure;

/// What to do about a failed request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Try again after the backoff.
    Transient,
    /// Try again after the wait the backend asked for, with smaller batches.
    Throttled,
    /// Refresh the token once, then ask the user.
    Auth,
    /// Stop the scope: this user may not.
    Forbidden,
    /// Stop the scope: there is no such endpoint.
    Configuration,
    /// Pull everything anew.
    Expired,
    /// Pull, merge, push again.
    Conflict,
    /// Stop: the backend needs another version.
    Version,
    /// Halve the batch.
    TooLarge,
    /// Split the batch to find the records at fault.
    Poison,
}

/// Sorts a failure. `is_push` tells a push from a pull.
#[must_use]
pub fn class(failure: &Failure, is_push: bool) -> Class {
    let status = match failure {
        Failure::Network | Failure::Timeout | Failure::BadResponse { .. } | Failure::Redirected => {
            return Class::Transient;
        }
        Failure::Status { status, .. } => *status,
    };
    match status {
        401 => Class::Auth,
        403 => Class::Forbidden,
        404 | 405 | 501 => Class::Configuration,
        408 | 425 => Class::Transient,
        409 | 412 if is_push => Class::Conflict,
        410 if !is_push => Class::Expired,
        413 if is_push => Class::TooLarge,
        415 | 426 => Class::Version,
        429 => Class::Throttled,
        400..=499 if is_push => Class::Poison,
        400..=499 => Class::Configuration,
        _ => Class::Transient,
    }
}

/// How long the backend asked to wait, in milliseconds.
#[must_use]
pub fn retry_after_ms(failure: &Failure) -> Option<u64> {
    if let Failure::Status { retry_after_ms, .. } = failure { *retry_after_ms } else { None }
}

/// The error that the app is told.
#[must_use]
pub fn error(failure: &Failure, scope: &str) -> Error {
    match failure {
        Failure::Network => Error::Network,
        Failure::Timeout => Error::Timeout { after_ms: REQUEST_DEADLINE_MS },
        Failure::BadResponse { reason } => Error::BadResponse { reason: reason.clone() },
        Failure::Redirected => Error::BadResponse { reason: "it redirects, and a token is not sent on".into() },
        Failure::Status { status, message, retry_after_ms, .. } => match status {
            401 => Error::AuthNeeded,
            403 => Error::Forbidden { scope: scope.to_owned() },
            404 | 405 | 501 => Error::NoEndpoint { scope: scope.to_owned(), status: *status },
            415 | 426 => Error::UpgradeRequired,
            _ => Error::Backend { status: *status, message: message.clone(), retry_after_ms: *retry_after_ms },
        },
    }
}

/// How long a request may go on without progress, in milliseconds.
pub const REQUEST_DEADLINE_MS: i64 = 30_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_class() {
        let check = |status: u16, pull: Class, push: Class| {
            let failure = Failure::Status { status, message: String::new(), retry_after_ms: None, epoch: None };
            assert_eq!((class(&failure, false), class(&failure, true)), (pull, push), "{status}");
        };
        use Class::{
            Auth, Configuration, Conflict, Expired, Forbidden, Poison, Throttled, TooLarge, Transient, Version,
        };
        check(400, Configuration, Poison);
        check(401, Auth, Auth);
        check(403, Forbidden, Forbidden);
        check(404, Configuration, Configuration);
        check(405, Configuration, Configuration);
        check(408, Transient, Transient);
        check(409, Configuration, Conflict);
        check(410, Expired, Poison);
        check(412, Configuration, Conflict);
        check(413, Configuration, TooLarge);
        check(415, Version, Version);
        check(418, Configuration, Poison);
        check(422, Configuration, Poison);
        check(425, Transient, Transient);
        check(426, Version, Version);
        check(429, Throttled, Throttled);
        check(500, Transient, Transient);
        check(501, Configuration, Configuration);
        check(503, Transient, Transient);
        check(302, Transient, Transient);
    }
}
