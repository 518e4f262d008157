//! Maps by record, by entity and by scope, in key order. Never holds a tree for each type of value.
//!
//! Trees and sorts are compiled anew for every type that they hold, which is most of what a small package weighs. Here one
//! tree of ids leads to a place in a list, whatever the list holds; entities and scopes are few, so sorted lists do.

use std::collections::BTreeMap;
use std::fmt;

use litemap::LiteMap;

use crate::record::{Entity, Key, Scope};

/// A map by entity: a sorted list.
pub type ByEntity<T> = LiteMap<Entity, T>;
/// A map by scope: a sorted list.
pub type ByScope<T> = LiteMap<Scope, T>;

/// A sorted list of entries that come one by one: to collect them would compile a sort for each type.
pub(crate) fn listed<K: Ord, V>(entries: impl Iterator<Item = (K, V)>) -> LiteMap<K, V> {
    let mut list = LiteMap::new();
    for (key, value) in entries {
        list.insert(key, value);
    }
    list
}

/// A map by record.
#[derive(Clone)]
pub struct ByKey<T> {
    places: ByEntity<BTreeMap<String, usize>>,
    values: Vec<Option<T>>,
    free: Vec<usize>,
}

impl<T> ByKey<T> {
    /// The value of `id` in `entity`.
    #[must_use]
    pub fn value(&self, entity: Entity, id: &str) -> Option<&T> {
        self.values[self.place(entity, id)?].as_ref()
    }

    /// Sets the value of `id` in `entity`; gives the one it replaced.
    pub fn insert(&mut self, entity: Entity, id: String, value: T) -> Option<T> {
        if let Some(place) = self.place(entity, &id) {
            return self.values[place].replace(value);
        }
        let place = match self.free.pop() {
            Some(place) => {
                self.values[place] = Some(value);
                place
            }
            None => {
                self.values.push(Some(value));
                self.values.len() - 1
            }
        };
        put_place(&mut self.places, entity, id, place);
        None
    }

    /// Takes out the value of `id` in `entity`.
    pub fn remove(&mut self, entity: Entity, id: &str) -> Option<T> {
        let place = take_place(&mut self.places, entity, id)?;
        self.free.push(place);
        self.values[place].take()
    }

    /// The values of one entity, by id.
    pub fn of(&self, entity: Entity) -> impl DoubleEndedIterator<Item = (&String, &T)> {
        let places = self.places.get(&entity).into_iter().flatten();
        places.filter_map(|(id, place)| Some((id, self.values[*place].as_ref()?)))
    }

    /// Every value, by entity, then id.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Entity, &String, &T)> {
        let places =
            self.places.iter().flat_map(|(entity, ids)| ids.iter().map(move |(id, place)| (*entity, id, place)));
        places.filter_map(|(entity, id, place)| Some((entity, id, self.values[*place].as_ref()?)))
    }

    /// The ids of each entity, in order.
    #[must_use]
    pub fn ids(&self) -> Vec<(Entity, Vec<String>)> {
        let entities = self.places.iter().filter(|(_, ids)| !ids.is_empty());
        entities.map(|(entity, ids)| (*entity, ids.keys().cloned().collect())).collect()
    }

    /// True when nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many values are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len() - self.free.len()
    }

    fn place(&self, entity: Entity, id: &str) -> Option<usize> {
        self.places.get(&entity)?.get(id).copied()
    }
}

#[inline(never)]
fn put_place(places: &mut ByEntity<BTreeMap<String, usize>>, entity: Entity, id: String, place: usize) {
    places.entry(entity).or_default().insert(id, place);
}

#[inline(never)]
fn take_place(places: &mut ByEntity<BTreeMap<String, usize>>, entity: Entity, id: &str) -> Option<usize> {
    places.get_mut(&entity)?.remove(id)
}

impl<T> Default for ByKey<T> {
    fn default() -> Self {
        Self { places: LiteMap::new(), values: Vec::new(), free: Vec::new() }
    }
}

impl<T: PartialEq> PartialEq for ByKey<T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<T: fmt::Debug> fmt::Debug for ByKey<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self.iter().map(|(entity, id, value)| ((entity, id), value))).finish()
    }
}

impl<T> FromIterator<(Key, T)> for ByKey<T> {
    fn from_iter<I: IntoIterator<Item = (Key, T)>>(entries: I) -> Self {
        let mut map = Self::default();
        for (key, value) in entries {
            map.insert(key.entity, key.id, value);
        }
        map
    }
}

impl<T> IntoIterator for ByKey<T> {
    type Item = (Key, T);
    type IntoIter = std::vec::IntoIter<(Key, T)>;

    fn into_iter(mut self) -> Self::IntoIter {
        let mut entries = Vec::with_capacity(self.len());
        for (entity, ids) in self.places {
            for (id, place) in ids {
                entries.extend(self.values[place].take().map(|value| (Key { entity, id }, value)));
            }
        }
        entries.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_replaced_and_taken_out() {
        let mut map = ByKey::default();
        assert_eq!(map.insert(Entity(1), "b".into(), 1), None);
        assert_eq!(map.insert(Entity(1), "a".into(), 2), None);
        assert_eq!(map.insert(Entity(0), "c".into(), 3), None);
        assert_eq!(map.insert(Entity(1), "b".into(), 4), Some(1));
        assert_eq!((map.value(Entity(1), "b"), map.value(Entity(0), "b"), map.len()), (Some(&4), None, 3));
        assert_eq!(
            map.iter().map(|(entity, id, value)| (entity.0, id.as_str(), *value)).collect::<Vec<_>>(),
            [(0, "c", 3), (1, "a", 2), (1, "b", 4)]
        );
        assert_eq!(map.of(Entity(1)).rev().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!((map.remove(Entity(1), "a"), map.remove(Entity(1), "a"), map.len()), (Some(2), None, 2));
        // The place that was left is used again, and shows nothing of what it held.
        map.insert(Entity(2), "z".into(), 5);
        assert_eq!(
            map.ids(),
            [(Entity(0), vec!["c".to_owned()]), (Entity(1), vec!["b".to_owned()]), (Entity(2), vec!["z".to_owned()])]
        );
        let same: ByKey<i32> = map.clone().into_iter().collect();
        assert!(same == map && !map.is_empty());
        for (key, _) in same {
            map.remove(key.entity, &key.id);
        }
        assert!(map.is_empty() && map == ByKey::default());
    }
}
