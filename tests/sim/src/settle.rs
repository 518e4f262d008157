//! The end of a world: faults stop, everyone syncs a bounded number of times, and all must be equal. Never edits.

use lastword::engine::state::{Event, Halt};

use crate::copy;
use crate::world::{Room, World, trace};

impl World {
    /// Heals the world and checks its end.
    pub(crate) fn settle(&mut self) {
        trace!(self, "heals");
        self.faults = false;
        for index in 0..copy::KEYS_MAX {
            let stored = self.backend.users[0].records[index].as_ref();
            if stored.is_some_and(|stored| copy::is_poison(&stored.record)) && self.rng.chance(700) {
                self.foreign(index, false);
            }
        }
        // What an app wrote without a stamp is found at the next start.
        if self.profile.scan {
            (0..self.replicas.len()).for_each(|replica| self.crash_all(replica));
        }
        self.pass(STRAGGLERS_MS);
        self.check_full();
        for round in 0..ROUNDS_MAX {
            self.activity = 0;
            for replica in 0..self.replicas.len() {
                self.repair(replica);
                if round < 3 && self.has_failed_changes(replica) {
                    self.retry(replica);
                }
                self.sync(replica);
                if self.resolve_all(replica) {
                    self.sync(replica);
                }
                if self.oracle.broken.is_some() {
                    return;
                }
            }
            if self.activity == 0 {
                self.check_end();
                if self.oracle.broken.is_none() {
                    return;
                }
                // What waits for a next try is given the time for it.
                if round < ROUNDS_QUIET_MAX {
                    self.oracle.broken = None;
                } else {
                    return;
                }
            }
            self.pass(BACKOFF_MAX_MS);
        }
        self.oracle.breaks("I1: it does not stop");
    }

    /// What a full storage holds in its outbox reaches the backend all the same; then there is room again.
    fn check_full(&mut self) {
        let full: Vec<usize> =
            (0..self.replicas.len()).filter(|replica| self.replicas[*replica].room != Room::Enough).collect();
        for _ in 0..ROUNDS_FULL {
            for replica in &full {
                self.repair(*replica);
                self.sync(*replica);
            }
            if !full.is_empty() {
                self.pass(BACKOFF_MAX_MS);
            }
        }
        // A clock that is wrong by more than the backend takes must be stored before it can be corrected; so must what the user
        // is asked about, an edit that only a scan finds, and a body that was refused as a whole.
        let clocks = self.profile.clock_skew || self.profile.clock_jumps;
        for replica in full {
            let told = clocks || self.profile.manual || self.profile.scan || self.profile.status > 0;
            if !told && self.replicas[replica].holder.is_some() {
                let now = self.now(replica).wall;
                let backend = &self.backend.users[self.replicas[replica].user];
                let store = self.replicas[replica].store.clone();
                store.look(|tables| self.oracle.check_full(replica, &self.config, tables, backend, now));
            }
            self.replicas[replica].room = Room::Enough;
        }
    }

    /// Does what the app does when an engine says that it cannot go on.
    fn repair(&mut self, replica: usize) {
        let now = self.now(replica);
        for tab in 0..self.replicas[replica].tabs.len() {
            let state = &self.replicas[replica].tabs[tab];
            let halt = state.engine.view(now).halt;
            if state.user != self.replicas[replica].user
                || matches!(halt, Some(Halt::StoreClosed | Halt::AccountMismatch))
            {
                self.crash(self.here(replica, tab));
                self.pass(3_100);
            }
        }
    }

    /// One whole cycle of the leader.
    fn sync(&mut self, replica: usize) {
        let Some(tab) = self.replicas[replica].holder else { return };
        let before = self.replicas[replica].tabs[tab].cycles;
        self.handle(self.here(replica, tab), Event::SyncNow);
        let end = self.time + CYCLE_MAX_MS;
        while self.oracle.broken.is_none() {
            let state = &self.replicas[replica].tabs[tab];
            if state.cycles > before && !state.engine.view(self.now(replica)).is_syncing {
                return;
            }
            if !self.step(end) {
                return;
            }
        }
    }

    /// Lets time pass.
    fn pass(&mut self, ms: i64) {
        let end = self.time + ms;
        while self.oracle.broken.is_none() && self.step(end) {}
        self.time = end;
    }

    fn resolve_all(&mut self, replica: usize) -> bool {
        let waiting = self.replicas[replica].store.look(|tables| tables.conflicts.len());
        (0..waiting).for_each(|_| self.resolve_any(replica));
        waiting > 0
    }

    fn check_end(&mut self) {
        for replica in 0..self.replicas.len() {
            let store = self.replicas[replica].store.clone();
            let user = self.replicas[replica].user;
            let backend = &self.backend.users[user];
            store.look(|tables| self.oracle.check_end(replica, &self.config, tables, backend));
        }
        // A copy that a restore took from the backend may have been held by a replica that was thrown away.
        let thrown_away = self.profile.wipe || self.profile.evict || self.profile.purge;
        if !(self.profile.restore && thrown_away) {
            for user in 0..self.backend.users.len() {
                self.oracle.check_backend(user, &self.backend.users[user]);
            }
        }
    }
}

/// The longest that a message was delayed.
const STRAGGLERS_MS: i64 = 45_000;
/// Rounds in which a full storage must have handed over what it holds.
const ROUNDS_FULL: usize = 3;
const BACKOFF_MAX_MS: i64 = 61_000;
const CYCLE_MAX_MS: i64 = 300_000;
/// Rounds of one cycle for each replica until all must be equal.
const ROUNDS_MAX: usize = 40;
/// Quiet rounds in which something may still wait for its next try.
const ROUNDS_QUIET_MAX: usize = 14;
