//! Which segment holds which row, and which blocks have grown thin. Follows the blocks of one store.
//!
//! Never ahead of what was read from the store: a commit is known once its block was read back.

use litemap::LiteMap;

use super::block::{BLOCK_BYTES, BLOCK_ROWS, Block, Packed, pack};
use crate::record::{ByKey, Entity};

/// Where a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The block's number.
    pub block: u32,
    /// The segment's place in the block.
    pub segment: u16,
    /// The row's line in the segment.
    pub line: u16,
}

/// What is known of one store.
#[derive(Default)]
pub struct Index {
    known: u32,
    last: u32,
    void_to: u32,
    places: ByKey<Place>,
    blocks: LiteMap<u32, Count>,
}

/// What a block still holds.
#[derive(Default)]
struct Count {
    rows: u32,
    live: u32,
    bytes: u32,
    removed: Vec<String>,
}

/// Rows to be looked up.
pub enum Rows<'a> {
    /// Every row.
    All,
    /// Those of these ids.
    Of(&'a [String]),
    /// Those that stand in these blocks.
    In(&'a [u32]),
}

/// Rows that are there, and where to read them.
#[derive(Default)]
pub struct Wanted {
    /// Their ids: in order, where every row was looked up.
    pub ids: Vec<String>,
    /// For each segment, by its block and its place there: the lines, and the place of each id.
    pub segments: LiteMap<(u32, u16), Vec<(u16, usize)>>,
}

impl Index {
    /// The greatest number known: blocks behind it are yet to be read.
    #[must_use]
    pub fn known(&self) -> u32 {
        self.known
    }

    /// A number that was in the store: the last one is no smaller.
    #[must_use]
    pub fn last(&self) -> u32 {
        self.last.max(self.known)
    }

    /// Notes that this number is in the store.
    pub fn saw(&mut self, last: u32) {
        self.last = last;
    }

    /// Takes in the blocks behind [`Index::known`], all there are, oldest first. Those it knows already are passed over.
    pub fn follow(&mut self, blocks: Vec<Block>) {
        let void_to = blocks.iter().map(|block| block.void_to).max().unwrap_or(0);
        if void_to >= self.known {
            // All that is known is gone, and all there is was read.
            *self = Self::default();
        }
        self.void_to = self.void_to.max(void_to);
        for block in blocks {
            if block.number > self.known {
                self.add(block);
            }
        }
    }

    fn add(&mut self, block: Block) {
        self.known = block.number;
        let mut count = Count { bytes: block.bytes, ..Count::default() };
        for (segment, ids) in (0..).zip(block.ids) {
            for (line, id) in (0..).zip(ids) {
                count.rows += 1;
                let before = self.places.insert(ONE, id, Place { block: block.number, segment, line });
                self.leave(before);
            }
        }
        count.live = count.rows;
        for id in &block.removed {
            let before = self.places.remove(ONE, id);
            self.leave(before);
        }
        count.removed = block.removed;
        self.blocks.insert(block.number, count);
    }

    fn leave(&mut self, place: Option<Place>) {
        if let Some(count) = place.and_then(|place| self.blocks.get_mut(&place.block)) {
            count.live -= 1;
        }
    }

    /// The id of every row, in order.
    pub fn ids(&self) -> impl Iterator<Item = &String> {
        self.places.of(ONE).map(|(id, _)| id)
    }

    /// Where to read rows.
    #[must_use]
    pub fn wanted(&self, rows: &Rows<'_>) -> Wanted {
        let mut wanted = Wanted::default();
        if let Rows::Of(ids) = rows {
            for id in *ids {
                if let Some(place) = self.places.value(ONE, id) {
                    wanted.add(id, *place);
                }
            }
            return wanted;
        }
        for (id, place) in self.places.of(ONE) {
            if !matches!(rows, Rows::In(blocks) if !blocks.contains(&place.block)) {
                wanted.add(id, *place);
            }
        }
        wanted
    }

    /// The blocks to join next, oldest first; none while there are few.
    #[must_use]
    pub fn thin(&self) -> Vec<u32> {
        let mut thin = Vec::new();
        let (mut rows, mut bytes) = (0, 0);
        let mut count = 0;
        for (number, block) in &self.blocks {
            if block.live * 2 < BLOCK_ROWS && block.live_bytes() * 2 < BLOCK_BYTES {
                count += 1;
                rows += block.live;
                bytes += block.live_bytes();
                if thin.len() < THIN_MAX && rows <= 2 * BLOCK_ROWS && bytes <= 2 * BLOCK_BYTES {
                    thin.push(*number);
                }
            }
        }
        if count < THIN_MIN {
            thin.clear();
        }
        thin
    }

    /// What takes the place of the blocks `thin`; `rows` are all those of [`Rows::In`] them.
    #[must_use]
    pub fn join(&self, thin: &[u32], rows: Vec<(String, String)>) -> Vec<Packed> {
        let last = thin.iter().copied().max().unwrap_or(0);
        let mut void_to = self.void_to;
        let mut changes: ByKey<Option<String>> = ByKey::default();
        for (id, row) in rows {
            changes.insert(ONE, id, Some(row));
        }
        // With nothing older left, there is nothing left that a removal could hide.
        let is_oldest = self.blocks.keys().all(|number| *number > last || thin.contains(number));
        for id in thin.iter().filter_map(|number| self.blocks.get(number)).flat_map(|count| &count.removed) {
            if is_oldest {
                void_to = void_to.max(last);
            } else if self.places.value(ONE, id).is_none() {
                changes.insert(ONE, id.clone(), None);
            }
        }
        pack(&changes, ONE, self.known, void_to)
    }

    /// Forgets blocks that are no more. Their rows have moved on already.
    pub fn forget(&mut self, blocks: &[u32]) {
        for number in blocks {
            self.blocks.remove(number);
        }
    }
}

impl Wanted {
    fn add(&mut self, id: &str, place: Place) {
        let segment = (place.block, place.segment);
        if self.segments.get(&segment).is_none() {
            self.segments.insert(segment, Vec::new());
        }
        self.segments[&segment].push((place.line, self.ids.len()));
        self.ids.push(id.to_owned());
    }
}

impl Count {
    /// As many bytes as the live rows would have, were all rows alike.
    fn live_bytes(&self) -> u32 {
        let (bytes, live, rows) = (u64::from(self.bytes), u64::from(self.live), u64::from(self.rows));
        u32::try_from(bytes * live / rows.max(1)).unwrap_or(u32::MAX)
    }
}

/// An index is of one entity.
const ONE: Entity = Entity(0);
/// Fewer thin blocks are not worth a transaction.
const THIN_MIN: usize = 16;
/// Most blocks joined at once.
const THIN_MAX: usize = 64;
