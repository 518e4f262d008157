//! When things happen: events in, actions out. Never waits, reads a clock, draws a random number or touches a port.
//!
//! The same events and times give the same actions (I19). [`Engine::wake_at`] says when to send [`Event::Woken`].
//! Source: docs/protocol.md, sections 6 and 8. A cycle is a queue of tasks, one at a time; `pull.rs` and `push.rs` hold
//! what each task does with its answers.

pub mod backoff;
pub mod failure;
mod full;
pub mod lease;
mod offset;
mod pace;
mod pull;
mod push;
pub mod state;
mod view;

use std::collections::VecDeque;
use std::rc::Rc;

use crate::checkpoint::{Checkpoint, InFlight};
use crate::commit::Refusal;
use crate::config::{Config, Detect};
use crate::error::Error;
use crate::incoming::conflict::Notice;
use crate::mutation::{self, Mutation};
use crate::outgoing::encode::Answered;
use crate::ports::{Failure, Now, StoreError};
use crate::record::{ByKey, ByScope, Entity, Millis, Scope};
use lease::Open;
use offset::Offset;
use state::{Action, Cycle, Event, Halt, Mode, Pace, Report, Running, StoreOutcome, StoreStep, Task};
pub use view::{Progress, View};

/// Decides what happens next.
pub struct Engine {
    config: Rc<Config>,
    account: Option<String>,
    mode: Mode,
    halt: Option<Halt>,
    fence: u64,
    checkpoints: ByScope<Checkpoint>,
    in_flight: Option<InFlight>,
    /// False while it leads without a fence of its own, which it had no room to raise.
    raised: bool,
    /// What was answered and could not be stored.
    answered: Rc<ByKey<Answered>>,
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
            in_flight: None,
            raised: false,
            answered: Rc::default(),
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

    fn lose_lead(&mut self) {
        if matches!(self.mode, Mode::Leader | Mode::Opening(_)) {
            self.stop(Error::Fenced);
            self.start();
        }
    }

    /// Reads the durable state and raises the fence; what is held in memory follows it.
    fn open(&mut self, now: Now) {
        if self.mode == Mode::Stopped {
            return;
        }
        self.wake_at = Some(now.mono + WATCHDOG_MS);
        self.end_cycle_with(Err(Error::Fenced));
        let id = self.id();
        let (high, low) = (self.draw(), self.draw());
        let open =
            Open { account: self.account.clone(), device_id: uuid_of(high, low), hash_key: self.draw(), lead: true };
        self.raised = true;
        self.mode = Mode::Opening(id);
        self.actions.push(Action::Transact(id, StoreStep::Open(open)));
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

    /// The store has accepted the account already.
    fn signed_in(&mut self, account: Option<String>, now: Now) {
        self.account = account;
        if self.halt == Some(Halt::AccountMismatch) {
            self.halt = None;
            self.error = None;
            self.actions.push(Action::AcquireLead);
        }
        self.token_changed(now);
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

    fn begin(&mut self, now: Now) {
        if self.mode != Mode::Leader || self.halt.is_some() {
            return;
        }
        if !self.raised {
            return self.open(now);
        }
        self.begin_cycle(now);
    }

    fn begin_cycle(&mut self, now: Now) {
        self.ticket += 1;
        self.again = false;
        let mut tasks = VecDeque::new();
        if self.in_flight.is_some() {
            tasks.push_back(Task::Resend);
        }
        let scanned: Vec<Entity> =
            self.config.all().filter(|entity| self.config.entity(*entity).detect == Detect::Scan).collect();
        tasks.extend(scanned.iter().copied().map(Task::Scan));
        tasks.extend(self.config.scopes().into_iter().map(Task::Pull));
        tasks.extend(scanned.into_iter().map(Task::Scan));
        tasks.push_back(Task::Plan);
        self.cycle = Some(Cycle {
            ticket: self.ticket,
            tasks,
            running: None,
            deadline: now.mono + WATCHDOG_MS,
            plan: VecDeque::new(),
            pushed: ByScope::new(),
            poked: false,
            is_closing: false,
            token_refreshed: false,
            orphans: Vec::new(),
            parents_pulled: Vec::new(),
            full: None,
            resyncs: 0,
            conflicts: 0,
            report: Report::default(),
            error: None,
        });
        self.actions.push(Action::ViewChanged);
    }

    /// Starts tasks until one waits.
    fn advance(&mut self, now: Now) {
        while let Some(cycle) = &mut self.cycle {
            if cycle.running.is_some() {
                return;
            }
            cycle.deadline = now.mono + WATCHDOG_MS;
            let task = match cycle.tasks.pop_front() {
                Some(task) => task,
                None if !cycle.plan.is_empty() => Task::Batch,
                None if cycle.full.is_some() => return self.give_up(Error::QuotaExceeded, None, now),
                None if !cycle.orphans.is_empty() => {
                    cycle.pull_parents(&self.config);
                    continue;
                }
                None if cycle.poked || !cycle.pushed.is_empty() => {
                    let (pushed, poked) = (std::mem::take(&mut cycle.pushed), std::mem::take(&mut cycle.poked));
                    cycle.is_closing = true;
                    let scopes = if poked {
                        self.config.scopes()
                    } else {
                        pushed.into_iter().map(|(scope, ())| scope).collect()
                    };
                    cycle.tasks.extend(scopes.into_iter().map(Task::Pull));
                    continue;
                }
                None => {
                    self.end_cycle(now);
                    continue;
                }
            };
            self.begin_task(task, now);
        }
    }

    fn begin_task(&mut self, task: Task, now: Now) {
        let fence = self.fence;
        let offset_ms = self.offset_ms(now);
        let step = match task {
            Task::Resend => return self.resend(now),
            Task::Pull(scope) => return self.begin_pull(scope, now),
            Task::Batch => return self.stage(now),
            Task::Unstage(fault) => return self.unstage(fault, now),
            Task::Scan(entity) => StoreStep::Scan(crate::outgoing::detect::Scan {
                fence,
                entity,
                now: now.wall,
                offset_ms,
                deep: self.last_sync_at.is_none(),
            }),
            Task::Resync(scope, reason, epoch) => {
                StoreStep::StartResync(crate::incoming::resync::StartResync { fence, scope, reason, epoch })
            }
            Task::Plan => StoreStep::Plan(crate::outgoing::encode::Plan { now: now.wall }),
            Task::Restamp => StoreStep::Restamp(crate::outgoing::ack::Restamp { fence, now: now.wall, offset_ms }),
        };
        self.transact(step);
    }

    fn transact(&mut self, step: StoreStep) {
        let id = self.id();
        self.run(Running::Transaction(id));
        self.actions.push(Action::Transact(id, step));
    }

    fn run(&mut self, running: Running) {
        if let Some(cycle) = &mut self.cycle {
            cycle.running = Some(running);
        }
    }

    fn transacted(&mut self, id: u64, result: Result<StoreOutcome, StoreError>, now: Now) {
        if self.mode == Mode::Opening(id) {
            return self.opened(result, now);
        }
        if self.apply_id() == Some(id) {
            return self.page_applied(result, now);
        }
        let awaited =
            matches!(&self.cycle, Some(Cycle { running: Some(Running::Transaction(awaited)), .. }) if *awaited == id);
        let Some(cycle) = self.cycle.as_mut().filter(|_| awaited) else { return };
        cycle.running = None;
        match result {
            Err(error) => self.store_failed(&error, None, now),
            Ok(StoreOutcome::Open(_) | StoreOutcome::Apply(_)) => {}
            Ok(StoreOutcome::Scan(_)) => {}
            Ok(StoreOutcome::StartResync(scope, checkpoint)) => self.resync_started(scope, checkpoint),
            Ok(StoreOutcome::Plan(planned)) => {
                cycle.plan = planned.into();
                // Records that lacked a parent are among the planned, and say so again.
                cycle.orphans.clear();
            }
            Ok(StoreOutcome::Stage(staged)) => self.staged(staged, now),
            Ok(StoreOutcome::Settle(settled)) => self.settled(settled, now),
            Ok(StoreOutcome::Unstage(notices)) => {
                self.in_flight = None;
                self.tell(notices);
            }
            Ok(StoreOutcome::Restamp(notices)) => self.tell(notices),
        }
    }

    fn opened(&mut self, result: Result<StoreOutcome, StoreError>, now: Now) {
        match result {
            Ok(StoreOutcome::Open(opened)) => {
                self.mode = Mode::Leader;
                self.fence = opened.replica.fence;
                self.checkpoints = opened.checkpoints;
                self.in_flight = opened.in_flight.filter(|_| !mutation::is(Mutation::InFlightNotResent));
                self.begin_cycle(now);
                if !self.raised {
                    self.storage_full(now);
                }
            }
            Ok(_) => {}
            Err(StoreError::Refused(Refusal::AccountMismatch)) => {
                self.halted(Halt::AccountMismatch, Error::AccountMismatch)
            }
            Err(StoreError::Closed) => self.halted(Halt::StoreClosed, Error::StoreClosed),
            Err(StoreError::Quota) if self.raised && !mutation::is(Mutation::FullStorageSendsNothing) => self.look(),
            // Tried again after the backoff: without it nothing else can be.
            Err(error) => {
                let error = store_error(&error);
                self.give_up(error.clone(), None, now);
                // Whoever waits for a cycle hears why none can begin.
                self.ticket += 1;
                self.actions.push(Action::CycleEnded(self.ticket, Err(error)));
            }
        }
    }

    fn halted(&mut self, halt: Halt, error: Error) {
        self.halt = Some(halt);
        self.error = Some(error.clone());
        self.end_cycle_with(Err(error));
        if matches!(halt, Halt::AccountMismatch | Halt::StoreClosed) {
            // Nothing but another engine can go on from here: it must find the lead free.
            self.mode = Mode::Follower;
            self.actions.push(Action::ReleaseLead);
        }
        self.actions.push(Action::ViewChanged);
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

    /// Ends the cycle for now; the next one comes after the backoff.
    fn give_up(&mut self, error: Error, retry_after_ms: Option<u64>, now: Now) {
        self.attempt = self.attempt.saturating_add(1);
        let mut delay = backoff::delay_ms(self.attempt);
        if self.config.jitter {
            let random = u32::try_from(self.draw() >> 32).unwrap_or(0);
            delay = backoff::jittered(delay, random);
        }
        self.wake_at = Some(now.mono + backoff::at_least(delay, retry_after_ms));
        self.error = Some(error.clone());
        self.end_cycle_with(Err(error));
    }

    fn end_cycle(&mut self, now: Now) {
        let Some(cycle) = &mut self.cycle else { return };
        let result = match cycle.error.take() {
            Some(error) => Err(error),
            None => Ok(cycle.report),
        };
        self.attempt = 0;
        self.error = result.as_ref().err().cloned();
        if result.is_ok() {
            self.last_sync_at = Some(now.wall);
        }
        self.wake_at = Some(now.mono + if self.again { 0 } else { self.interval_ms() });
        self.end_cycle_with(result);
        if self.again {
            self.begin(now);
        }
    }

    fn end_cycle_with(&mut self, result: Result<Report, Error>) {
        if let Some(cycle) = self.cycle.take() {
            if let Some(full) = cycle.full {
                self.in_flight = full.in_flight;
            }
            self.actions.push(Action::CycleEnded(cycle.ticket, result));
            self.actions.push(Action::ViewChanged);
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
