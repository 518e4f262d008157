//! What goes wrong outside the network. Never chooses when: the plan of the world does.

use lastword::engine::state::Event;
use lastword::incoming::timed::Timed;
use lastword::memory::MemoryStore;
use lastword::outgoing::retry::Wipe;
use lastword::record::{Record, Stamp};

use crate::backend::entity_of;
use crate::copy::{self, Copy, POISON};
use crate::world::{At, Fault, Happening, Room, World, trace};

impl World {
    pub(crate) fn fault(&mut self, fault: Fault) {
        if !self.faults {
            return;
        }
        let replica = self.rng.below(self.replicas.len());
        trace!(self, "fault {fault:?} (replica {replica})");
        match fault {
            Fault::Crash => {
                let tab = self.rng.below(self.replicas[replica].tabs.len());
                self.crash(self.here(replica, tab));
            }
            Fault::PowerLoss => self.lose_power(replica),
            Fault::ClockJump => {
                let most = [2_000, 60_000, 900_000, 900_000, 3_600_000, 60_000_000_000][self.rng.below(6)];
                self.replicas[replica].skew_ms += self.rng.between(-most, most);
            }
            Fault::Restart => self.backend.restart(),
            Fault::BackUp => self.backend.back_up(),
            Fault::Restore => {
                if self.backend.restore() {
                    self.oracle.restored();
                }
            }
            Fault::FeedStandby => self.backend.feed_standby(),
            Fault::Purge => (0..self.backend.users.len()).for_each(|user| self.backend.purge(user, &mut self.oracle)),
            Fault::Wipe => self.switch_account(replica),
            Fault::Evict => self.evict(replica),
            Fault::Steal => self.steal(replica),
            Fault::Poison => {
                let index = self.any_index();
                self.foreign(index, true);
            }
            Fault::Fill => {
                let room = if self.rng.chance(700) { Room::Deletions } else { Room::Nothing };
                self.replicas[replica].room = room;
            }
            Fault::MakeRoom => self.replicas[replica].room = Room::Enough,
        }
    }

    /// One context dies with all it holds in memory and starts again later.
    pub(crate) fn crash(&mut self, at: At) {
        let engine = self.new_engine(self.replicas[at.replica].user);
        let replica = &mut self.replicas[at.replica];
        let user = replica.user;
        let tab = &mut replica.tabs[at.tab];
        tab.life += 1;
        tab.alive = false;
        tab.wakes_at = None;
        tab.pulled = None;
        tab.timed = Timed::default();
        tab.engine = engine;
        tab.user = user;
        replica.waiting.retain(|waiting| *waiting != at.tab);
        if replica.holder == Some(at.tab) {
            replica.holder = None;
        }
        self.grant(at.replica);
        let delay = self.rng.between(10, 3_000);
        let next = self.here(at.replica, at.tab);
        self.at(self.time + delay, Happening::Start(next));
    }

    pub(crate) fn crash_all(&mut self, replica: usize) {
        for tab in 0..self.replicas[replica].tabs.len() {
            self.crash(self.here(replica, tab));
        }
    }

    fn lose_power(&mut self, replica: usize) {
        self.crash_all(replica);
        let store = self.replicas[replica].store.clone();
        let relaxed = store.relaxed_commits();
        let lost = if self.rng.chance(500) { relaxed } else { self.rng.below(relaxed + 1) };
        store.lose_power(lost);
        self.oracle.tally.undone += lost as u64;
        store.look(|tables| self.oracle.power_lost(replica, tables, relaxed - lost));
        for scope in self.config.scopes() {
            self.check_checkpoint(replica, scope);
        }
    }

    fn switch_account(&mut self, replica: usize) {
        let user = 1 - self.replicas[replica].user;
        let store = self.replicas[replica].store.clone();
        store.look(|tables| self.oracle.reset(replica, user, tables));
        let _ = store.run_now(&Wipe::default());
        self.replicas[replica].user = user;
        self.crash(self.here(replica, 0));
        // The other context may not have heard of it yet.
        if self.rng.chance(500) {
            self.crash_all(replica);
        }
    }

    /// The browser throws the whole database away.
    fn evict(&mut self, replica: usize) {
        let user = self.replicas[replica].user;
        let store = self.replicas[replica].store.clone();
        store.look(|tables| self.oracle.reset(replica, user, tables));
        self.replicas[replica].room = Room::Enough;
        self.replicas[replica].store = MemoryStore::new(self.config.clone());
        self.crash_all(replica);
    }

    /// Another context takes the lead, and the old leader does not hear of it.
    fn steal(&mut self, replica: usize) {
        let holder = self.replicas[replica].holder;
        let thief = (0..self.replicas[replica].tabs.len())
            .find(|tab| Some(*tab) != holder && self.replicas[replica].tabs[*tab].alive);
        let Some(thief) = thief else { return };
        self.replicas[replica].waiting.retain(|tab| *tab != thief);
        self.replicas[replica].holder = Some(thief);
        self.handle(self.here(replica, thief), Event::LeadGranted);
    }

    /// A client that is not simulated writes a record, one that no client can use where `poison`.
    pub(crate) fn foreign(&mut self, index: usize, poison: bool) {
        let now = self.server_time();
        let user = 0;
        let stored = self.backend.users[user].records[index].as_ref().map(|stored| stored.record.clone());
        if stored.as_ref().is_none_or(|stored| stored.is_deleted) && poison {
            return;
        }
        let edit = self.oracle.next_edit(usize::MAX);
        let mut fields = copy::fields(edit, None, false);
        if poison {
            fields.insert(POISON.into(), true.into());
        }
        let stamp = stored.as_ref().map_or(now, |stored| now.max(stored.client_updated_at.0 + 1));
        let record = Record {
            id: copy::id_of(index).to_owned(),
            client_created_at: stored.as_ref().map_or(Stamp(now), |stored| stored.client_created_at),
            client_updated_at: Stamp(stamp),
            is_deleted: false,
            server_updated_at: None,
            server_id: None,
            version: None,
            sync: None,
            fields,
        };
        self.oracle.accepted(user, index, Copy::of(&record));
        self.backend.foreign(user, record, entity_of(index), now, &mut self.rng);
    }
}
