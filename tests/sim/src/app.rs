//! What the app and its user do: edit through us or by themselves, retry, discard, choose. Never syncs.

use lastword::engine::state::Event;
use lastword::outgoing::outbox::ChangeState;
use lastword::outgoing::retry::{Choice, Discard, Resolve, Retry};
use lastword::outgoing::write::{Edit, EditKind, LocalWrite};
use lastword::record::{Entity, Key, Millis, Record, Row, Stamp, StoredRow};

use crate::backend::entity_of;
use crate::copy::{self, Copy};
use crate::oracle::Kind;
use crate::world::{Room, World, trace};

impl World {
    /// The user of some replica does something.
    pub(crate) fn act(&mut self) {
        let replica = self.rng.below(self.replicas.len());
        match self.rng.below(100) {
            0..70 => {
                let burst = if self.rng.chance(300) { 1 + self.rng.below(4) } else { 1 };
                for _ in 0..burst {
                    if self.profile.scan && !self.rng.chance(150) {
                        self.app_write(replica);
                    } else {
                        self.write(replica);
                    }
                }
            }
            70..76 => self.nudge(replica, || Event::SyncNow),
            76..80 => self.nudge(replica, || Event::Hint),
            80..86 => self.resolve_any(replica),
            86..88 => self.retry(replica),
            88..94 if self.profile.discard => self.discard(replica),
            94..95 if self.profile.mark_dirty => self.mark_dirty(replica),
            95..97 => self.nudge(replica, || Event::TokenChanged),
            _ => self.nudge(replica, || Event::Poked),
        }
    }

    fn nudge(&mut self, replica: usize, event: impl Fn() -> Event) {
        for tab in 0..self.replicas[replica].tabs.len() {
            self.handle(self.here(replica, tab), event());
        }
    }

    /// An edit through our own API.
    fn write(&mut self, replica: usize) {
        let mut edits = Vec::new();
        for _ in 0..1 + self.rng.below(2) {
            let index = self.any_index();
            let other = edits.first().is_some_and(|edit: &Edit| edit.key.id == copy::id_of(index));
            if other {
                continue;
            }
            if let Some(kind) = self.edit_of(replica, index) {
                edits.push(Edit { key: key_of(index), kind });
            }
        }
        let step = LocalWrite { edits, now: Millis(self.wall(replica)) };
        trace!(self, "the user of {replica} writes {:?}", step.edits);
        match self.commit(replica, Kind::Edit, None, &step, |_| Vec::new()) {
            Ok(records) => {
                for record in records {
                    let index = copy::index_of(entity_in(&step, &record), &record.id);
                    self.edited(replica, index, Copy::of(&record), true);
                }
                self.nudge(replica, || Event::Edited);
            }
            Err(error) => trace!(self, "the write failed: {error:?}"),
        }
    }

    fn edited(&mut self, replica: usize, index: usize, copy: Copy, stamped: bool) {
        let commit = self.replicas[replica].store.relaxed_commits();
        self.oracle.edited(replica, index, copy, commit, stamped);
    }

    fn edit_of(&mut self, replica: usize, index: usize) -> Option<EditKind> {
        let held = self.replicas[replica].store.look(|tables| crate::oracle::row(tables, index));
        let is_live = held.is_some_and(|held| !held.deleted);
        if is_live && self.rng.chance(180) {
            return Some(EditKind::Delete);
        }
        if self.profile.purge && !self.oracle.may_make(replica, index, held) {
            return None;
        }
        let (parent, bad) = (self.parent_for(replica, index)?, self.rng.chance(self.profile.bad));
        let fields = copy::fields(self.oracle.next_edit(replica), parent, bad);
        Some(if is_live && self.rng.chance(400) { EditKind::Patch(fields) } else { EditKind::Put(fields) })
    }

    /// A parent for a record; the outer none where it needs one and none is here.
    fn parent_for(&mut self, replica: usize, index: usize) -> Option<Option<&'static str>> {
        let entity = entity_of(index);
        if self.config.entity(entity).references.is_empty() {
            return Some(None);
        }
        let pick = self.rng.below(self.profile.ids);
        let parent = usize::from(entity.0 - 1) * copy::IDS_MAX + pick;
        let is_here = self.replicas[replica].store.look(|tables| crate::oracle::row(tables, parent)).is_some();
        is_here.then(|| Some(copy::id_of(parent)))
    }

    /// A write by the app alone, to its own row.
    fn app_write(&mut self, replica: usize) {
        if self.replicas[replica].room != Room::Enough {
            return;
        }
        let index = self.any_index();
        let key = key_of(index);
        let held = self.replicas[replica].store.look(|tables| tables.row(key.entity, &key.id).cloned());
        let Some(kind) = self.edit_of(replica, index) else { return };
        let mut wall = self.wall(replica);
        if self.profile.coarse_clock {
            wall -= wall % 1_000;
        }
        let forgets = self.rng.chance(self.fault_rate(self.profile.forget_stamp));
        let stamp = held.as_ref().filter(|_| forgets).map_or(Stamp(wall), |row| row.record.client_updated_at);
        let (is_deleted, fields) = match kind {
            EditKind::Put(fields) => (false, fields),
            EditKind::Patch(patch) => {
                let mut fields = held.as_ref().map(|row| row.record.fields.clone()).unwrap_or_default();
                fields.extend(patch);
                (false, fields)
            }
            EditKind::Delete | EditKind::MarkDirty => {
                (true, held.as_ref().map(|row| row.record.fields.clone()).unwrap_or_default())
            }
        };
        let before = held.as_ref().map(|row| &row.record);
        let record = Record {
            id: key.id.clone(),
            client_created_at: before.map_or(stamp, |record| record.client_created_at),
            client_updated_at: stamp,
            is_deleted,
            server_updated_at: before.and_then(|record| record.server_updated_at),
            server_id: before.and_then(|record| record.server_id.clone()),
            version: before.and_then(|record| record.version),
            sync: None,
            fields,
        };
        let copy = Copy::of(&record);
        trace!(self, "the app of {replica} writes {copy:?} of {index}");
        let row = Row { record, synced: held.and_then(|row| row.synced) };
        self.replicas[replica].store.write_rows(key.entity, [(key.id, Some(StoredRow::Row(row)))]);
        self.edited(replica, index, copy, false);
        if self.rng.chance(300) {
            self.nudge(replica, || Event::Edited);
        }
    }

    pub(crate) fn retry(&mut self, replica: usize) {
        let _ = self.commit(replica, Kind::Retry, None, &Retry { keys: None }, |_| Vec::new());
        self.nudge(replica, || Event::Edited);
    }

    fn discard(&mut self, replica: usize) {
        let store = self.replicas[replica].store.clone();
        let keys: Vec<Key> = store.look(|tables| {
            tables
                .changes
                .iter()
                .filter(|(_, _, change)| change.is_dirty())
                .map(|(_, _, change)| change.key.clone())
                .collect()
        });
        if keys.is_empty() {
            return;
        }
        let key = keys[self.rng.below(keys.len())].clone();
        let index = copy::index(&key);
        let held = store.look(|tables| crate::oracle::row(tables, index));
        trace!(self, "the user of {replica} discards {index}");
        if self.commit(replica, Kind::Discard, None, &Discard { key }, |_| Vec::new()).is_ok()
            && let Some(held) = held
        {
            self.oracle.discarded(replica, index, held);
        }
    }

    fn mark_dirty(&mut self, replica: usize) {
        let index = self.any_index();
        let edits = vec![Edit { key: key_of(index), kind: EditKind::MarkDirty }];
        let step = LocalWrite { edits, now: Millis(self.wall(replica)) };
        if let Ok(records) = self.commit(replica, Kind::Edit, None, &step, |_| Vec::new()) {
            trace!(self, "the user of {replica} marks {index}");
            for record in records {
                self.oracle.asked_to_push(replica, index, Copy::of(&record));
            }
        }
    }

    /// Chooses in one conflict, if there is one; the conflicts resolved.
    pub(crate) fn resolve_any(&mut self, replica: usize) {
        let store = self.replicas[replica].store.clone();
        let Some(conflict) = store.look(|tables| {
            let all: Vec<_> = tables.conflicts.iter().map(|(_, _, conflict)| conflict).collect();
            if all.is_empty() { None } else { Some(all[self.rng.below(all.len())].clone()) }
        }) else {
            return;
        };
        let index = copy::index(&conflict.key);
        let held = store.look(|tables| crate::oracle::row(tables, index));
        // A copy that a restored backend lost may stand behind the local edit alone: it is not given up here.
        let choice = match self.rng.below(3) {
            0 if !self.profile.restore => Choice::KeepRemote,
            1 if conflict.remote.is_some() || held.is_some() => {
                let parent =
                    conflict.local.fields.get(copy::PARENT).and_then(serde_json::Value::as_str).map(str::to_owned);
                Choice::Merged(copy::fields(self.oracle.next_edit(replica), parent.as_deref(), false))
            }
            _ => Choice::KeepLocal,
        };
        if conflict.remote.is_none() {
            self.oracle.revived(replica, index);
        }
        trace!(self, "the user of {replica} resolves {index}: {choice:?} of {conflict:?}");
        let keeps_remote = choice == Choice::KeepRemote;
        let step = Resolve { key: conflict.key, choice, now: Millis(self.wall(replica)) };
        let resolved = self.commit(replica, Kind::Resolve { keeps_remote }, None, &step, |_| Vec::new());
        let Ok(record) = resolved else { return };
        match record {
            Some(record) if !keeps_remote => {
                // A copy kept as it was is an edit as old as its first commit.
                let is_new = held.is_none_or(|held| held.edit != copy::edit_of(&record.fields));
                let commit = if is_new { self.replicas[replica].store.relaxed_commits() } else { 0 };
                self.oracle.edited(replica, index, Copy::of(&record), commit, true);
            }
            kept => {
                let kept = kept.map(|record| Copy::of(&record));
                self.oracle.chose_remote(replica, index, held, kept);
            }
        }
        self.nudge(replica, || Event::Edited);
    }

    pub(crate) fn has_failed_changes(&self, replica: usize) -> bool {
        self.replicas[replica].store.look(|tables| {
            tables.changes.iter().any(|(_, _, change)| matches!(change.state, ChangeState::FailedPermanently))
        })
    }
}

fn key_of(index: usize) -> Key {
    Key::new(entity_of(index), copy::id_of(index))
}

fn entity_in(step: &LocalWrite, record: &Record) -> Entity {
    let edit = copy::edit_of(&record.fields);
    let same = |other: &&Edit| match &other.kind {
        EditKind::Put(fields) | EditKind::Patch(fields) => copy::edit_of(fields) == edit && other.key.id == record.id,
        EditKind::Delete | EditKind::MarkDirty => other.key.id == record.id && record.is_deleted,
    };
    step.edits.iter().find(same).map_or(Entity(0), |edit| edit.key.entity)
}
