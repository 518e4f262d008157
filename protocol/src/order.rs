//! The one merge order: every party picks the same winner from the same two copies. Never looks at anything else.
//!
//! Source: docs/protocol.md, section 2, invariant I20.

use std::cmp::Ordering;

use crate::canonical::canonical;
use crate::record::{Fields, Record};
use crate::time::Stamp;

/// Orders two copies of one record: `Greater` when `a` is the newer copy, `Equal` when they are the same copy.
///
/// The first difference decides: the greater stamp; a tombstone over a live copy; the app fields as canonical JSON
/// (RFC 8785), bytewise; the greater creation time.
#[must_use]
pub fn compare(a: &Record, b: &Record) -> Ordering {
    compare_stamps(a.client_updated_at, a.is_deleted, b.client_updated_at, b.is_deleted)
        .then_with(|| compare_fields(&a.fields, &b.fields))
        .then_with(|| a.client_created_at.cmp(&b.client_created_at))
}

/// The part of the order that needs no content: stamps, then tombstones.
#[must_use]
pub fn compare_stamps(a: Stamp, a_deleted: bool, b: Stamp, b_deleted: bool) -> Ordering {
    a.cmp(&b).then_with(|| a_deleted.cmp(&b_deleted))
}

fn compare_fields(a: &Fields, b: &Fields) -> Ordering {
    if a == b { Ordering::Equal } else { canonical(a).cmp(&canonical(b)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn copy(stamp: i64, deleted: bool, fields: &serde_json::Value) -> Record {
        let mut object = fields.as_object().unwrap().clone();
        object.insert("id".into(), "a".into());
        object.insert("clientCreatedAt".into(), 1.into());
        object.insert("clientUpdatedAt".into(), stamp.into());
        object.insert("isDeleted".into(), deleted.into());
        Record::from_object(object).unwrap()
    }

    #[test]
    fn the_first_difference_decides() {
        let live = copy(5, false, &json!({"name": "a"}));
        assert_eq!(compare(&copy(6, false, &json!({})), &live), Ordering::Greater);
        assert_eq!(compare(&copy(4, true, &json!({})), &live), Ordering::Less);
        assert_eq!(compare(&copy(5, true, &json!({})), &live), Ordering::Greater);
        assert_eq!(compare(&copy(5, false, &json!({"name": "b"})), &live), Ordering::Greater);
        assert_eq!(compare(&copy(5, false, &json!({"name": "a"})), &live), Ordering::Equal);
    }

    #[test]
    fn numbers_compare_by_value_not_by_spelling() {
        assert_eq!(compare(&copy(5, false, &json!({"n": 1})), &copy(5, false, &json!({"n": 1.0}))), Ordering::Equal);
    }

    /// I20: total, antisymmetric and transitive over every triple of a set of near-equal copies.
    #[test]
    fn the_order_is_total() {
        let copies: Vec<Record> = [1, 2]
            .into_iter()
            .flat_map(|stamp| [false, true].map(|deleted| (stamp, deleted)))
            .flat_map(|(stamp, deleted)| {
                [json!({}), json!({"a": 1}), json!({"a": 2}), json!({"b": null})].map(|f| copy(stamp, deleted, &f))
            })
            .collect();
        for a in &copies {
            for b in &copies {
                assert_eq!(compare(a, b), compare(b, a).reverse());
                for c in &copies {
                    if compare(a, b).is_ge() && compare(b, c).is_ge() {
                        assert!(compare(a, c).is_ge());
                    }
                }
            }
        }
    }
}
