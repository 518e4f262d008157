//! The engine's side of a pull: one page is applied while the next is fetched. Never merges.

use super::Engine;
use super::ahead::Ahead;
use super::failure::{self, Class};
use super::state::{Action, Cycle, Halt, PullRequest, Pulling, Running, StoreOutcome, StoreStep, Task};
use crate::checkpoint::{Checkpoint, ResyncReason};
use crate::error::Error;
use crate::incoming::apply::ApplyPage;
use crate::incoming::pull::Page;
use crate::mutation::{self, Mutation};
use crate::ports::{Failure, Now, StoreError};
use crate::record::Scope;

impl Engine {
    pub(super) fn begin_pull(&mut self, scope: Scope, now: Now) {
        // Where nothing can be stored, no page can.
        if self.stopped.contains_key(&scope) || self.is_full() {
            return;
        }
        let since = self.checkpoints.get(&scope).and_then(|checkpoint| checkpoint.cursor.clone());
        let ahead = self.cycle.as_mut().and_then(|cycle| cycle.take_ahead(scope, since.as_ref()));
        let is_first = since.is_none();
        self.run(Running::Pull(Pulling {
            scope,
            applied_to: since.clone(),
            since,
            fetch: ahead.as_ref().map(|ahead| (ahead.id, ahead.sent_at)),
            apply: None,
            waiting: None,
            failed: None,
            cursors: Vec::new(),
            arrived: 0,
            remaining: None,
            bytes: 0,
        }));
        match ahead {
            None => self.fetch(now),
            Some(Ahead { came: Some(page), .. }) => self.came(page, now),
            Some(Ahead { came: None, .. }) => {}
        }
        if !is_first {
            self.fetch_ahead(now);
        }
    }

    fn pulling(&mut self) -> Option<&mut Pulling> {
        match self.cycle.as_mut()?.running.as_mut()? {
            Running::Pull(pulling) => Some(pulling),
            Running::Transaction(_) | Running::Push(_) | Running::Token { .. } => None,
        }
    }

    pub(super) fn apply_id(&mut self) -> Option<u64> {
        self.pulling()?.apply
    }

    fn fetch(&mut self, now: Now) {
        let (id, limit) = (self.id(), self.config.page_records);
        let Some(pulling) = self.pulling() else { return };
        pulling.fetch = Some((id, now));
        let request = PullRequest { scope: pulling.scope, since: pulling.since.clone(), limit };
        self.actions.push(Action::Pull(id, request));
    }

    pub(super) fn pulled(&mut self, id: u64, result: Result<Page, Failure>, now: Now) {
        let awaited = self.pulling().and_then(|pulling| pulling.fetch.filter(|(awaited, _)| *awaited == id));
        let ahead = self.cycle.as_mut().and_then(|cycle| cycle.ahead(id));
        let early = ahead.as_ref().map(|ahead| ahead.sent_at);
        let Some(sent_at) = early.or(awaited.map(|(_, sent_at)| sent_at)) else { return };
        if let Ok(Some(time)) = result.as_ref().map(|page| page.server_time) {
            self.offset.sample(sent_at, now, time);
        }
        match ahead {
            Some(ahead) => ahead.came = Some(result),
            None => self.came(result, now),
        }
    }

    /// The page that the pull under way waits for.
    fn came(&mut self, result: Result<Page, Failure>, now: Now) {
        let Some(pulling) = self.pulling() else { return };
        pulling.fetch = None;
        let page = result.and_then(|page| pulling.accept(page));
        let (busy, scope) = (pulling.apply.is_some(), pulling.scope);
        match page {
            Ok(page) => {
                self.hear_epoch(page.epoch.as_ref());
                self.actions.push(Action::ViewChanged);
                if let Some(cycle) = self.cycle.as_mut().filter(|_| page.has_more) {
                    // Room for its next page.
                    cycle.ahead.clear();
                }
                if busy {
                    if let Some(pulling) = self.pulling() {
                        pulling.waiting = Some(page);
                    }
                } else {
                    self.apply(page, now);
                }
            }
            // The page being applied is good: its commit comes first.
            Err(failure) if busy => {
                if let Some(pulling) = self.pulling() {
                    pulling.failed = Some(failure);
                }
            }
            Err(failure) => self.pull_failed(scope, &failure, now),
        }
    }

    /// Commits a page and asks for the next one meanwhile.
    fn apply(&mut self, page: Page, now: Now) {
        let (id, fence, offset_ms) = (self.id(), self.fence, self.offset_ms(now));
        let Some(pulling) = self.pulling() else { return };
        pulling.apply = Some(id);
        let has_more = page.has_more;
        let step = ApplyPage { fence, since: pulling.applied_to.clone(), page, now: now.wall, offset_ms };
        if mutation::is(Mutation::CursorMovesBeforeCommit) {
            self.checkpoints.entry(step.page.scope).or_default().cursor = Some(step.page.cursor.clone());
        }
        self.actions.push(Action::Transact(id, StoreStep::Apply(Box::new(step))));
        if has_more {
            self.fetch(now);
        }
        self.is_alive(now);
    }

    pub(super) fn page_applied(&mut self, result: Result<StoreOutcome, StoreError>, now: Now) {
        let Some(pulling) = self.pulling() else { return };
        pulling.apply = None;
        let scope = pulling.scope;
        let applied = match result {
            Ok(StoreOutcome::Apply(applied)) => applied,
            Ok(_) => return,
            Err(error) => {
                self.end_task();
                return self.store_failed(&error, Some(scope), now);
            }
        };
        self.checkpoints.insert(scope, applied.checkpoint.clone());
        self.again |= applied.marked;
        self.tell(applied.notices);
        self.changed(applied.changed);
        let Some(pulling) = self.pulling() else { return };
        pulling.applied_to = applied.checkpoint.cursor;
        if let Some(page) = pulling.waiting.take() {
            self.apply(page, now);
        } else if let Some(failure) = pulling.failed.take() {
            self.pull_failed(scope, &failure, now);
        } else if pulling.fetch.is_none() {
            let arrived = pulling.arrived;
            self.end_task();
            if let Some(cycle) = &mut self.cycle {
                cycle.report.pulled += arrived;
            }
        }
    }

    pub(super) fn end_task(&mut self) {
        if let Some(cycle) = &mut self.cycle {
            cycle.running = None;
        }
    }

    fn pull_failed(&mut self, scope: Scope, failure: &Failure, now: Now) {
        self.end_task();
        let error = failure::error(failure, self.config.scope_name(scope));
        match failure::class(failure, false) {
            Class::Auth => self.refresh_token(Task::Pull(scope)),
            Class::Forbidden | Class::Configuration => self.stop_scope(scope, error),
            Class::Expired => {
                let epoch = if let Failure::Status { epoch, .. } = failure { epoch.clone() } else { None };
                self.resync(scope, epoch, now);
            }
            Class::Version => self.halted(Halt::UpgradeRequired, error),
            Class::Transient | Class::Throttled | Class::Conflict | Class::TooLarge | Class::Poison => {
                self.give_up(error, failure::retry_after_ms(failure), now);
            }
        }
    }

    /// The scope waits for a new token or a request by the app; the others go on.
    pub(super) fn stop_scope(&mut self, scope: Scope, error: Error) {
        self.stopped.insert(scope, error.clone());
        if let Some(cycle) = &mut self.cycle {
            cycle.plan.retain(|planned| planned.scope != scope);
            cycle.error.get_or_insert(error);
        }
    }

    /// Begins a full pull, a bounded number of times in a cycle.
    pub(super) fn resync(&mut self, scope: Scope, epoch: Option<String>, now: Now) {
        self.hear_epoch(epoch.as_ref());
        let Some(cycle) = &mut self.cycle else { return };
        cycle.running = None;
        cycle.resyncs += 1;
        if cycle.resyncs > RESYNCS_MAX {
            let error = Error::BadResponse { reason: "it refuses every cursor it gives".into() };
            return self.give_up(error, None, now);
        }
        let known = self.checkpoints.get(&scope).and_then(|checkpoint| checkpoint.epoch.as_ref());
        let reason = match (&epoch, known) {
            (Some(epoch), Some(known)) if epoch != known && !mutation::is(Mutation::EpochChangeTakenForExpiry) => {
                ResyncReason::EpochChanged
            }
            _ => ResyncReason::CursorExpired,
        };
        cycle.tasks.retain(|task| *task != Task::Pull(scope));
        cycle.tasks.push_front(Task::Pull(scope));
        cycle.tasks.push_front(Task::Resync(scope, reason, epoch));
    }

    pub(super) fn resync_started(&mut self, scope: Scope, checkpoint: Checkpoint) {
        self.checkpoints.insert(scope, checkpoint);
    }

    /// Asks for a new token, once in a cycle, and does `then` again.
    pub(super) fn refresh_token(&mut self, then: Task) {
        let id = self.id();
        let Some(cycle) = &mut self.cycle else { return };
        // What they bring was asked for with the old one.
        cycle.ahead.clear();
        if std::mem::replace(&mut cycle.token_refreshed, true) {
            return self.halted(Halt::AuthNeeded, Error::AuthNeeded);
        }
        cycle.running = Some(Running::Token { id, then });
        self.actions.push(Action::RefreshToken(id));
    }

    pub(super) fn token_ready(&mut self, id: u64, given: bool, _: Now) {
        let Some(Cycle { running, tasks, .. }) = &mut self.cycle else { return };
        let Some(Running::Token { then, .. }) =
            running.take_if(|running| matches!(running, Running::Token { id: awaited, .. } if *awaited == id))
        else {
            return;
        };
        tasks.push_front(then);
        if !given {
            self.halted(Halt::AuthNeeded, Error::AuthNeeded);
        }
    }
}

impl Pulling {
    /// Takes a page into account, unless its cursor leads nowhere.
    fn accept(&mut self, page: Page) -> Result<Page, Failure> {
        if page.has_more && (Some(&page.cursor) == self.since.as_ref() || self.cursors.contains(&page.cursor)) {
            return Err(Failure::BadResponse { reason: "its cursors run in a circle".into() });
        }
        self.cursors.push(page.cursor.clone());
        self.since = Some(page.cursor.clone());
        self.arrived += page.arrived.len();
        self.remaining = page.remaining;
        self.bytes += page.bytes;
        Ok(page)
    }
}

/// Full pulls in one cycle, for all scopes together, before the backend counts as faulty.
const RESYNCS_MAX: u32 = 64;
