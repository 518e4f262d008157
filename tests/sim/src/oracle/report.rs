//! Judges what a commit reported: no edit gives way without a word. Never acts.

use lastword::incoming::conflict::Notice;
use lastword::memory::Tables;
use lastword::record::Key;

use super::Oracle;
use crate::backend::entity_of;
use crate::copy::{self, Copy};

/// What a commit must report before it passes.
#[derive(Default)]
pub(crate) struct Owed(pub(super) Vec<(usize, Copy, Option<Copy>)>);

impl Oracle {
    /// Checks that what a commit took away was reported, and that it lost by the order.
    pub(crate) fn reported(&mut self, replica: usize, owed: Owed, notices: &[Notice], after: &Tables) {
        for notice in notices {
            match notice {
                Notice::Superseded { local, remote, key } => {
                    self.tally.superseded += 1;
                    let (lost, won, index) = (Copy::of(local), Copy::of(remote), copy::index(key));
                    if won <= lost {
                        self.breaks(format!("I3: {lost:?} of {index} at {replica} lost to the older {won:?}"));
                    }
                }
                Notice::Conflict(key) => {
                    self.tally.conflicts += 1;
                    let conflict = after.conflicts.value(key.entity, &key.id);
                    let met = conflict.and_then(|conflict| conflict.remote.as_ref()).map(Copy::of);
                    // An app that forgets to stamp gives two edits one stamp: which of them was sent is not known.
                    let local = conflict.map(|conflict| conflict.local.client_updated_at.0);
                    if let Some(met) = met.filter(|met| !met.deleted && Some(met.stamp) != local) {
                        self.met(replica, copy::index(key), met);
                    }
                }
                Notice::Failed { .. } => self.tally.failed += 1,
                Notice::Quarantined { .. } => self.tally.quarantined += 1,
                Notice::Restamped { .. } => self.tally.restamped += 1,
                Notice::LostByBackend(key) => {
                    self.tally.healed += 1;
                    let truth = &self.users[self.replicas[replica].user];
                    if !truth.restored && !truth.purged[copy::index(key)] && !self.stale_pages {
                        self.breaks(format!("I9: {key:?} at {replica} is said to be lost, and no history was"));
                    }
                }
            }
        }
        for (index, lost, won) in owed.0 {
            let told = notices.iter().any(|notice| {
                matches!(notice, Notice::Superseded { local, key, .. }
                    if copy::index(key) == index && Copy::of(local).same_content(lost))
            });
            let key = Key::new(entity_of(index), copy::id_of(index));
            let kept = after
                .conflicts
                .value(key.entity, &key.id)
                .is_some_and(|conflict| Copy::of(&conflict.local).same_content(lost));
            // A deletion that finds the record gone has what it wanted.
            let moot = lost.deleted && won.is_none();
            if !(told || kept || moot) {
                self.breaks(format!("I3: {lost:?} of {index} at {replica} gave way to {won:?} without a word"));
            }
        }
    }

    /// A user never has to choose against an earlier edit of their own, made in the same database.
    fn met(&mut self, replica: usize, index: usize, met: Copy) {
        let edit = &self.edits[met.edit];
        let (local, truth) = (&self.replicas[replica], &self.users[self.replicas[replica].user]);
        // A copy that someone asked to push as it was bears the number of the edit, and is another's.
        if edit.author == replica
            && !truth.pushed_unedited[index]
            && !edit.excused
            && !local.reset
            && !local.gave_up[index]
            && !truth.restored
        {
            self.breaks(format!(
                "section 7: {met:?} of {index}, made at {replica}, is in conflict with a child of its own"
            ));
        }
    }
}
