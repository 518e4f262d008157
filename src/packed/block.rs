//! What a commit appends: blocks of segments of rows. Never knows what an earlier block holds.

use serde_json::Value;

use crate::record::{ByKey, Entity};

/// The index of a block: what is read to know which rows it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// Its number. The greater, the newer.
    pub number: u32,
    /// Every block up to this number is gone, and with it what this one need not say of it.
    pub void_to: u32,
    /// Bytes of all segments.
    pub bytes: u32,
    /// The ids of rows that older blocks may hold and that are no more.
    pub removed: Vec<String>,
    /// The ids of the rows, for each segment in the order of its lines.
    pub ids: Vec<Vec<String>>,
}

/// A block with its segments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    /// Its index.
    pub block: Block,
    /// The rows as JSON, a line each.
    pub segments: Vec<String>,
}

impl Block {
    /// Its stored form: a JSON list of its numbers, what is removed, and the ids of each segment.
    #[must_use]
    pub fn into_json(self) -> String {
        let mut parts = vec![self.number.into(), self.void_to.into(), self.bytes.into(), self.removed.into()];
        parts.extend(self.ids.into_iter().map(Value::from));
        Value::Array(parts).to_string()
    }

    /// Takes in a segment that is left of a block which has lost its index; false where a row does not tell its id.
    ///
    /// What the index said of removed rows is lost.
    #[must_use]
    pub fn restore(&mut self, segment: u32, text: &str, id_of: &dyn Fn(&str) -> Option<String>) -> bool {
        self.bytes = self.bytes.saturating_add(u32::try_from(text.len()).unwrap_or(u32::MAX));
        let mut ids = Vec::new();
        for row in text.split('\n') {
            let Some(id) = id_of(row) else { return false };
            ids.push(id);
        }
        while self.ids.len() < segment as usize {
            self.ids.push(Vec::new());
        }
        self.ids.push(ids);
        true
    }

    /// Reads the stored form; none where it is another.
    #[must_use]
    pub fn parse(json: &str) -> Option<Self> {
        let mut parts = list(serde_json::from_str(json).ok()?)?.into_iter();
        let mut number = || u32::try_from(parts.next()?.as_u64()?).ok();
        let (number, void_to, bytes) = (number()?, number()?, number()?);
        let removed = texts(parts.next()?)?;
        let mut ids = Vec::new();
        for part in parts {
            ids.push(texts(part)?);
        }
        Some(Self { number, void_to, bytes, removed, ids })
    }
}

fn list(value: Value) -> Option<Vec<Value>> {
    if let Value::Array(items) = value { Some(items) } else { None }
}

fn texts(value: Value) -> Option<Vec<String>> {
    let mut texts = Vec::new();
    for item in list(value)? {
        let Value::String(text) = item else { return None };
        texts.push(text);
    }
    Some(texts)
}

/// The blocks that hold the `changes` of an entity, numbered from behind `last`: a row as JSON without line breaks, or none
/// where it is removed.
#[must_use]
pub fn pack(changes: &ByKey<Option<String>>, entity: Entity, last: u32, void_to: u32) -> Vec<Packed> {
    let mut packed = Vec::new();
    let mut open = Packed { block: Block { number: last + 1, void_to, ..Block::default() }, ..Packed::default() };
    let mut rows = 0;
    for (id, row) in changes.of(entity) {
        let Some(row) = row else {
            open.block.removed.push(id.clone());
            continue;
        };
        if rows == BLOCK_ROWS || open.block.bytes >= BLOCK_BYTES {
            let number = open.block.number + 1;
            packed.push(open);
            open = Packed { block: Block { number, ..Block::default() }, ..Packed::default() };
            rows = 0;
        }
        rows += 1;
        open.block.bytes = open.block.bytes.saturating_add(u32::try_from(row.len()).unwrap_or(u32::MAX));
        match (open.block.ids.last_mut(), open.segments.last_mut()) {
            (Some(ids), Some(segment)) if ids.len() < SEGMENT_ROWS && segment.len() + row.len() <= SEGMENT_BYTES => {
                ids.push(id.clone());
                segment.push('\n');
                segment.push_str(row);
            }
            _ => {
                open.block.ids.push(vec![id.clone()]);
                open.segments.push(row.clone());
            }
        }
    }
    packed.push(open);
    packed
}

/// Most rows of a segment: what is read to find one of them.
pub const SEGMENT_ROWS: usize = 100;
/// Most bytes of a segment that holds more than one row.
pub const SEGMENT_BYTES: usize = 64 * 1024;
/// Most rows of a block.
pub const BLOCK_ROWS: u32 = 1_000;
/// A block takes no more rows once its segments hold so many bytes.
pub const BLOCK_BYTES: u32 = 1024 * 1024;
