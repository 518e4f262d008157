//! Knows the truth of a world and checks every commit against it. Never acts on the world.
//!
//! It sees each commit as the writes that were decided and the tables before them, each push as the backend took it, and
//! each edit as it was made. The first broken invariant of docs/protocol.md, section 12, ends the world.

mod commit;
mod report;

use lastword::config::Config;
use lastword::memory::Tables;
use lastword::record::{Entity, Record};

use crate::backend::entity_of;
use crate::copy::{self, Copy, KEYS_MAX, PARENT};
use crate::tally::Tally;
pub(crate) use commit::Kind;
pub(crate) use report::Owed;

/// What is true of a world.
pub(crate) struct Oracle {
    /// The first broken invariant.
    pub(crate) broken: Option<String>,
    pub(crate) edits: Vec<Edit>,
    pub(crate) users: Vec<Truth>,
    pub(crate) replicas: Vec<Local>,
    /// Some cache on the way answers with pages that were true before.
    stale_pages: bool,
    /// A copy that a lagging reader does not show is sent again, whoever wrote it.
    readers_lag: bool,
    pub(crate) tally: Tally,
    /// Entities of records for which the last commit counted a try because a parent was missing.
    pub(crate) orphans: Vec<Entity>,
}

pub(crate) struct Edit {
    pub(crate) author: usize,
    user: usize,
    /// The stamps of its copies that a power cut took back. A choice by the user gives an older edit a new copy.
    undone: Vec<i64>,
    excused: bool,
}

/// What the backend ever took of one user.
pub(crate) struct Truth {
    pub(crate) accepted: Vec<Vec<Copy>>,
    pub(crate) purged: Vec<bool>,
    /// Purged records that a user chose to bring back.
    revived: Vec<bool>,
    /// Records that were ever made.
    made: Vec<bool>,
    /// Records that some replica, wiped since or not, was ever free to send unedited.
    pushed_unedited: Vec<bool>,
    /// Records that some replica holds in a copy that the backend refuses.
    pub(crate) refused: Vec<bool>,
    pub(crate) restored: bool,
    /// Records whose stamp was ahead of the backend's clock, and was set again.
    pub(crate) restamped: Vec<bool>,
    /// Some replica pushed while it could store nothing, and may not know of it.
    pub(super) left_no_trace: bool,
}

/// What one replica has shown and done.
#[derive(Default)]
pub(crate) struct Local {
    pub(crate) user: usize,
    high: Vec<Option<Copy>>,
    seen: Vec<Vec<Copy>>,
    /// Records deleted here: place and the edit the tombstone keeps.
    deleted: Vec<(usize, usize)>,
    /// Edits since the last strict commit, each with the number of relaxed commits up to its own.
    relaxed: Vec<(usize, Copy)>,
    /// Records that may be sent unedited, by request or to heal the backend.
    may_push: Vec<bool>,
    /// Records whose local copy the user gave up: what comes back from the backend is news again.
    gave_up: Vec<bool>,
    /// The copies that were given up, with their places.
    given_up: Vec<(usize, Copy)>,
    /// Wiped or evicted: what was made before is as foreign as what others made.
    reset: bool,
}

impl Oracle {
    pub(crate) fn new(replicas: usize, users: usize, stale_pages: bool, readers_lag: bool) -> Self {
        let truth = || Truth {
            accepted: vec![Vec::new(); KEYS_MAX],
            purged: vec![false; KEYS_MAX],
            revived: vec![false; KEYS_MAX],
            made: vec![false; KEYS_MAX],
            pushed_unedited: vec![false; KEYS_MAX],
            refused: vec![false; KEYS_MAX],
            restored: false,
            restamped: vec![false; KEYS_MAX],
            left_no_trace: false,
        };
        Self {
            broken: None,
            stale_pages,
            readers_lag,
            edits: vec![Edit { author: usize::MAX, user: 0, undone: Vec::new(), excused: false }],
            users: (0..users).map(|_| truth()).collect(),
            replicas: (0..replicas).map(|_| Local::fresh(0)).collect(),
            tally: Tally::default(),
            orphans: Vec::new(),
        }
    }

    pub(crate) fn breaks(&mut self, invariant: impl Into<String>) {
        self.broken.get_or_insert_with(|| invariant.into());
    }

    /// Registers an edit about to be made; its number goes into the content.
    pub(crate) fn next_edit(&mut self, author: usize) -> usize {
        let user = self.replicas.get(author).map_or(0, |local| local.user);
        self.edits.push(Edit { author, user, undone: Vec::new(), excused: false });
        self.tally.edits += 1;
        self.edits.len() - 1
    }

    /// An edit has been committed at `replica`: I10, it is newer than all its author had seen.
    pub(crate) fn edited(&mut self, replica: usize, index: usize, copy: Copy, commit: usize, stamped: bool) {
        let local = &mut self.replicas[replica];
        if copy.deleted {
            local.deleted.push((index, copy.edit));
        }
        local.relaxed.push((commit, copy));
        let high = &mut local.high[index];
        if stamped && high.is_some_and(|high| copy.stamp <= high.stamp) {
            let seen = *high;
            self.breaks(format!("I10: edit {copy:?} of {index} at {replica} is not newer than {seen:?}, seen before"));
            return;
        }
        *high = Some(copy);
    }

    /// The app asked to push a record as it is.
    pub(crate) fn asked_to_push(&mut self, replica: usize, index: usize, copy: Copy) {
        self.frees_to_push(replica, index);
        self.replicas[replica].high[index] = Some(copy);
    }

    fn frees_to_push(&mut self, replica: usize, index: usize) {
        self.replicas[replica].may_push[index] = true;
        self.users[self.replicas[replica].user].pushed_unedited[index] = true;
    }

    /// The user chose the backend's copy over the local one.
    pub(crate) fn chose_remote(&mut self, replica: usize, index: usize, given_up: Option<Copy>, kept: Option<Copy>) {
        if let Some(copy) = given_up.filter(|copy| self.is_unsent(replica, index, *copy)) {
            self.excuse(replica, index, copy);
        }
        self.replicas[replica].high[index] = kept;
    }

    /// The user gave up the local copy.
    pub(crate) fn discarded(&mut self, replica: usize, index: usize, copy: Copy) {
        self.excuse(replica, index, copy);
        self.replicas[replica].gave_up[index] = true;
        // What the backend has may be older than what was given up.
        self.replicas[replica].high[index] = None;
        self.replicas[replica].seen[index].clear();
    }

    fn excuse(&mut self, replica: usize, index: usize, copy: Copy) {
        self.replicas[replica].given_up.push((index, copy));
        if copy.deleted {
            self.replicas[replica].deleted.retain(|deleted| *deleted != (index, copy.edit));
        } else {
            self.edits[copy.edit].excused = true;
        }
    }

    pub(crate) fn is_unsent(&self, replica: usize, index: usize, copy: Copy) -> bool {
        let local = &self.replicas[replica];
        let authored = if copy.deleted {
            local.deleted.contains(&(index, copy.edit))
        } else {
            let edit = &self.edits[copy.edit];
            edit.author == replica && !edit.excused
        };
        authored && !self.users[local.user].accepted[index].contains(&copy)
    }

    /// The backend took a copy.
    pub(crate) fn accepted(&mut self, user: usize, index: usize, copy: Copy) {
        self.tally.accepted += 1;
        self.users[user].accepted[index].push(copy);
        let edit = &self.edits[copy.edit];
        if edit.undone.contains(&copy.stamp) && !copy.deleted {
            self.breaks(format!("I23: {copy:?} of {index} left its replica, and a power cut took it back there"));
        } else if edit.user != user {
            self.breaks(format!("I15: {copy:?} of {index} reached another account"));
        }
    }

    /// A record arrived in a body after those of `before`: I14, its parent came first.
    pub(crate) fn arrived(&mut self, config: &Config, user: usize, entity: Entity, record: &Record, before: &[usize]) {
        if record.is_deleted || config.entity(entity).references.is_empty() || self.users[user].restored {
            return;
        }
        let Some(parent) = record.fields.get(PARENT).and_then(serde_json::Value::as_str) else { return };
        let parent = copy::index_of(Entity(entity.0 - 1), parent);
        if self.users[user].accepted[parent].is_empty() && !before.contains(&parent) {
            self.breaks(format!("I14: {:?} of {} came before its parent", Copy::of(record), record.id));
        }
    }

    pub(crate) fn purged(&mut self, user: usize, index: usize) {
        self.users[user].purged[index] = true;
    }

    pub(crate) fn restored(&mut self) {
        self.users.iter_mut().for_each(|user| user.restored = true);
    }

    /// A power cut took back the commits since the last strict one.
    pub(crate) fn power_lost(&mut self, replica: usize, tables: &Tables, survived: usize) {
        let relaxed = std::mem::take(&mut self.replicas[replica].relaxed);
        for (commit, copy) in relaxed {
            if commit > survived && !copy.deleted {
                self.edits[copy.edit].undone.push(copy.stamp);
            }
        }
        let local = &mut self.replicas[replica];
        for (index, copy) in std::mem::take(&mut local.given_up) {
            // A cut may take back that an edit was given up: it waits again, under the stamp that it had before. A row that
            // was given up and has no other copy behind it stays, under no stamp.
            let is_back = |row: Copy| row.stamp != 0 && (row.edit, row.deleted) == (copy.edit, copy.deleted);
            if !row(tables, index).is_some_and(is_back) {
                local.given_up.push((index, copy));
            } else if copy.deleted {
                local.deleted.push((index, copy.edit));
            } else {
                self.edits[copy.edit].excused = false;
            }
        }
        local.seen = vec![Vec::new(); KEYS_MAX];
        for index in 0..KEYS_MAX {
            // A cut may take back that something was given up.
            local.may_push[index] |= local.gave_up[index];
            local.high[index] = row(tables, index);
            local.seen[index].extend(local.high[index]);
        }
    }

    /// The database was wiped or evicted; unsent edits in it were given up.
    pub(crate) fn reset(&mut self, replica: usize, user: usize, before: &Tables) {
        for index in 0..KEYS_MAX {
            if let Some(copy) = row(before, index)
                && self.is_unsent(replica, index, copy)
            {
                self.excuse(replica, index, copy);
            }
        }
        self.replicas[replica] = Local { reset: true, ..Local::fresh(user) };
    }

    /// Says whether `replica` may make the record: ids are made by one replica and never used again.
    pub(crate) fn may_make(&mut self, replica: usize, index: usize, held: Option<Copy>) -> bool {
        let (owner, user) = (index % self.replicas.len(), self.replicas[replica].user);
        match held {
            Some(held) => !held.deleted,
            None => owner == replica && !std::mem::replace(&mut self.users[user].made[index], true),
        }
    }

    /// The user brings back a record that was purged.
    pub(crate) fn revived(&mut self, replica: usize, index: usize) {
        self.users[self.replicas[replica].user].revived[index] = true;
    }
}

impl Local {
    fn fresh(user: usize) -> Self {
        Self {
            user,
            high: vec![None; KEYS_MAX],
            seen: vec![Vec::new(); KEYS_MAX],
            deleted: Vec::new(),
            relaxed: Vec::new(),
            may_push: vec![false; KEYS_MAX],
            gave_up: vec![false; KEYS_MAX],
            given_up: Vec::new(),
            reset: false,
        }
    }
}

/// The row of `index`.
pub(crate) fn row(tables: &Tables, index: usize) -> Option<Copy> {
    tables.row(entity_of(index), copy::id_of(index)).map(|row| Copy::of(&row.record))
}
