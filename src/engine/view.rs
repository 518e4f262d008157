//! What the engine is doing, for people. Never changes anything.

use super::Engine;
use super::state::{Cycle, Halt, Mode, Running};
use crate::checkpoint::InFlight;
use crate::error::Error;
use crate::ports::Now;
use crate::record::Millis;

/// What the engine is doing, for people.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Whether this context leads.
    pub mode: Mode,
    /// Why nothing is tried, if so.
    pub halt: Option<Halt>,
    /// True during a cycle.
    pub is_syncing: bool,
    /// True while records are being pushed, false while they are pulled; none at other times.
    pub progress: Option<Progress>,
    /// The last error, until a cycle succeeds.
    pub error: Option<Error>,
    /// Whether the backend could be reached when it was last asked; none before that.
    pub is_reachable: Option<bool>,
    /// When the last whole cycle ended well.
    pub last_sync_at: Option<Millis>,
    /// Milliseconds until the next try.
    pub next_try_in_ms: Option<i64>,
}

/// How far a pull or push has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// True for a push.
    pub is_push: bool,
    /// Records done.
    pub done: usize,
    /// Records in all, where known.
    pub total: Option<usize>,
    /// Bytes fetched so far; none for a push, which is counted.
    pub bytes: Option<usize>,
}

impl Engine {
    /// What the engine is doing.
    #[must_use]
    pub fn view(&self, now: Now) -> View {
        View {
            mode: self.mode,
            halt: self.halt,
            is_syncing: self.cycle.is_some(),
            progress: self.cycle.as_ref().and_then(|cycle| cycle.progress(&self.in_flight)),
            error: self.error.clone(),
            is_reachable: self.is_reachable,
            last_sync_at: self.last_sync_at,
            next_try_in_ms: self.wake_at.filter(|_| self.cycle.is_none()).map(|at| (at - now.mono).max(0)),
        }
    }
}

impl Cycle {
    fn progress(&self, in_flight: &[InFlight]) -> Option<Progress> {
        match self.running.as_ref()? {
            Running::Pull(pulling) => Some(Progress {
                is_push: false,
                done: pulling.arrived,
                total: pulling.remaining.map(|left| pulling.arrived + usize::try_from(left).unwrap_or(0)),
                bytes: Some(pulling.bytes),
            }),
            Running::Push(_) => Some(Progress {
                is_push: true,
                done: self.report.pushed,
                total: Some(
                    in_flight.iter().map(|body| body.sent.len()).sum::<usize>() + self.report.pushed + self.plan.len(),
                ),
                bytes: None,
            }),
            Running::Transaction(_) | Running::Token { .. } => None,
        }
    }
}
