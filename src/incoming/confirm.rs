//! The end of a pull: what was acknowledged and has been delivered is done, what was not is sent again. Never merges.
//!
//! Source: docs/protocol.md, sections 8 and 9; invariant I2.

use super::applying::Applying;
use crate::checkpoint::ResyncReason;
use crate::commit::Write;
use crate::mutation::{self, Mutation};
use crate::outgoing::outbox::{Change, ChangeState, Operation};
use crate::record::Key;

impl Applying<'_> {
    /// What was acknowledged before `upTo` and not delivered was lost by the backend, and is sent again.
    pub(super) fn confirm_acknowledged(&mut self) {
        let delivered = self.step.arrived(|bad| self.ends_wait(bad));
        for entity in self.config.entities_of(self.step.page.scope) {
            for (id, change) in self.found.changes.of(entity) {
                if change.state != ChangeState::Acknowledged || delivered.value(entity, id).is_some() {
                    continue;
                }
                // The app has written the row since: what it wrote is found by the next scan, and goes out.
                if self.edit(&change.key).is_some_and(|edit| edit.change.is_dirty()) {
                    continue;
                }
                match (self.step.page.up_to, change.accepted_at) {
                    (Some(up_to), Some(accepted_at)) if accepted_at > up_to => self.wait_for_delivery(change.clone()),
                    // A full pull of one history brings all but the purged. What this replica wrote itself is sent again
                    // all the same: the backend then says that it is gone.
                    (Some(_), Some(_)) if self.is_purged(change) => {
                        self.writes.push(Write::DeleteChange(change.key.clone()));
                        self.writes.push(Write::DeleteRow(change.key.clone()));
                    }
                    (Some(_), Some(_)) if mutation::is(Mutation::LostRecordNotRequeued) => {
                        self.writes.push(Write::DeleteChange(change.key.clone()));
                    }
                    (Some(_), Some(_)) => self.requeue(&change.key),
                    // The backend does not say how far it has come: an acknowledgement is all there will be.
                    _ => self.writes.push(Write::DeleteChange(change.key.clone())),
                }
            }
        }
    }

    /// The reader lags behind the acknowledgement, or the backend lost it without a newer one: a repeat tells which.
    fn wait_for_delivery(&mut self, mut change: Change) {
        change.attempts += 1;
        if change.attempts >= PULLS_SHORT_MAX {
            change.requeue();
            self.out.marked = true;
        }
        self.writes.push(Write::PutChange(change));
    }

    /// True for a deletion, or a copy that others wrote, which a full pull of one history did not bring.
    fn is_purged(&self, change: &Change) -> bool {
        let unwritten = change.operation == Operation::Delete || !change.sent.contains(&change.stamp);
        let Key { entity, id } = &change.key;
        unwritten && self.resyncs_for(ResyncReason::CursorExpired) && self.found.seen.value(*entity, id).is_none()
    }
}

/// Pulls that may end short of an acknowledgement before it is sent again.
const PULLS_SHORT_MAX: u32 = 3;
