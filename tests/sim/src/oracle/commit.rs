//! Judges each commit before it happens, by the writes that were decided and the tables before them. Never acts.

use lastword::commit::Write;
use lastword::config::Config;
use lastword::memory::Tables;
use lastword::outgoing::outbox::{Change, ChangeState};
use lastword::record::{Entity, Key, Scope};

use super::{Oracle, Owed, row};
use crate::backend::{Position, User};
use crate::copy::{self, Copy};

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

impl Oracle {
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
            self.users[self.replicas[replica].user].left_no_trace = true;
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
                | Write::DeleteInFlight(_)
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
        if kind == Kind::Restamp {
            self.users[user].restamped[index] = true;
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
        // And a replica that does not know that it ever sent a record cannot say so.
        let forgotten = (truth.restored || self.readers_lag || truth.left_no_trace) && truth.purged[index];
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
        // What a reader that lags leaves out, or shows in an older copy during a full pull, is sent again.
        let is_full_pull = before.checkpoints.values().any(|checkpoint| checkpoint.resync.is_some());
        if kind == Kind::Apply && self.readers_lag && (was_acknowledged || held.is_none() && is_full_pull) {
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
