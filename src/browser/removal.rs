//! Removals from the outbox as ranges of its keys. Never covers a key that the commit does not remove.
//!
//! A request for each removed row costs many times what one for a range does. A range needs to know what lies in it: a
//! transaction that has read a stretch of an entity's outbox, or every key of it, does.

use super::bundles::Bundles;
use super::by_id::{Passed, sorts_alike};
use crate::commit::{Found, Read, Write};
use crate::config::Config;
use crate::record::{ByKey, Entity, Key};

/// The keys of the outbox that a transaction knows, besides those that its step was shown.
#[derive(Default)]
pub(super) struct KnownKeys {
    stretches: Vec<Stretch>,
    others: ByKey<()>,
    /// Those that were asked for, in order, whether they are there or not.
    asked: Vec<(Entity, Vec<String>)>,
}

/// A part of an entity's outbox of which every key is known.
struct Stretch {
    entity: Entity,
    first: String,
    /// None where it has no end.
    last: Option<String>,
}

/// The ids of an entity from the first to the last.
pub(super) type Range = (Entity, String, String);

/// What becomes of a key in the order of keys.
enum Fate {
    /// It is removed, and lies in the stretch of this place.
    Removed(usize),
    Stays,
}

impl KnownKeys {
    /// Notes what was read, and what was passed on the way.
    pub(super) fn note(&mut self, read: &Read, passed: Passed, config: &Config) {
        let whole = |entity| Stretch { entity, first: String::new(), last: None };
        if let Read::AllChanges(entity) | Read::ChangeIds(entity) = read {
            self.stretches.push(whole(*entity));
        } else if *read == Read::Outbox {
            self.stretches.extend(config.all().map(whole));
        } else if let Read::Changes(entity, ids) = read {
            let mut ids = ids.clone();
            ids.sort_unstable();
            self.asked.push((*entity, ids));
            let stretches = passed.stretches.into_iter();
            self.stretches.extend(stretches.map(|(first, last)| Stretch { entity: *entity, first, last: Some(last) }));
            for id in passed.others {
                self.others.insert(*entity, id, ());
            }
        }
    }

    /// True where the transaction knows that a record has no entry of its own: what it has read would show it.
    pub(super) fn is_absent(&self, found: &Found, entity: Entity, id: &str) -> bool {
        let was_asked = |(of, ids): &(Entity, Vec<String>)| {
            *of == entity && ids.binary_search_by(|asked| asked.as_str().cmp(id)).is_ok()
        };
        found.changes.value(entity, id).is_none() && self.asked.iter().any(was_asked)
    }

    /// Takes the removals that lie side by side out of `writes`; gives their ranges.
    pub(super) fn take_ranges(&self, found: &Found, bundles: &Bundles, writes: &mut Vec<Write>) -> Vec<Range> {
        let mut ranges = Vec::new();
        let mut covered: ByKey<()> = ByKey::default();
        let mut run: Vec<(Key, usize)> = Vec::new();
        for (key, fate) in self.in_order(found, bundles, writes) {
            let place = if let Fate::Removed(place) = fate { Some(place) } else { None };
            let goes_on = run.last().is_some_and(|(last, at)| last.entity == key.entity && Some(*at) == place);
            if !goes_on {
                end(&mut run, &mut ranges, &mut covered);
            }
            run.extend(place.map(|place| (key, place)));
        }
        end(&mut run, &mut ranges, &mut covered);
        if !ranges.is_empty() {
            let is_covered = |write: &Write| matches!(write, Write::DeleteChange(key) if covered.value(key.entity, &key.id).is_some());
            writes.retain(|write| !is_covered(write));
        }
        ranges
    }

    /// Every key that the commit removes from a known stretch, with all that stay between them.
    fn in_order(&self, found: &Found, bundles: &Bundles, writes: &[Write]) -> ByKey<Fate> {
        let mut keys = ByKey::default();
        for write in writes {
            if let Write::DeleteChange(Key { entity, id }) = write
                && sorts_alike(id)
                && let Some(place) = self.stretches.iter().position(|stretch| stretch.covers(*entity, id))
            {
                keys.insert(*entity, id.clone(), Fate::Removed(place));
            }
        }
        if keys.is_empty() {
            return keys;
        }
        for write in writes {
            // What the same commit stores keeps its place between the removals.
            if let Write::PutChange(change) = write {
                keys.insert(change.key.entity, change.key.id.clone(), Fate::Stays);
            }
        }
        let shown = found.changes.iter().map(|(entity, id, _)| (entity, id));
        let ids = found.change_ids.iter().map(|(entity, id, ())| (entity, id));
        let others = self.others.iter().map(|(entity, id, ())| (entity, id));
        // What lies in a bundle has no key of its own.
        for (entity, id) in shown.chain(ids).chain(others).filter(|(entity, id)| !bundles.held(*entity, id)) {
            if keys.value(entity, id).is_none() {
                keys.insert(entity, id.clone(), Fate::Stays);
            }
        }
        keys
    }
}

impl Stretch {
    fn covers(&self, entity: Entity, id: &str) -> bool {
        self.entity == entity && self.first.as_str() <= id && self.last.as_deref().is_none_or(|last| id <= last)
    }
}

/// Makes a range of a run that is longer than one.
fn end(run: &mut Vec<(Key, usize)>, ranges: &mut Vec<Range>, covered: &mut ByKey<()>) {
    if let [(first, _), .., (last, _)] = &run[..] {
        ranges.push((first.entity, first.id.clone(), last.id.clone()));
        for (key, _) in &*run {
            covered.insert(key.entity, key.id.clone(), ());
        }
    }
    run.clear();
}
