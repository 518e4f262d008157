//! The four ports: what the engine needs of its surroundings. Adapters translate and hold no rules.

use std::future::Future;

use crate::checkpoint::InFlight;
use crate::commit::{Refusal, Step};
use crate::incoming::pull::Page;
use crate::outgoing::push::Answer;
use crate::record::{Millis, Scope};

/// The app's database, with lastword's own stores in it.
pub trait Store {
    /// Runs one transaction: reads, decides, writes. All of it happens or none.
    ///
    /// Resolves once the transaction has committed. Nothing else is awaited inside.
    fn run<S: Step>(&self, step: &S) -> impl Future<Output = Result<S::Outcome, StoreError>>;
}

/// The backend.
pub trait Transport {
    /// Fetches the page of `scope` behind `cursor`, at most `limit` records.
    fn pull(&self, scope: Scope, cursor: Option<&str>, limit: usize) -> impl Future<Output = Result<Page, Failure>>;
    /// Sends a body as it is stored; the same key each time.
    fn push(&self, in_flight: &InFlight) -> impl Future<Output = Result<Answer, Failure>>;
    /// Asks the app for another token, since the last one was refused. False when the app has none.
    fn refresh_token(&self) -> impl Future<Output = bool>;
}

/// Time and chance.
pub trait Clock {
    /// The wall clock, which may jump, and a monotonic clock, which does not.
    fn now(&self) -> Now;
    /// A random number.
    fn random(&self) -> u64;
    /// Resolves after `ms` milliseconds.
    fn sleep(&self, ms: i64) -> impl Future<Output = ()>;
}

/// The right to sync for this database and account.
pub trait Locks {
    /// Resolves with a guard when this context leads; dropping the guard gives the lead up.
    fn lead(&self) -> impl Future<Output = Result<Self::Guard, StoreError>>;
    /// Held while leading.
    type Guard;
}

/// One reading of both clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// The wall clock.
    pub wall: Millis,
    /// Milliseconds since some fixed moment; never goes back.
    pub mono: i64,
}

/// Why a transaction did not commit. Nothing of it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// The step itself gave up.
    Refused(Refusal),
    /// No room.
    Quota,
    /// The database was closed or deleted under us.
    Closed,
    /// The browser gave another error.
    Failed {
        /// Its name (`AbortError`, `UnknownError`, …).
        name: String,
        /// What it said.
        message: String,
    },
}

/// Why a request has no usable answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No connection.
    Network,
    /// No progress within the deadline.
    Timeout,
    /// An answer of another status than 2xx.
    Status {
        /// HTTP status.
        status: u16,
        /// The backend's message, where its body is of the protocol.
        message: String,
        /// How long it asked to wait, in milliseconds.
        retry_after_ms: Option<u64>,
        /// The backend's present epoch, with 410.
        epoch: Option<String>,
    },
    /// A 2xx answer that is not of the protocol.
    BadResponse {
        /// What is wrong with it.
        reason: String,
    },
    /// A redirect or another origin; nothing was sent on.
    Redirected,
}
