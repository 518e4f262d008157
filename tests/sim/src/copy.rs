//! Copies of records by what tells them apart: stamp, deletion mark and the number of the edit. Never holds content.
//!
//! Each edit writes its own number into the field `a`, in a width that makes the order of numbers the order of bytes,
//! so that these identities order as the merge order does.

use lastword::record::{Entity, Fields, Key, Record};
use serde_json::Value;

/// Names one copy of a record; ordered as the merge order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Copy {
    pub(crate) stamp: i64,
    pub(crate) deleted: bool,
    pub(crate) edit: usize,
}

impl Copy {
    pub(crate) fn of(record: &Record) -> Self {
        Self { stamp: record.client_updated_at.0, deleted: record.is_deleted, edit: edit_of(&record.fields) }
    }

    /// The same content, whatever its stamp.
    pub(crate) fn same_content(self, other: Self) -> bool {
        self.edit == other.edit && self.deleted == other.deleted
    }
}

/// The number of the edit that wrote these fields.
pub(crate) fn edit_of(fields: &Fields) -> usize {
    fields.get(EDIT).and_then(Value::as_str).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// The fields of one edit.
pub(crate) fn fields(edit: usize, parent: Option<&str>, bad: bool) -> Fields {
    let mut fields = Fields::new();
    fields.insert(EDIT.into(), Value::String(format!("{edit:06}")));
    if let Some(parent) = parent {
        fields.insert(PARENT.into(), Value::String(parent.to_owned()));
    }
    if bad {
        fields.insert(BAD.into(), Value::Bool(true));
    }
    fields
}

/// True for a record that clients set aside: see [`POISON`].
pub(crate) fn is_poison(record: &Record) -> bool {
    !record.is_deleted && record.fields.contains_key(POISON)
}

/// Place of a record among all of a world.
pub(crate) fn index(key: &Key) -> usize {
    index_of(key.entity, &key.id)
}

pub(crate) fn index_of(entity: Entity, id: &str) -> usize {
    usize::from(entity.0) * IDS_MAX + usize::from(id.as_bytes().get(1).map_or(0, |digit| digit.wrapping_sub(b'0')))
}

/// The id of place `index`.
pub(crate) fn id_of(index: usize) -> &'static str {
    IDS[index % IDS_MAX]
}

const IDS: [&str; IDS_MAX] = ["k0", "k1", "k2", "k3", "k4"];
/// Ids of one entity.
pub(crate) const IDS_MAX: usize = 5;
/// Records of a world.
pub(crate) const KEYS_MAX: usize = IDS_MAX * 3;
const EDIT: &str = "a";
/// Names a record of the parent entity.
pub(crate) const PARENT: &str = "p";
/// The backend refuses a record with this field.
pub(crate) const BAD: &str = "bad";
/// Clients set a record aside whose field of this name is not text.
pub(crate) const POISON: &str = "poison";
