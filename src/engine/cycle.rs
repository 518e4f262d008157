//! One cycle from its first task to its end, and when the next one comes. Never does a task's own work.

use std::collections::VecDeque;

use super::state::{Action, Cycle, Mode, Report, Running, StoreStep, Task};
use super::{Engine, WATCHDOG_MS, backoff};
use crate::error::Error;
use crate::ports::Now;
use crate::record::ByScope;

impl Engine {
    pub(super) fn begin(&mut self, now: Now) {
        if self.mode != Mode::Leader || self.halt.is_some() {
            return;
        }
        if !self.raised {
            return self.open(now);
        }
        self.begin_cycle(now);
    }

    pub(super) fn begin_cycle(&mut self, now: Now) {
        self.ticket += 1;
        self.again = false;
        let mut tasks = VecDeque::new();
        if !self.in_flight.is_empty() {
            tasks.push_back(Task::Resend);
        }
        tasks.push_back(Task::Scan);
        tasks.extend(self.config.scopes().into_iter().map(Task::Pull));
        tasks.push_back(Task::Rescan);
        tasks.extend(self.due_comparisons(now));
        tasks.push_back(Task::Plan);
        self.cycle = Some(Cycle {
            ticket: self.ticket,
            tasks,
            running: None,
            ahead: Vec::new(),
            began: now.mono,
            deadline: now.mono + WATCHDOG_MS,
            plan: VecDeque::new(),
            differs: ByScope::new(),
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
    pub(super) fn advance(&mut self, now: Now) {
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
                None if cycle.poked || !cycle.differs.is_empty() => {
                    let (differs, poked) = (std::mem::take(&mut cycle.differs), std::mem::take(&mut cycle.poked));
                    cycle.is_closing = true;
                    let scopes = if poked {
                        self.config.scopes()
                    } else {
                        differs.into_iter().map(|(scope, ())| scope).collect()
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

    pub(super) fn begin_task(&mut self, task: Task, now: Now) {
        let fence = self.fence;
        let offset_ms = self.offset_ms(now);
        let step = match task {
            Task::Resend => return self.resend(now),
            Task::Pull(scope) => return self.begin_pull(scope, now),
            Task::Batch => return self.stage(now),
            Task::Unstage(fault) => return self.unstage(fault, now),
            Task::Scan => return self.scan(now),
            Task::Rescan => return self.rescan(now),
            Task::Compare(entity) => return self.compare(entity, now),
            Task::Resync(scope, reason, epoch) => {
                StoreStep::StartResync(crate::incoming::resync::StartResync { fence, scope, reason, epoch })
            }
            Task::Plan => StoreStep::Plan(crate::outgoing::plan::Plan { now: now.wall }),
            Task::Restamp => StoreStep::Restamp(crate::outgoing::restamp::Restamp { fence, now: now.wall, offset_ms }),
        };
        self.transact(step);
    }

    pub(super) fn transact(&mut self, step: StoreStep) {
        let id = self.id();
        self.run(Running::Transaction(id));
        self.actions.push(Action::Transact(id, step));
    }

    pub(super) fn run(&mut self, running: Running) {
        if let Some(cycle) = &mut self.cycle {
            cycle.running = Some(running);
        }
    }

    /// Ends the cycle for now; the next one comes after the backoff.
    pub(super) fn give_up(&mut self, error: Error, retry_after_ms: Option<u64>, now: Now) {
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

    pub(super) fn end_cycle(&mut self, now: Now) {
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
        if result.is_ok() {
            self.compare_soon(now);
        }
        self.end_cycle_with(result);
        if self.again {
            self.begin(now);
        }
    }

    pub(super) fn end_cycle_with(&mut self, result: Result<Report, Error>) {
        if let Some(cycle) = self.cycle.take() {
            if let Some(full) = cycle.full {
                self.in_flight = full.in_flight;
            }
            self.actions.push(Action::CycleEnded(cycle.ticket, result));
            self.actions.push(Action::ViewChanged);
        }
    }
}
