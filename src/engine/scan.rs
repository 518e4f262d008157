//! When the engine looks for what the app wrote by itself: by stamp in each cycle, in every row once after each start.
//!
//! Never looks itself. Comparing every row costs what reading all of them does, so it does not stand in the way of the
//! first cycle: it comes with one that begins when all is quiet. Only where stamps say nothing (no scan yet, a clock that
//! went back) is it done at once. Source: docs/protocol.md, section 7.

use super::Engine;
use super::state::{StoreStep, Task};
use crate::config::{Config, Detect};
use crate::outgoing::detect::{Scan, Scanned};
use crate::ports::Now;
use crate::record::Entity;

/// What is left to be compared since the start.
#[derive(Default)]
pub(super) struct Comparing {
    left: Vec<Entity>,
    /// From when on a cycle compares, on the monotonic clock; none before a first cycle has ended well.
    at: Option<i64>,
}

impl Comparing {
    /// Everything that the app writes by itself.
    pub(super) fn all(config: &Config) -> Self {
        Self { left: scanned(config), at: None }
    }
}

impl Engine {
    pub(super) fn scan(&mut self, now: Now) {
        let entities = scanned(&self.config);
        if !entities.is_empty() {
            self.begin_scan(entities, false, now);
        }
    }

    /// What the app wrote while records arrived goes out in the same cycle; where there was no while, there is nothing.
    pub(super) fn rescan(&mut self, now: Now) {
        let took = |cycle: &super::Cycle| cycle.report.pulled > 0 || now.mono - cycle.began >= RESCAN_AFTER_MS;
        if self.cycle.as_ref().is_some_and(took) {
            self.scan(now);
        }
    }

    pub(super) fn compare(&mut self, entity: Entity, now: Now) {
        self.begin_scan(vec![entity], true, now);
    }

    fn begin_scan(&mut self, entities: Vec<Entity>, deep: bool, now: Now) {
        let (fence, offset_ms) = (self.fence, self.offset_ms(now));
        self.transact(StoreStep::Scan(Scan { fence, entities, now: now.wall, offset_ms, deep }));
    }

    pub(super) fn scanned(&mut self, scanned: Scanned) {
        self.comparing.left.retain(|entity| !scanned.compared.contains(entity));
        let Some(cycle) = &mut self.cycle else { return };
        // At once: a pull that fails must not hide what there is to send.
        for compare in scanned.left.into_iter().rev().map(Task::Compare) {
            cycle.tasks.retain(|task| *task != compare);
            cycle.tasks.push_front(compare);
        }
    }

    /// The comparisons that a cycle which begins now has to do.
    pub(super) fn due_comparisons(&mut self, now: Now) -> Vec<Task> {
        let due = self.comparing.at.take_if(|at| *at <= now.mono);
        due.map(|_| self.comparing.left.iter().copied().map(Task::Compare).collect()).unwrap_or_default()
    }

    /// A cycle ended well: what is left is compared in one that begins soon.
    pub(super) fn compare_soon(&mut self, now: Now) {
        if !self.comparing.left.is_empty() {
            let at = *self.comparing.at.get_or_insert(now.mono + COMPARE_AFTER_MS);
            self.wake_at = self.wake_at.map(|wake| wake.min(at));
        }
    }
}

fn scanned(config: &Config) -> Vec<Entity> {
    config.all().filter(|entity| config.entity(*entity).detect == Detect::Scan).collect()
}

/// A cycle that has taken less, and brought nothing, does not look twice.
const RESCAN_AFTER_MS: i64 = 1_000;
/// Time for the app to come up, and for what it does first.
const COMPARE_AFTER_MS: i64 = 2_000;
