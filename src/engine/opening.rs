//! Taking the lead, losing it, and the states that only the app can end. Never runs a transaction.

use super::lease::{Open, Purpose};
use super::state::{Action, Halt, Mode, StoreOutcome, StoreStep};
use super::{Engine, WATCHDOG_MS, store_error, uuid_of};
use crate::commit::Refusal;
use crate::error::Error;
use crate::mutation::{self, Mutation};
use crate::ports::{Now, StoreError};

impl Engine {
    /// Reads the durable state and raises the fence; what is held in memory follows it.
    pub(super) fn open(&mut self, now: Now) {
        self.open_to(Purpose::Lead, now);
    }

    fn open_to(&mut self, purpose: Purpose, now: Now) {
        if self.mode == Mode::Stopped {
            return;
        }
        self.wake_at = Some(now.mono + WATCHDOG_MS);
        self.end_cycle_with(Err(Error::Fenced));
        let id = self.id();
        let (high, low) = (self.draw(), self.draw());
        let open =
            Open { account: self.account.clone(), device_id: uuid_of(high, low), hash_key: self.draw(), purpose };
        self.raised = purpose == Purpose::Lead;
        self.mode = Mode::Opening(id);
        self.actions.push(Action::Transact(id, StoreStep::Open(open)));
    }

    pub(super) fn opened(&mut self, result: Result<StoreOutcome, StoreError>, now: Now) {
        match result {
            Ok(StoreOutcome::Open(opened)) => {
                self.mode = Mode::Leader;
                self.fence = opened.replica.fence;
                self.checkpoints = opened.checkpoints;
                self.in_flight = opened.in_flight;
                if mutation::is(Mutation::InFlightNotResent) {
                    self.in_flight.clear();
                }
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
            Err(StoreError::Quota) if self.raised && !mutation::is(Mutation::FullStorageSendsNothing) => {
                self.open_to(Purpose::Look, now);
            }
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

    /// The store has accepted the account already.
    pub(super) fn signed_in(&mut self, account: Option<String>, now: Now) {
        self.account = account;
        if self.halt == Some(Halt::AccountMismatch) {
            self.halt = None;
            self.error = None;
            self.actions.push(Action::AcquireLead);
        }
        self.token_changed(now);
    }

    pub(super) fn lose_lead(&mut self) {
        if matches!(self.mode, Mode::Leader | Mode::Opening(_)) {
            self.stop(Error::Fenced);
            self.start();
        }
    }

    pub(super) fn halted(&mut self, halt: Halt, error: Error) {
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
}
