//! When things happen: events in, actions out. Never waits, reads a clock, draws a random number or touches a port.
//!
//! The same events and times give the same actions (I19). [`Engine::wake_at`] says when to send [`Event::Woken`].
//! Source: docs/protocol.md, sections 6 and 8. A cycle (`cycle.rs`) is a queue of tasks, one at a time; `pull.rs` and
//! `push.rs` hold what each task does with its answers.

mod ahead;
pub mod backoff;
mod cycle;
pub mod failure;
mod full;
pub mod lease;
mod offset;
mod opening;
mod pace;
mod pull;
mod push;
mod scan;
pub mod state;
mod view;

use std::rc::Rc;

use crate::checkpoint::{Checkpoint, InFlight};
use crate::commit::Refusal;
use crate::config::Config;
use crate::error::Error;
use crate::incoming::conflict::Notice;
use crate::mutation::{self, Mutation};
use crate::outgoing::encode::Answered;
use crate::ports::{Failure, Now, StoreError};
use crate::record::{ByKey, ByScope, Millis, Scope};
use offset::Offset;
use scan::Comparing;
use state::{Action, Cycle, Event, Halt, Mode, Pace, Running, StoreOutcome};
pub use view::{Progress, View};

/// Decides what happens next.
pub struct Engine {
    config: Rc<Config>,
    account: Option<String>,
    mode: Mode,
    halt: Option<Halt>,
    fence: u64,
    checkpoints: ByScope<Checkpoint>,
    /// What is staged, the next to be answered first.
    in_flight: Vec<InFlight>,
    /// False while it leads without a fence of its own, which it had no room to raise.
    raised: bool,
    /// What was answered and could not be stored.
    answered: Rc<ByKey<Answered>>,
    /// The history of the backend that was heard of last.
    answered_epoch: Option<String>,
    /// Scopes that wait for a new token or a request, and why.
    stopped: ByScope<Error>,
    cycle: Option<Cycle>,
    /// Ticket of the last cycle begun.
    ticket: u64,
    /// Set when something happened that the present cycle may have missed.
    again: bool,
    wake_at: Option<i64>,
    /// Failures of the transport or the store in a row.
    attempt: u32,
    error: Option<Error>,
    last_sync_at: Option<Millis>,
    /// What the last answer, or its absence, says of the connection.
    is_reachable: Option<bool>,
    batch_records: usize,
    batch_bytes: usize,
    pace: Pace,
    is_slow: bool,
    comparing: Comparing,
    offset: Offset,
    next_id: u64,
    random: u64,
    actions: Vec<Action>,
}

impl Engine {
    /// An engine that has not started. `seed` feeds idempotency keys and jitter.
    #[must_use]
    pub fn new(config: Rc<Config>, account: Option<String>, seed: u64) -> Self {
        let (batch_records, batch_bytes) = (config.batch_records, config.batch_bytes);
        Self {
            config,
            account,
            mode: Mode::Stopped,
            halt: None,
            fence: 0,
            checkpoints: ByScope::new(),
            in_flight: Vec::new(),
            raised: false,
            answered: Rc::default(),
            answered_epoch: None,
            stopped: ByScope::new(),
            cycle: None,
            ticket: 0,
            again: false,
            wake_at: None,
            attempt: 0,
            error: None,
            last_sync_at: None,
            is_reachable: None,
            batch_records,
            batch_bytes,
            pace: Pace::default(),
            is_slow: false,
            comparing: Comparing::default(),
            offset: Offset::default(),
            next_id: 0,
            random: seed,
            actions: Vec::new(),
        }
    }

    /// Decides what happens next.
    pub fn handle(&mut self, event: Event, now: Now) -> Vec<Action> {
        match event {
            Event::Start => self.start(),
            Event::Stop => self.stop(Error::Stopped),
            Event::LeadGranted => self.open(now),
            Event::LeadLost => self.lose_lead(),
            Event::Woken => self.woken(now),
            Event::SyncNow => self.sync_now(now),
            Event::Edited => self.wake_by(now.mono + self.pace.debounce_ms.unwrap_or(self.config.debounce_ms)),
            Event::Paced(pace) => self.pace = pace,
            Event::Slow(is_slow) => self.slowed(is_slow, now),
            Event::Touched => self.actions.push(Action::ViewChanged),
            Event::Hint => self.hint(now),
            Event::Poked => self.poked(now),
            Event::TokenChanged => self.token_changed(now),
            Event::SignedIn(account) => self.signed_in(account, now),
            Event::Transacted(id, result) => self.transacted(id, result, now),
            Event::Pulled(id, result) => {
                self.heard(result.as_ref().err());
                self.pulled(id, result, now);
            }
            Event::Pushed(id, result) => {
                self.heard(result.as_ref().err());
                self.pushed(id, result, now);
            }
            Event::TokenReady(id, given) => self.token_ready(id, given, now),
        }
        self.advance(now);
        std::mem::take(&mut self.actions)
    }

    /// When to send [`Event::Woken`], on the monotonic clock.
    #[must_use]
    pub fn wake_at(&self) -> Option<i64> {
        match &self.cycle {
            Some(cycle) => Some(cycle.deadline),
            None if matches!(self.mode, Mode::Opening(_)) && mutation::is(Mutation::OpeningNotWatched) => None,
            None if matches!(self.mode, Mode::Leader | Mode::Opening(_)) && self.halt.is_none() => self.wake_at,
            None => None,
        }
    }

    /// The ticket that a [`Event::SyncNow`] sent now will be answered by.
    #[must_use]
    pub fn next_ticket(&self) -> u64 {
        self.ticket + 1
    }

    /// The estimated lead of the backend's clock, in milliseconds.
    #[must_use]
    pub fn offset_ms(&self, now: Now) -> i64 {
        self.offset.at(now).unwrap_or(0)
    }

    fn start(&mut self) {
        if self.mode == Mode::Stopped {
            self.mode = Mode::Follower;
            self.comparing = Comparing::all(&self.config);
            self.actions.push(Action::AcquireLead);
            self.actions.push(Action::ViewChanged);
        }
    }

    fn stop(&mut self, why: Error) {
        if self.mode == Mode::Stopped {
            return;
        }
        self.mode = Mode::Stopped;
        self.wake_at = None;
        self.end_cycle_with(Err(why));
        self.actions.push(Action::ReleaseLead);
    }

    fn woken(&mut self, now: Now) {
        let overdue = self.cycle.as_ref().is_some_and(|cycle| cycle.deadline <= now.mono);
        if overdue {
            // Whatever comes of it now is too late: its number is forgotten and its fence is raised.
            let error = Error::Timeout { after_ms: WATCHDOG_MS };
            self.give_up(error, None, now);
            if self.mode == Mode::Leader {
                self.open(now);
            }
        } else if self.cycle.is_none() && self.wake_at.is_some_and(|at| at <= now.mono) {
            match self.mode {
                Mode::Leader => self.begin(now),
                // Its transaction failed, or was never answered.
                Mode::Opening(_) => self.open(now),
                Mode::Stopped | Mode::Follower => {}
            }
        }
    }

    fn sync_now(&mut self, now: Now) {
        self.stopped.clear();
        if self.halt == Some(Halt::AuthNeeded) || self.halt == Some(Halt::UpgradeRequired) {
            self.halt = None;
        }
        self.begin_or_again(now);
    }

    fn token_changed(&mut self, now: Now) {
        self.stopped.clear();
        if self.halt == Some(Halt::AuthNeeded) {
            self.halt = None;
        }
        // The token that the present cycle refreshed is not the one it will send now.
        if let Some(cycle) = &mut self.cycle {
            cycle.token_refreshed = false;
        }
        self.begin_or_again(now);
    }

    fn begin_or_again(&mut self, now: Now) {
        if self.cycle.is_some() {
            self.again = true;
        } else {
            self.begin(now);
        }
    }

    /// An answer of any kind comes from somewhere; one that is not the backend's tells nothing.
    fn heard(&mut self, failure: Option<&Failure>) {
        self.is_reachable = match failure {
            None | Some(Failure::Status { .. }) => Some(true),
            Some(Failure::Network | Failure::Timeout) => Some(false),
            Some(Failure::BadResponse { .. } | Failure::Redirected) => self.is_reachable,
        };
    }

    fn transacted(&mut self, id: u64, result: Result<StoreOutcome, StoreError>, now: Now) {
        if self.mode == Mode::Opening(id) {
            return self.opened(result, now);
        }
        if self.apply_id() == Some(id) {
            return self.page_applied(result, now);
        }
        if self.settle_id() == Some(id) {
            return self.settled(result, now);
        }
        let awaited =
            matches!(&self.cycle, Some(Cycle { running: Some(Running::Transaction(awaited)), .. }) if *awaited == id);
        let Some(cycle) = self.cycle.as_mut().filter(|_| awaited) else { return };
        cycle.running = None;
        match result {
            Err(error) => self.store_failed(&error, None, now),
            Ok(StoreOutcome::Open(_) | StoreOutcome::Apply(_) | StoreOutcome::Settle(_)) => {}
            Ok(StoreOutcome::Scan(scanned)) => self.scanned(scanned),
            Ok(StoreOutcome::StartResync(scope, checkpoint)) => self.resync_started(scope, checkpoint),
            Ok(StoreOutcome::Plan(planned)) => {
                cycle.plan = planned.into();
                // Records that lacked a parent are among the planned, and say so again.
                cycle.orphans.clear();
            }
            Ok(StoreOutcome::Stage(staged)) => self.staged(staged, now),
            Ok(StoreOutcome::Unstage(notices)) => {
                self.in_flight.clear();
                self.tell(notices);
            }
            Ok(StoreOutcome::Restamp(notices)) => self.tell(notices),
        }
    }

    /// A transaction did not commit, so nothing in memory may follow it.
    fn store_failed(&mut self, error: &StoreError, scope: Option<Scope>, now: Now) {
        match (error, scope) {
            (StoreError::Refused(Refusal::Fenced), _) => self.lose_lead(),
            (StoreError::Refused(Refusal::AccountMismatch), _) => {
                self.halted(Halt::AccountMismatch, Error::AccountMismatch);
            }
            (StoreError::Closed, _) => self.halted(Halt::StoreClosed, Error::StoreClosed),
            (StoreError::Refused(Refusal::EpochChanged(epoch)), Some(scope)) => {
                self.resync(scope, Some(epoch.clone()), now)
            }
            // What was read before is no longer so (or gone): read it again.
            (StoreError::Refused(_), _) => {
                self.give_up(store_error(error), None, now);
                self.open(now);
            }
            (StoreError::Quota, _) => self.storage_full(now),
            (StoreError::Failed { .. }, _) => self.give_up(store_error(error), None, now),
        }
    }

    fn tell(&mut self, notices: Vec<Notice>) {
        if notices.is_empty() {
            return;
        }
        if let Some(cycle) = &mut self.cycle {
            for notice in &notices {
                match notice {
                    Notice::Conflict(_) => cycle.report.conflicts += 1,
                    Notice::Failed { .. } => cycle.report.rejected += 1,
                    Notice::Quarantined { .. } => cycle.report.quarantined += 1,
                    Notice::Superseded { .. } | Notice::Restamped { .. } | Notice::LostByBackend(_) => {}
                }
            }
        }
        self.actions.push(Action::Tell(notices));
    }

    fn changed(&mut self, keys: Vec<crate::record::Key>) {
        if !keys.is_empty() {
            self.actions.push(Action::Changed(keys));
        }
    }

    fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// The next number of a fixed sequence (SplitMix64) that the seed starts.
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

/// The error that the app is told.
#[must_use]
pub fn store_error(error: &StoreError) -> Error {
    match error {
        StoreError::Quota => Error::QuotaExceeded,
        StoreError::Closed => Error::StoreClosed,
        StoreError::Failed { name, message } => Error::Store { name: name.clone(), message: message.clone() },
        StoreError::Refused(Refusal::AccountMismatch) => Error::AccountMismatch,
        StoreError::Refused(Refusal::NotFound(key)) => {
            Error::NotFound { entity: key.entity.0.to_string(), id: key.id.clone() }
        }
        StoreError::Refused(Refusal::Fenced | Refusal::Stale | Refusal::NoReplica | Refusal::EpochChanged(_)) => {
            Error::Fenced
        }
    }
}

fn uuid_of(high: u64, low: u64) -> String {
    uuid::Builder::from_random_bytes((u128::from(high) << 64 | u128::from(low)).to_be_bytes()).into_uuid().to_string()
}

/// How long a cycle waits for one answer of a port before it counts as lost, in milliseconds.
const WATCHDOG_MS: i64 = 120_000;
