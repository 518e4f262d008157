//! A cycle that found the storage full: it pushes what the outbox holds and stores nothing. Never clears a record.
//!
//! The outbox stays as it is, so all of it is pushed again, stored first, once there is room: a repeat changes nothing at
//! the backend (I8). Source: docs/protocol.md, section 8.

use std::rc::Rc;

use super::Engine;
use super::state::Task;
use crate::checkpoint::InFlight;
use crate::error::Error;
use crate::mutation::{self, Mutation};
use crate::outgoing::encode::Answered;
use crate::outgoing::push::{Answer, Fate};
use crate::ports::Now;

/// What such a cycle sets aside.
pub(super) struct Full {
    /// The stored bodies: their answers cannot be settled now.
    pub(super) in_flight: Vec<InFlight>,
}

impl Engine {
    pub(super) fn is_full(&self) -> bool {
        self.cycle.as_ref().is_some_and(|cycle| cycle.full.is_some())
    }

    /// Turns the cycle to pushing alone; what it had committed by now stays.
    pub(super) fn storage_full(&mut self, now: Now) {
        let begins = !self.is_full() && !mutation::is(Mutation::FullStorageSendsNothing);
        let Some(cycle) = self.cycle.as_mut().filter(|_| begins) else {
            return self.give_up(Error::QuotaExceeded, None, now);
        };
        cycle.running = None;
        cycle.ahead.clear();
        cycle.tasks = [Task::Plan].into();
        cycle.plan.clear();
        cycle.differs.clear();
        cycle.orphans.clear();
        cycle.poked = false;
        cycle.full = Some(Full { in_flight: std::mem::take(&mut self.in_flight) });
    }

    /// The backend speaks: what another history of it answered says nothing of this one.
    pub(super) fn hear_epoch(&mut self, epoch: Option<&String>) {
        if epoch.is_some() && epoch != self.answered_epoch.as_ref() {
            self.answered = Rc::default();
            self.answered_epoch = epoch.cloned();
        }
    }

    /// Remembers what cannot be stored, so that the same copy is not sent in each cycle; without an answer, a body that was
    /// refused as a whole.
    pub(super) fn answered(&mut self, in_flight: &InFlight, answer: Option<&Answer>) {
        // The step that shared it is over; where one is not, what it knew is sent once more.
        if Rc::get_mut(&mut self.answered).is_none() {
            self.answered = Rc::default();
        }
        let Some(answered) = Rc::get_mut(&mut self.answered) else { return };
        for sent in &in_flight.sent {
            let Some(entity) = self.config.find(&sent.entity) else { continue };
            let fate = answer.and_then(|answer| answer.results.value(entity, &sent.id));
            let is_there = matches!(fate, Some(Fate::Applied { .. } | Fate::Conflict(_) | Fate::BadConflict(_)));
            // What was refused by itself may pass behind another record: it is sent again.
            if is_there || answer.is_none() {
                answered.insert(entity, sent.id.clone(), Answered { stamp: sent.stamp, is_there });
            }
        }
        self.in_flight.clear();
        self.grow_batch();
    }
}
