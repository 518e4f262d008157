//! The engine's side of a push: stage bodies, send them in turn, settle their answers. Never clears a record.
//!
//! A few bodies are staged in one commit, and each leaves when the one before it was answered, while that answer is settled.

use std::rc::Rc;

use super::failure::{self, Class};
use super::state::{Action, Cycle, Halt, Pushing, Running, StoreOutcome, StoreStep, Task};
use super::{Engine, WATCHDOG_MS, uuid_of};
use crate::checkpoint::InFlight;
use crate::config::{BATCH_BYTES_MIN, Config};
use crate::outgoing::ack::{self, Settle, Settled, Unstage};
use crate::outgoing::encode::{Stage, Staged};
use crate::outgoing::plan::Planned;
use crate::outgoing::push::Answer;
use crate::ports::{Failure, Now, StoreError};
use crate::record::{Entity, Scope};

impl Engine {
    /// Stages the next bodies: the planned records of one scope, in order, each up to the batch size.
    pub(super) fn stage(&mut self, now: Now) {
        let bodies = if self.is_full() { 1 } else { STAGED_MAX };
        let records_max = self.batch_records;
        let Some(cycle) = &mut self.cycle else { return };
        let Some(scope) = cycle.plan.front().map(|planned| planned.scope) else { return };
        let mut keys = Vec::new();
        while keys.len() < bodies * records_max && cycle.plan.front().is_some_and(|planned| planned.scope == scope) {
            keys.extend(cycle.plan.pop_front().map(|planned| planned.key));
        }
        if self.stopped.contains_key(&scope) {
            return;
        }
        let idempotency_keys = (0..bodies).map(|_| uuid_of(self.draw(), self.draw())).collect();
        self.transact(StoreStep::Stage(Stage {
            fence: self.fence,
            scope,
            keys,
            idempotency_keys,
            records_max,
            bytes_max: self.batch_bytes,
            parents_pulled: self.parents_pulled(),
            unstored: self.is_full().then(|| self.answered.clone()),
            now: now.wall,
        }));
    }

    fn parents_pulled(&self) -> Vec<Entity> {
        self.cycle.as_ref().map(|cycle| cycle.parents_pulled.clone()).unwrap_or_default()
    }

    pub(super) fn staged(&mut self, staged: Staged, now: Now) {
        self.tell(staged.notices);
        let Some(cycle) = &mut self.cycle else { return };
        cycle.orphans.extend(staged.orphans);
        for key in staged.left.into_iter().rev() {
            cycle.plan.push_front(Planned { scope: self.config.scope_of(key.entity), key });
        }
        self.in_flight = staged.in_flight;
        self.resend(now);
    }

    /// Sends what is in flight, as it is stored.
    pub(super) fn resend(&mut self, now: Now) {
        if !self.in_flight.is_empty() && !self.stopped.contains_key(&self.scope_in_flight()) {
            self.run(Running::Push(Pushing::default()));
            self.send(now);
        }
    }

    fn pushing(&mut self) -> Option<&mut Pushing> {
        match self.cycle.as_mut()?.running.as_mut()? {
            Running::Push(pushing) => Some(pushing),
            Running::Transaction(_) | Running::Pull(_) | Running::Token { .. } => None,
        }
    }

    pub(super) fn settle_id(&mut self) -> Option<u64> {
        self.pushing()?.settle
    }

    /// Sends the first body that has no answer, if there is one.
    fn send(&mut self, now: Now) {
        let answered = usize::from(self.settle_id().is_some());
        let Some(in_flight) = self.in_flight.get(answered).cloned() else { return };
        let id = self.id();
        let Some(pushing) = self.pushing() else { return };
        pushing.send = Some((id, now));
        self.actions.push(Action::Push(id, in_flight));
        self.actions.push(Action::ViewChanged);
        self.is_alive(now);
    }

    /// What the cycle waits for has just begun.
    pub(super) fn is_alive(&mut self, now: Now) {
        if let Some(cycle) = &mut self.cycle {
            cycle.deadline = now.mono + WATCHDOG_MS;
        }
    }

    pub(super) fn unstage(&mut self, fault: Option<(String, String)>, now: Now) {
        if self.is_full() {
            let refused = std::mem::take(&mut self.in_flight);
            if let Some(in_flight) = refused.first().filter(|_| fault.is_some()) {
                self.answered(in_flight, None);
            }
            return;
        }
        let Some(in_flight) = self.in_flight.first() else { return };
        let idempotency_key = in_flight.key.clone();
        self.transact(StoreStep::Unstage(Unstage { fence: self.fence, idempotency_key, fault, now: now.wall }));
    }

    fn scope_in_flight(&self) -> Scope {
        self.in_flight.first().map_or(Scope::All, |in_flight| ack::scope_of(in_flight, &self.config))
    }

    pub(super) fn pushed(&mut self, id: u64, result: Result<Answer, Failure>, now: Now) {
        let Some(pushing) = self.pushing() else { return };
        let Some((_, sent_at)) = pushing.send.take_if(|(awaited, _)| *awaited == id) else { return };
        if let Ok(Some(time)) = result.as_ref().map(|answer| answer.server_time) {
            self.offset.sample(sent_at, now, time);
        }
        match self.pushing().filter(|pushing| pushing.settle.is_some()) {
            Some(pushing) => pushing.waiting = Some(result),
            None => self.came_of_first(result, now),
        }
    }

    /// What came of the first body in flight.
    fn came_of_first(&mut self, result: Result<Answer, Failure>, now: Now) {
        let Some(in_flight) = self.in_flight.first().cloned() else { return };
        match result {
            Ok(answer) if self.is_full() => {
                self.end_task();
                self.hear_epoch(answer.epoch.as_ref());
                self.answered(&in_flight, Some(&answer));
            }
            Ok(answer) => {
                let (id, parents_pulled) = (self.id(), self.parents_pulled());
                let settle = Settle { fence: self.fence, in_flight, answer, parents_pulled, now: now.wall };
                self.actions.push(Action::Transact(id, StoreStep::Settle(Box::new(settle))));
                if let Some(pushing) = self.pushing() {
                    pushing.settle = Some(id);
                }
                self.is_alive(now);
                self.send(now);
            }
            Err(failure) => {
                self.end_task();
                self.push_failed(&failure, &in_flight, now);
            }
        }
    }

    pub(super) fn settled(&mut self, result: Result<StoreOutcome, StoreError>, now: Now) {
        let Some(pushing) = self.pushing() else { return };
        pushing.settle = None;
        match result {
            Ok(StoreOutcome::Settle(settled)) => self.first_settled(settled),
            Ok(_) => return,
            Err(error) => {
                self.end_task();
                return self.store_failed(&error, None, now);
            }
        }
        let Some(pushing) = self.pushing() else { return };
        if let Some(result) = pushing.waiting.take() {
            self.came_of_first(result, now);
        } else if pushing.send.is_none() {
            self.end_task();
        }
    }

    fn first_settled(&mut self, settled: Settled) {
        let scope = self.scope_in_flight();
        let sent = if self.in_flight.is_empty() { 0 } else { self.in_flight.remove(0).sent.len() };
        self.answered = Rc::default();
        self.grow_batch();
        self.tell(settled.notices);
        self.changed(settled.changed);
        let Some(cycle) = &mut self.cycle else { return };
        cycle.report.pushed += settled.applied;
        cycle.orphans.extend(settled.orphans);
        if settled.applied < sent {
            // The backend holds something else: what that is, a pull may tell. What it took, the next round confirms.
            cycle.differs.insert(scope, ());
        }
        if settled.clock_skew && !cycle.tasks.contains(&Task::Restamp) {
            cycle.tasks.push_back(Task::Restamp);
            cycle.tasks.push_back(Task::Plan);
        }
    }

    fn push_failed(&mut self, failure: &Failure, in_flight: &InFlight, now: Now) {
        let records = in_flight.sent.len();
        let scope = self.scope_in_flight();
        let error = failure::error(failure, self.config.scope_name(scope));
        let class = failure::class(failure, true);
        match class {
            Class::Transient | Class::Expired => self.give_up(error, failure::retry_after_ms(failure), now),
            Class::Throttled => {
                self.batch_records = (self.batch_records / 2).max(1);
                self.give_up(error, failure::retry_after_ms(failure), now);
            }
            Class::Auth => self.refresh_token(Task::Resend),
            Class::Version => self.halted(Halt::UpgradeRequired, error),
            Class::Forbidden | Class::Configuration => {
                self.stop_scope(scope, error);
                self.do_first(&[Task::Unstage(None)]);
            }
            Class::Conflict => {
                let Some(cycle) = &mut self.cycle else { return };
                cycle.conflicts += 1;
                if cycle.conflicts > CONFLICTS_MAX {
                    return self.give_up(error, None, now);
                }
                self.do_first(&[Task::Unstage(None), Task::Pull(scope), Task::Plan]);
            }
            Class::TooLarge | Class::Poison if records > 1 => {
                self.batch_records = (records / 2).max(1);
                if class == Class::TooLarge {
                    self.batch_bytes = (in_flight.body.len() / 2).max(BATCH_BYTES_MIN);
                }
                self.do_first(&[Task::Unstage(None), Task::Plan]);
            }
            Class::TooLarge | Class::Poison => {
                let code = if class == Class::TooLarge { "too_large" } else { "refused" };
                let fault = (code.to_owned(), error.to_string());
                self.grow_batch();
                self.do_first(&[Task::Unstage(Some(fault)), Task::Plan]);
            }
        }
    }

    /// Towards what is configured again, after a body that was answered.
    pub(super) fn grow_batch(&mut self) {
        self.batch_records = (self.batch_records * 2).min(self.config.batch_records);
        self.batch_bytes = (self.batch_bytes * 2).min(self.config.batch_bytes);
    }

    fn do_first(&mut self, tasks: &[Task]) {
        if let Some(cycle) = &mut self.cycle {
            for task in tasks.iter().rev() {
                cycle.tasks.push_front(task.clone());
            }
        }
    }
}

impl Cycle {
    /// Pulls what may bring missing parents, then pushes again: once for each entity.
    pub(super) fn pull_parents(&mut self, config: &Config) {
        let mut orphans = std::mem::take(&mut self.orphans);
        orphans.dedup();
        let references = orphans.iter().flat_map(|entity| &config.entity(*entity).references);
        for (_, parent) in references {
            let pull = Task::Pull(config.scope_of(*parent));
            if !self.tasks.contains(&pull) {
                self.tasks.push_back(pull);
            }
        }
        self.tasks.push_back(Task::Plan);
        self.parents_pulled.extend(orphans);
    }
}
/// Bodies staged in one commit, which is a strict one: it costs more than all else about a body.
const STAGED_MAX: usize = 4;
/// Whole pushes refused as conflicting, in one cycle, before the backoff.
const CONFLICTS_MAX: u32 = 3;
