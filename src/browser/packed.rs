//! Rows of layout `packed` in their store: found through the index of [`crate::packed`], appended as blocks. Never changes
//! a value that was stored, and never awaits anything but the transaction's own requests.
//!
//! Keys: `[0, number]` a block's index, `[1, number, segment]` one of its segments; both hold UTF-8 text.

use std::cell::RefCell;

use idb::{KeyRange, ObjectStore};
use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

use super::EntityLayout;
use super::by_id::Passed;
use super::codec;
use super::indexeddb::IndexedDb;
use super::reading::Request;
use super::transaction::{Ended, Running};
use super::writing::{Encoded, unholdable};
use crate::commit::{Read, Write};
use crate::packed::block::{Block, Packed, pack};
use crate::packed::index::{Index, Rows, Wanted};
use crate::record::{ByEntity, ByKey, Entity, Row};

/// What is known of the packed stores of one connection.
#[derive(Default)]
pub(super) struct Indexes(RefCell<ByEntity<Index>>);

impl Indexes {
    /// Looks at the index of an entity, or changes it.
    pub(super) fn of<T>(&self, entity: Entity, look: impl FnOnce(&mut Index) -> T) -> T {
        let mut indexes = self.0.borrow_mut();
        if !indexes.contains_key(&entity) {
            indexes.insert(entity, Index::default());
        }
        look(&mut indexes[&entity])
    }
}

/// The entity whose rows a read is about.
pub(super) fn rows_of(read: &Read) -> Option<Entity> {
    if let Read::Rows(entity, _) | Read::RowsSince(entity, _) | Read::AllRows(entity) | Read::RowIds(entity) = read {
        Some(*entity)
    } else {
        None
    }
}

/// Reads the blocks that are not known yet: what other tabs wrote, what this one wrote, what was joined. Gives the store.
pub(super) async fn follow(running: &Running, entity: Entity, layout: &EntityLayout) -> Result<ObjectStore, Ended> {
    let store = running.store(&layout.store)?;
    let known = running.indexes.of(entity, |index| index.known());
    let range = blocks_from(known.saturating_add(1))?;
    let values = Request::all(&store, Some(range))?.values(&mut Passed::default()).await?;
    let mut blocks = Vec::with_capacity(values.len());
    for value in values {
        blocks.push(Block::parse(&text_of(Some(value))).ok_or_else(lost)?);
    }
    if known == 0 {
        restore(&store, layout, &mut blocks).await?;
    }
    running.indexes.of(entity, |index| index.follow(blocks));
    Ok(store)
}

/// Makes the indexes anew that are missing among all `blocks`: their segments are still there.
async fn restore(store: &ObjectStore, layout: &EntityLayout, blocks: &mut Vec<Block>) -> Result<(), Ended> {
    let range = KeyRange::lower_bound(&segment_key(0, 0), None)?;
    let mut restored = 0;
    for key in Request::keys(store, Some(range))?.values(&mut Passed::default()).await? {
        let number = number_in(&key, 1);
        let place = blocks.partition_point(|block| block.number < number);
        if blocks.get(place).is_none_or(|block| block.number != number) {
            blocks.insert(place, Block { number, ..Block::default() });
            restored = number;
        } else if number != restored {
            continue;
        }
        let segment = number_in(&key, 2);
        let text = text_of(Request::one(store, key)?.values(&mut Passed::default()).await?.pop());
        let id_of = |row: &str| Some(codec::fields_from_json(row).ok()?.get(&layout.names.id)?.as_str()?.to_owned());
        if !blocks[place].restore(segment, &text, &id_of) {
            return Err(lost());
        }
    }
    Ok(())
}

fn lost() -> Ended {
    unholdable(LOST.into())
}

/// Shows each of these rows that the index knows, segment by segment: its place among their ids, its id, and its text; none where it
/// cannot be read.
pub(super) async fn visit(
    running: &Running,
    entity: Entity,
    store: &ObjectStore,
    rows: Rows<'_>,
    show: &mut dyn FnMut(usize, &str, Option<&str>),
) -> Result<(), Ended> {
    let Wanted { ids, segments } = running.indexes.of(entity, |index| index.wanted(&rows));
    let mut segments = segments.into_iter().peekable();
    while segments.peek().is_some() {
        let mut requests = Vec::new();
        for ((block, segment), lines) in segments.by_ref().take(SEGMENTS_AT_ONCE) {
            requests.push((Request::one(store, segment_key(block, segment))?, lines));
        }
        let mut failed = None;
        // All are waited for, also after one that failed: each has a handler to outlive.
        for (request, wanted) in requests {
            match request.values(&mut Passed::default()).await {
                Ok(values) => {
                    let text = text_of(values.into_iter().next());
                    let lines: Vec<&str> = text.split('\n').collect();
                    for (line, id) in wanted {
                        let row = lines.get(usize::from(line)).copied().filter(|row| !row.is_empty());
                        show(id, &ids[id], row);
                    }
                }
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if let Some(error) = failed {
            return Err(error.into());
        }
    }
    Ok(())
}

/// Takes the rows of packed entities out of `writes`; gives the values that hold them.
#[allow(clippy::wildcard_enum_match_arm, reason = "no other write is about a row")]
pub(super) async fn take_writes(
    db: &IndexedDb,
    running: &Running,
    writes: &mut Vec<Write>,
) -> Result<Vec<Encoded>, Ended> {
    let is_packed = |entity: Entity| db.entity(entity).packed;
    if !db.config.all().any(is_packed) {
        return Ok(Vec::new());
    }
    let mut changes: ByKey<Option<String>> = ByKey::default();
    let mut is_wiped = false;
    let mut others = Vec::new();
    for write in std::mem::take(writes) {
        let (entity, row, columns) = match write {
            Write::PutRow(entity, record, synced) if is_packed(entity) => (entity, Row { record, synced }, None),
            Write::PutRowWithColumns(entity, row, columns) if is_packed(entity) => (entity, row, Some(columns)),
            Write::DeleteRow(key) if is_packed(key.entity) => {
                changes.insert(key.entity, key.id, None);
                continue;
            }
            other => {
                if other == Write::Wipe {
                    changes = ByKey::default();
                    is_wiped = true;
                }
                others.push(other);
                continue;
            }
        };
        let id = row.record.id.clone();
        let text = codec::row_to_json(row, columns, &db.entity(entity).names);
        changes.insert(entity, id, Some(text.map_err(unholdable)?));
    }
    *writes = others;
    let mut encoded = Vec::new();
    for entity in db.config.all().filter(|entity| is_packed(*entity)) {
        if !is_wiped && changes.of(entity).next().is_none() {
            continue;
        }
        let name = &db.entity(entity).store;
        let last = last_number(running, entity, &running.store(name)?).await?;
        // A wipe leaves a block that tells other tabs of it: the numbers go on.
        let packed = pack(&changes, entity, last, if is_wiped { last } else { 0 });
        db.appended.set(db.appended.get() + packed.len());
        encode(name, packed, &mut encoded);
    }
    Ok(encoded)
}

/// The values of blocks, with their keys.
pub(super) fn encode(store: &str, packed: Vec<Packed>, encoded: &mut Vec<Encoded>) {
    for Packed { block, segments } in packed {
        let number = block.number;
        encoded.push(Encoded::put_at(store, block_key(number), bytes(&block.into_json())));
        for (segment, text) in (0..).zip(segments) {
            encoded.push(Encoded::put_at(store, segment_key(number, segment), bytes(&text)));
        }
    }
}

/// The greatest number in the store. A block that is removed always leaves a greater one.
async fn last_number(running: &Running, entity: Entity, store: &ObjectStore) -> Result<u32, Ended> {
    let from = running.indexes.of(entity, |index| index.last());
    // Where nothing is known yet, a last block that has lost its index is found by its segments.
    let range = if from == 0 { KeyRange::lower_bound(&block_key(0), None)? } else { blocks_from(from)? };
    let keys = Request::keys(store, Some(range))?.values(&mut Passed::default()).await?;
    let last = keys.iter().map(|key| number_in(key, 1)).fold(from, u32::max);
    running.indexes.of(entity, |index| index.saw(last));
    Ok(last)
}

/// A part of a key of ours.
fn number_in(key: &JsValue, place: u32) -> u32 {
    let number = key.dyn_ref::<Array>().and_then(|key| key.get(place).as_f64()).unwrap_or_default();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number that was a u32")]
    {
        number as u32
    }
}

pub(super) fn block_key(number: u32) -> JsValue {
    Array::of2(&0.into(), &number.into()).into()
}

pub(super) fn segment_key(number: u32, segment: u16) -> JsValue {
    Array::of3(&1.into(), &number.into(), &segment.into()).into()
}

/// The indexes of the blocks from `number` on: an array sorts behind every number.
fn blocks_from(number: u32) -> Result<KeyRange, idb::Error> {
    KeyRange::bound(&block_key(number), &Array::of2(&0.into(), &Array::new()).into(), None, None)
}

/// The segments of a block.
pub(super) fn segments_of(number: u32) -> Result<KeyRange, idb::Error> {
    let number = JsValue::from(number);
    KeyRange::bound(&Array::of2(&1.into(), &number), &Array::of3(&1.into(), &number, &Array::new()), None, None)
}

/// The text of a value: none, and no row in it, where there is no such value, or another.
pub(super) fn text_of(value: Option<JsValue>) -> String {
    let bytes = value.and_then(|value| value.dyn_into::<Uint8Array>().ok());
    bytes.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok()).unwrap_or_default()
}

fn bytes(text: &str) -> JsValue {
    // A copy: a view of our memory would take all of it along.
    Uint8Array::from(text.as_bytes()).into()
}

/// What to say of a value that is not there, or is another.
pub(super) const LOST: &str = "a value of a packed store is missing or unreadable";
/// Segments held at once.
const SEGMENTS_AT_ONCE: usize = 64;
