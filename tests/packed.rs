//! Packed rows against a plain map: whatever is written, joined and read by whichever tab, whatever is aborted and whatever
//! a power cut takes back, no row is lost, none comes back, and none goes back to an older copy.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use lastword::packed::block::{Block, Packed, pack};
use lastword::packed::index::{Index, Rows, Wanted};
use lastword::record::{Entity, Key};

/// What a store holds: indexes by number, segments by number and place.
#[derive(Clone, Default)]
struct Values {
    blocks: BTreeMap<u32, String>,
    segments: BTreeMap<(u32, u16), String>,
}

/// A store, the rows it should hold, and the tabs that look at it.
#[derive(Default)]
struct World {
    values: Values,
    expected: BTreeMap<String, String>,
    tabs: Vec<Index>,
    /// What a power cut leaves.
    on_disk: (Values, BTreeMap<String, String>),
    joins: usize,
    restored: usize,
}

impl World {
    /// Follows as a tab does: one that begins rebuilds the indexes that were lost.
    fn follow(&mut self, tab: usize) {
        let known = self.tabs[tab].known();
        let Values { blocks, segments } = &self.values;
        let mut found: Vec<Block> = blocks.range(known + 1..).map(|(_, text)| Block::parse(text).unwrap()).collect();
        let mut lost: BTreeMap<u32, Block> = BTreeMap::new();
        let is_lost = |number: &u32| known == 0 && !blocks.contains_key(number);
        for ((number, place), text) in segments.iter().filter(|((number, _), _)| is_lost(number)) {
            let block = lost.entry(*number).or_insert(Block { number: *number, ..Block::default() });
            assert!(block.restore(u32::from(*place), text, &id_of));
        }
        self.restored += lost.len();
        found.extend(lost.into_values());
        found.sort_by_key(|block| block.number);
        self.tabs[tab].follow(found);
    }

    /// Takes away the index of a block that removed nothing, and every tab with it; true where there was one.
    fn lose_index(&mut self, rng: &mut Rng) -> bool {
        let holds_all = |text: &str| Block::parse(text).unwrap().removed.is_empty();
        let blocks = self
            .values
            .blocks
            .iter()
            .filter(|(number, text)| holds_all(text) && self.values.segments.contains_key(&(**number, 0)));
        let numbers: Vec<u32> = blocks.map(|(number, _)| *number).collect();
        if numbers.is_empty() {
            return false;
        }
        self.values.blocks.remove(&numbers[rng.below(numbers.len())]);
        self.tabs.iter_mut().for_each(|tab| *tab = Index::default());
        true
    }

    /// Writes as a commit does that knows no more than the last number.
    fn commit(&mut self, changes: &BTreeMap<String, Option<String>>, is_wipe: bool) {
        let segments = self.values.segments.last_key_value().map_or(0, |((number, _), _)| *number);
        let last = self.values.blocks.last_key_value().map_or(0, |(number, _)| *number).max(segments);
        if is_wipe {
            self.values = Values::default();
            self.expected.clear();
        }
        self.store(packed(changes, last, if is_wipe { last } else { 0 }));
        for (id, row) in changes {
            match row {
                Some(row) => drop(self.expected.insert(id.clone(), row.clone())),
                None => drop(self.expected.remove(id)),
            }
        }
    }

    fn store(&mut self, packed: Vec<Packed>) {
        for Packed { block, segments } in packed {
            let number = block.number;
            for (segment, text) in (0..).zip(segments) {
                assert!(self.values.segments.insert((number, segment), text).is_none());
            }
            assert!(self.values.blocks.insert(number, block.into_json()).is_none());
        }
    }

    /// Joins as a tab does in idle time; true where there was something to join. Stores nothing where it is aborted.
    fn join(&mut self, tab: usize, is_aborted: bool) -> bool {
        self.follow(tab);
        let thin = self.tabs[tab].thin();
        let joined = self.tabs[tab].join(&thin, self.read(tab, &Rows::In(&thin)));
        if thin.is_empty() || is_aborted {
            return false;
        }
        self.store(joined);
        for number in &thin {
            self.values.blocks.remove(number);
            self.values.segments.retain(|(block, _), _| block != number);
        }
        self.tabs[tab].forget(&thin);
        self.joins += 1;
        true
    }

    /// Takes back what is not on disk; every tab is gone with it.
    fn lose_power(&mut self) {
        (self.values, self.expected) = self.on_disk.clone();
        self.tabs.iter_mut().for_each(|tab| *tab = Index::default());
    }

    /// Rows as a tab finds them: by their places, in the values that are there now.
    fn read(&self, tab: usize, rows: &Rows<'_>) -> Vec<(String, String)> {
        let Wanted { ids, segments } = self.tabs[tab].wanted(rows);
        let mut found = vec![String::new(); ids.len()];
        for (segment, lines) in segments {
            let text: Vec<&str> = self.values.segments[&segment].split('\n').collect();
            for (line, id) in lines {
                found[id] = text[usize::from(line)].to_owned();
            }
        }
        ids.into_iter().zip(found).collect()
    }

    fn check(&mut self, tab: usize) {
        self.follow(tab);
        let seen = self.read(tab, &Rows::All);
        let is_as_expected = seen.iter().map(|(id, row)| (id, row)).eq(&self.expected);
        assert!(is_as_expected, "tab {tab} sees {} rows of {}", seen.len(), self.expected.len());
        let asked: Vec<String> = self.expected.keys().step_by(7).cloned().chain(["no such id".to_owned()]).collect();
        assert_eq!(self.read(tab, &Rows::Of(&asked)), seen.into_iter().step_by(7).collect::<Vec<_>>());
    }
}

fn packed(changes: &BTreeMap<String, Option<String>>, last: u32, void_to: u32) -> Vec<Packed> {
    let changes = changes.iter().map(|(id, row)| (Key::new(NOTES, id), row.clone())).collect();
    pack(&changes, NOTES, last, void_to)
}

/// The id that a row tells.
fn id_of(row: &str) -> Option<String> {
    Some(row.split_once(' ')?.0.to_owned())
}

/// Rows that are all put.
fn rows(rows: impl Iterator<Item = (String, String)>) -> BTreeMap<String, Option<String>> {
    rows.map(|(id, row)| (id, Some(row))).collect()
}

/// A small generator, so that a failure can be told by its seed.
struct Rng(u64);

impl Rng {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

fn run(seed: u64) -> World {
    let mut rng = Rng(seed);
    let ids = [20, 300, 3_000][rng.below(3)];
    let (most, longest) = [(1, 40), (30, 30), (30, 9_000), (1_200, 1)][rng.below(4)];
    let mut world = World { tabs: vec![Index::default(), Index::default(), Index::default()], ..World::default() };
    for step in 0..STEPS {
        match rng.below(100) {
            0 => world.commit(&BTreeMap::new(), true),
            1 => world.tabs[2] = Index::default(),
            2 => world.on_disk = (world.values.clone(), world.expected.clone()),
            3 if step % 4 == 0 => world.lose_power(),
            3..5 => _ = world.join(rng.below(2), true),
            5..10 => {
                let tab = rng.below(2);
                while world.join(tab, false) {}
            }
            10..20 => world.check(rng.below(3)),
            20..22 => _ = world.lose_index(&mut rng),
            kind => {
                let row = |rng: &mut Rng| {
                    let id = format!("{:05}", rng.below(ids));
                    let text = (kind > 30).then(|| format!("{id} {step}{}", "x".repeat(rng.below(longest))));
                    (id, text)
                };
                let count = 1 + rng.below(most);
                let changes = (0..count).map(|_| row(&mut rng)).collect();
                world.commit(&changes, kind == 99);
            }
        }
    }
    for tab in 0..world.tabs.len() {
        world.check(tab);
    }
    world
}

#[test]
fn no_row_is_lost_and_none_comes_back() {
    let (mut joins, mut restored) = (0, 0);
    for seed in 0..SEEDS {
        let world = run(seed);
        joins += world.joins;
        restored += world.restored;
    }
    assert!(joins > 100, "{joins} joins");
    assert!(restored > 100, "{restored} blocks restored");
}

#[test]
fn a_block_is_restored_with_its_rows_in_their_places_or_not_at_all() {
    let mut block = Block::default();
    assert!(block.restore(0, "a 1\nb 1", &id_of) && block.restore(2, "c 1", &id_of));
    assert_eq!(block.ids, [vec!["a".to_owned(), "b".to_owned()], vec![], vec!["c".to_owned()]]);
    assert!(!block.restore(3, "d 1\ne", &id_of));
}

#[test]
fn a_page_is_a_few_values() {
    let rows = rows((0..2_500).map(|id| (format!("{id:05}"), "x".repeat(450))));
    let packed = packed(&rows, 7, 0);
    let segments: Vec<usize> = packed.iter().map(|packed| packed.segments.len()).collect();
    assert_eq!(segments, [10, 10, 5]);
    assert!(packed.iter().map(|packed| packed.block.number).eq([8, 9, 10]));
    let ids: BTreeSet<&String> = packed.iter().flat_map(|packed| packed.block.ids.iter().flatten()).collect();
    assert!(ids.into_iter().eq(rows.keys()));
}

#[test]
fn a_segment_is_bounded_by_its_bytes_too() {
    let packed = packed(&rows((0..40).map(|id| (format!("{id:02}"), "x".repeat(40_000)))), 0, 0);
    assert!(packed.iter().flat_map(|packed| &packed.segments).all(|segment| segment.len() == 40_000));
    assert!(packed.iter().all(|packed| packed.block.bytes < 1_100_000), "a block has an end");
}

#[test]
fn what_is_kept_stays_within_a_few_times_the_rows() {
    let mut world = World { tabs: vec![Index::default()], ..World::default() };
    let mut rng = Rng(1);
    for step in 0..3_000 {
        let changes = (0..20).map(|_| (format!("{:04}", rng.below(4_000)), Some(format!("{step:0100}")))).collect();
        world.commit(&changes, false);
        if step % 10 == 0 {
            while world.join(0, false) {}
        }
    }
    world.check(0);
    let kept: usize = world.values.segments.values().map(|text| text.split('\n').count()).sum();
    assert!(kept < 3 * world.expected.len(), "{kept} rows kept for {}", world.expected.len());
    assert!(world.values.blocks.len() < 40, "{} blocks", world.values.blocks.len());
}

const SEEDS: u64 = 50;
const STEPS: usize = 150;
const NOTES: Entity = Entity(3);
