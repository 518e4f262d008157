//! Knows the truth of a world and checks every commit against it. Never acts on the world.
//!
//! It sees each commit as the writes that were decided and the tables before them, each push as the backend took it, and
//! each edit as it was made. The first broken invariant of docs/protocol.md, section 12, ends the world.
//!
//! Long because every invariant is judged against one memory of the whole world.

use lastword::commit::Write;
use lastword::config::Config;
use lastword::incoming::conflict::Notice;
use lastword::memory::Tables;
use lastword::outgoing::outbox::{Change, ChangeState};
use lastword::record::{Entity, Key, Record, Scope};

use crate::backend::{Position, User, entity_of};
use crate::copy::{self, Copy, KEYS_MAX, PARENT};
use crate::tally::Tally;

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
    /// Wiped or evicted: what was made before is as foreign as what others made.
    reset: bool,
}

/// What made a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Edit,
    Resolve {
        keeps_remote: bool,
    },
    Discard,
    Retry,
    Open,
    Scan,
    StartResync,
    Apply,
    Plan,
    Stage,
    /// A body that is made while nothing can be stored.
    Unstored,
    Settle,
    Unstage,
    Restamp,
}

/// What a commit must report before it passes.
#[derive(Default)]
pub(crate) struct Owed(Vec<(usize, Copy, Option<Copy>)>);

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

    /// Checks the writes of a commit before they happen.
    pub(crate) fn watch(
        &mut self,
        replica: usize,
        kind: Kind,
        fence: Option<u64>,
        is_strict: bool,
        before: &Tables,
        writes: &[Write],
    ) -> Owed {
        self.tally.commits += 1;
        let mut owed = Owed::default();
        if kind == Kind::Unstored {
            self.tally.unstored += 1;
            if !writes.is_empty() {
                self.breaks(format!("section 8: {writes:?} at {replica} while nothing can be stored"));
            }
        }
        if let (Some(fence), Some(held)) = (fence, &before.replica)
            && fence != held.fence
            && !writes.is_empty()
        {
            self.breaks(format!("I13: {kind:?} with fence {fence} took effect under fence {}", held.fence));
        }
        for write in writes {
            match write {
                Write::PutRow(entity, record, _) => {
                    self.put_row(
                        replica,
                        kind,
                        copy::index_of(*entity, &record.id),
                        Copy::of(record),
                        before,
                        &mut owed,
                    );
                }
                Write::DeleteRow(key) => self.delete_row(replica, kind, key, before, &mut owed),
                Write::PutChange(change) => self.put_change(replica, kind, change, before, writes),
                Write::DeleteChange(key) => self.delete_change(replica, kind, key, before, writes),
                Write::PutCheckpoint(scope, after) => {
                    let held = before.checkpoints.get(scope).and_then(|held| held.cursor.as_deref());
                    let (old, new) =
                        (held.and_then(Position::parse), after.cursor.as_deref().and_then(Position::parse));
                    if kind == Kind::Apply
                        && let (Some(old), Some(new)) = (old, new)
                        && (old.epoch != new.epoch || new.seq < old.seq)
                    {
                        self.breaks(format!("I11: the cursor of {scope:?} at {replica} went from {old:?} to {new:?}"));
                    }
                }
                Write::PutReplica(after) => {
                    if before.replica.as_ref().is_some_and(|held| after.fence < held.fence) {
                        self.breaks(format!("I13: the fence at {replica} went back"));
                    }
                }
                Write::PutInFlight(sent) => {
                    for sent in &sent.sent {
                        let entity = entity_named(&sent.entity);
                        let index = copy::index_of(entity, &sent.id);
                        self.check_echo(replica, index, before, writes, "is sent");
                    }
                }
                Write::PutRowWithColumns(..)
                | Write::PutConflict(_)
                | Write::DeleteConflict(_)
                | Write::PutQuarantined(_)
                | Write::DeleteQuarantined(_)
                | Write::PutEntityMeta(..)
                | Write::DeleteInFlight
                | Write::PutSeen(..)
                | Write::DeleteSeen(..)
                | Write::Wipe => {}
            }
        }
        if is_strict {
            self.replicas[replica].relaxed.clear();
        }
        owed
    }

    fn put_row(&mut self, replica: usize, kind: Kind, index: usize, new: Copy, before: &Tables, owed: &mut Owed) {
        let user = self.replicas[replica].user;
        if self.edits[new.edit].user != user {
            return self.breaks(format!("I15: {new:?} of {index} of another account is at {replica}"));
        }
        let loses = row(before, index).filter(|old| !old.same_content(new) && self.is_unsent(replica, index, *old));
        if let Some(lost) = loses.filter(|_| matches!(kind, Kind::Apply | Kind::Settle))
            && self.replicas[replica].seen[index].contains(&new)
        {
            self.breaks(format!("I10: {lost:?} of {index} lost to {new:?}, which its author {replica} had seen"));
        }
        if self.edits[new.edit].author != replica {
            let seen = &mut self.replicas[replica].seen[index];
            if seen.last() != Some(&new) {
                seen.push(new);
            }
        }
        if matches!(kind, Kind::Edit | Kind::Resolve { .. } | Kind::Discard) {
            return;
        }
        let old = row(before, index);
        let high = self.replicas[replica].high[index];
        if let Some(old) = old.filter(|old| !old.same_content(new) && self.is_unsent(replica, index, *old)) {
            owed.0.push((index, old, Some(new)));
        }
        // Whether an unsent edit lost rightly is judged by its report: the app's own stamp may have been corrected first.
        let given_way = old.is_some_and(|old| self.is_unsent(replica, index, old) && Some(old) == high);
        let moves_back = !given_way && high.is_some_and(|high| new < high && !new.same_content(high));
        let truth = &self.users[user];
        // A backup older than a purge brings back what no one remembers as deleted.
        // So may a reader that lags behind one, until its cursor is refused.
        let forgotten = (truth.restored || self.readers_lag) && truth.purged[index];
        if moves_back && !truth.revived[index] && !forgotten {
            self.breaks(format!("I4: {kind:?} shows {new:?} of {index} at {replica} again, after {high:?}"));
        }
        let restamped = matches!(kind, Kind::Restamp | Kind::Scan | Kind::Apply | Kind::Stage);
        if !restamped && high.is_some_and(|high| new < high && new.same_content(high)) {
            self.breaks(format!("I4: {kind:?} moves the stamp of {high:?} of {index} at {replica} back to {new:?}"));
        }
        self.replicas[replica].high[index] = Some(new);
    }

    fn delete_row(&mut self, replica: usize, kind: Kind, key: &Key, before: &Tables, owed: &mut Owed) {
        let index = copy::index(key);
        let Some(old) = row(before, index) else { return };
        self.tally.removed += 1;
        match kind {
            Kind::Apply | Kind::Settle => {
                if self.is_unsent(replica, index, old) {
                    owed.0.push((index, old, None));
                }
                let truth = &self.users[self.replicas[replica].user];
                // A cache that answers for the backend may leave a record out of a full pull; it comes with the next page.
                // What was given up claims nothing, and may never have been on the backend.
                // Nor may what was sent once and is said to be gone, because it is as old as what was purged.
                let sent_once = kind == Kind::Settle && self.is_unsent(replica, index, old);
                if old.stamp > 0 && !sent_once && !truth.purged[index] && !truth.restored && !self.stale_pages {
                    self.breaks(format!(
                        "I2: {kind:?} removes {old:?} of {index} at {replica}, which was never purged"
                    ));
                }
            }
            Kind::Resolve { .. } | Kind::Discard => {}
            Kind::Edit
            | Kind::Retry
            | Kind::Open
            | Kind::Scan
            | Kind::StartResync
            | Kind::Plan
            | Kind::Stage
            | Kind::Unstored
            | Kind::Unstage
            | Kind::Restamp => self.breaks(format!("I3: {kind:?} removes a row")),
        }
    }

    fn put_change(&mut self, replica: usize, kind: Kind, change: &Change, before: &Tables, writes: &[Write]) {
        let index = copy::index(&change.key);
        let held = before.changes.value(change.key.entity, &change.key.id);
        let was_acknowledged = held.is_some_and(|held| held.state == ChangeState::Acknowledged);
        if change.state == ChangeState::Acknowledged {
            // What the app has written since is found by the next scan.
            if was_acknowledged {
                return;
            }
            if let Some(row) = after(before, writes, index)
                && self.is_unsent(replica, index, row)
            {
                self.breaks(format!("I7: {kind:?} acknowledges {row:?} of {index} at {replica}, which was not taken"));
            }
            return;
        }
        let tried = held.is_some_and(|held| held.attempts < change.attempts);
        if tried && change.error.as_ref().is_some_and(|error| error.code == "missing_reference") {
            self.orphans.push(change.key.entity);
            self.tally.orphans += 1;
        }
        let newly = held.is_none() || was_acknowledged;
        if was_acknowledged && kind == Kind::Apply && self.readers_lag {
            self.frees_to_push(replica, index);
        }
        if newly && !matches!(kind, Kind::Edit | Kind::Resolve { .. } | Kind::StartResync) {
            self.check_echo(replica, index, before, writes, "is queued");
        }
        if newly && kind == Kind::StartResync {
            self.frees_to_push(replica, index);
        }
    }

    fn check_echo(&mut self, replica: usize, index: usize, before: &Tables, writes: &[Write], what: &str) {
        let Some(row) = after(before, writes, index) else { return };
        let local = &self.replicas[replica];
        if self.is_unsent(replica, index, row) || local.may_push[index] || self.users[local.user].restored {
            return;
        }
        // Acknowledged while the answer was lost: the repeat is the same edit.
        let mine = local.deleted.contains(&(index, row.edit)) || self.edits[row.edit].author == replica;
        if !mine {
            self.breaks(format!("I9: {row:?} of {index} {what} at {replica}, where no one edited it"));
        }
    }

    fn delete_change(&mut self, replica: usize, kind: Kind, key: &Key, before: &Tables, writes: &[Write]) {
        let index = copy::index(key);
        let held = before.changes.value(key.entity, &key.id);
        let was_acknowledged = held.is_some_and(|held| held.state == ChangeState::Acknowledged);
        if was_acknowledged || matches!(kind, Kind::Discard | Kind::Resolve { .. }) {
            return;
        }
        if let Some(row) = after(before, writes, index)
            && self.is_unsent(replica, index, row)
        {
            self.breaks(format!("I7: {kind:?} forgets {row:?} of {index} at {replica}, which was not taken"));
        }
    }

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

    /// I5: what the checkpoint says was seen is in the tables.
    pub(crate) fn check_checkpoint(
        &mut self,
        replica: usize,
        config: &Config,
        tables: &Tables,
        scope: Scope,
        backend: &User,
    ) {
        let Some(checkpoint) = tables.checkpoints.get(&scope) else { return };
        let Some(position) = checkpoint.cursor.as_deref().and_then(Position::parse) else { return };
        if position.epoch != backend.epoch() {
            return;
        }
        let restored = self.users[self.replicas[replica].user].restored;
        for entity in config.entities_of(scope) {
            let range = usize::from(entity.0) * copy::IDS_MAX..(usize::from(entity.0) + 1) * copy::IDS_MAX;
            for index in range {
                let Some(stored) = backend.records[index].as_ref().filter(|stored| stored.seq <= position.seq) else {
                    continue;
                };
                let id = copy::id_of(index);
                let aside = tables.changes.value(entity, id).is_some_and(Change::is_dirty)
                    || row(tables, index).is_some_and(|held| self.is_unsent(replica, index, held))
                    || tables.conflicts.value(entity, id).is_some()
                    || tables.quarantined.value(entity, id).is_some();
                let held = row(tables, index);
                if !aside && !restored && held.is_none_or(|held| held < Copy::of(&stored.record)) {
                    let missing = Copy::of(&stored.record);
                    self.breaks(format!(
                        "I5: the checkpoint of {scope:?} at {replica} covers {missing:?} of {index}; the row is {held:?}"
                    ));
                }
            }
        }
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
        local.seen = vec![Vec::new(); KEYS_MAX];
        for index in 0..KEYS_MAX {
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
            reset: false,
        }
    }
}

/// The row of `index`.
pub(crate) fn row(tables: &Tables, index: usize) -> Option<Copy> {
    tables.row(entity_of(index), copy::id_of(index)).map(|row| Copy::of(&row.record))
}

/// The row of `index` as it will be after `writes`.
#[allow(clippy::wildcard_enum_match_arm, reason = "no other write touches a row")]
fn after(before: &Tables, writes: &[Write], index: usize) -> Option<Copy> {
    for write in writes.iter().rev() {
        match write {
            Write::PutRow(entity, record, _) if copy::index_of(*entity, &record.id) == index => {
                return Some(Copy::of(record));
            }
            Write::DeleteRow(key) if copy::index(key) == index => return None,
            _ => {}
        }
    }
    row(before, index)
}

fn entity_named(name: &str) -> Entity {
    Entity(u16::from(name.as_bytes().first().map_or(0, |first| first.wrapping_sub(b'a'))))
}
