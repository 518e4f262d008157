//! What a world is like: its size, its configuration and its faults, all drawn from the seed. Never changes afterwards.

use std::collections::BTreeMap;

use lastword::config::{Config, Detect, EntityDeclaration, Policy, Since, Style};
use lastword::protocol::entity::EntityDef;
use serde_json::json;

use crate::copy::PARENT;
use crate::rng::Rng;

/// What a world is like. Numbers without a unit are chances in a thousand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Profile {
    pub(crate) replicas: usize,
    pub(crate) tabs: usize,
    pub(crate) entities: usize,
    pub(crate) ids: usize,
    pub(crate) changeset: bool,
    pub(crate) scan: bool,
    pub(crate) manual: bool,
    pub(crate) write_back: bool,
    pub(crate) references: bool,
    pub(crate) backend_checks_references: bool,
    pub(crate) bytes: bool,
    pub(crate) batch: usize,
    pub(crate) page: usize,
    pub(crate) edits: usize,
    pub(crate) duration_ms: i64,
    pub(crate) latency_ms: i64,
    pub(crate) drop: usize,
    pub(crate) duplicate: usize,
    pub(crate) straggle: usize,
    pub(crate) truncate: usize,
    pub(crate) status: usize,
    pub(crate) stale_cache: usize,
    pub(crate) lag: usize,
    pub(crate) crash: usize,
    pub(crate) crash_at_step: usize,
    pub(crate) power: bool,
    pub(crate) store_fails: usize,
    pub(crate) store_fails_each: usize,
    pub(crate) store_hangs: usize,
    pub(crate) full: bool,
    pub(crate) timed: bool,
    pub(crate) clock_skew: bool,
    pub(crate) clock_jumps: bool,
    pub(crate) coarse_clock: bool,
    pub(crate) forget_stamp: usize,
    pub(crate) restart: bool,
    pub(crate) restore: bool,
    pub(crate) purge: bool,
    pub(crate) wipe: bool,
    pub(crate) evict: bool,
    pub(crate) steal: bool,
    pub(crate) bad: usize,
    pub(crate) poison: bool,
    pub(crate) discard: bool,
    pub(crate) mark_dirty: bool,
}

impl Profile {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        let faults = !rng.chance(60);
        let mut some = |per_mille: usize| faults && rng.chance(per_mille);
        let mut profile = Self {
            restart: some(300),
            restore: some(220),
            purge: some(250),
            wipe: some(120),
            evict: some(100),
            steal: some(250),
            power: some(250),
            clock_skew: some(400),
            clock_jumps: some(250),
            poison: some(120),
            discard: some(150),
            mark_dirty: some(150),
            coarse_clock: some(250),
            ..Self::default()
        };
        let mut rate = |per_mille: usize, most: i64| {
            if faults && rng.chance(per_mille) { usize::try_from(rng.between(1, most)).unwrap_or(1) } else { 0 }
        };
        profile.drop = rate(500, 250);
        profile.duplicate = rate(400, 250);
        profile.straggle = rate(300, 200);
        profile.truncate = rate(200, 150);
        profile.status = rate(300, 150);
        profile.stale_cache = rate(150, 300);
        profile.lag = rate(150, 400);
        profile.crash = rate(300, 3);
        profile.crash_at_step = rate(300, 60);
        profile.store_fails = rate(150, 80);
        profile.store_fails_each = if rate(120, 1) == 1 { 2 + rng.below(12) } else { 0 };
        profile.store_hangs = rate_of(rng, faults, 60, 20);
        profile.forget_stamp = rate_of(rng, faults, 400, 500);
        profile.bad = rate_of(rng, faults, 200, 150);
        profile.replicas = [1, 2, 2, 2, 3, 3, 4, 5][rng.below(8)];
        profile.tabs = 1 + rng.below(2);
        profile.entities = 1 + rng.below(3);
        profile.ids = 2 + rng.below(4);
        profile.changeset = rng.chance(350);
        profile.scan = rng.chance(350);
        profile.manual = rng.chance(250);
        profile.write_back = rng.chance(300);
        profile.references = profile.entities > 1 && rng.chance(500);
        profile.backend_checks_references = profile.references && rng.chance(500);
        // Who discards what a restore took from the backend has given it up for everyone.
        profile.discard &= !profile.restore;
        // A reader that lags is worst where a cursor has expired.
        if (profile.purge || profile.discard) && rng.chance(300) {
            profile.lag = 200 + rng.below(300);
        }
        // What left while the storage was full was not stored first: a power cut may take it back here, and a purge may
        // forget it (docs/guarantees.md, "Not promised").
        profile.full = faults && rng.chance(60);
        profile.power &= !profile.full;
        profile.purge &= !profile.full;
        // Asked by time, a backend tells of no lost history and of no purge.
        profile.timed = rng.chance(50);
        profile.restore &= !profile.timed;
        profile.purge &= !profile.timed;
        profile.changeset &= !profile.timed;
        // Nor can a reader that lags be told from one that does not.
        if profile.timed {
            (profile.lag, profile.stale_cache) = (0, 0);
        }
        profile.bytes = rng.chance(150) || profile.timed;
        profile.batch = 1 + rng.below(6);
        // A page of one record cannot lead on from its time.
        profile.page = 1 + usize::from(profile.timed) + rng.below(6);
        profile.edits = 6 + rng.below(26);
        profile.duration_ms = [3_000, 20_000, 90_000, 240_000][rng.below(4)];
        profile.latency_ms = [5, 100, 1_500][rng.below(3)];
        profile
    }

    /// The configuration of every replica.
    pub(crate) fn config(&self) -> Config {
        let mut declared = BTreeMap::new();
        for (index, name) in NAMES.iter().enumerate().take(self.entities) {
            let parent = index.checked_sub(1).filter(|_| self.references).map(|parent| NAMES[parent].to_owned());
            let def = EntityDef {
                path: None,
                schema: self.bytes.then(|| json!({"type": "object", "properties": {"poison": {"type": "string"}}})),
                references: parent.into_iter().map(|parent| (PARENT.to_owned(), parent)).collect(),
            };
            let declaration = EntityDeclaration {
                def,
                detect: if self.scan { Detect::Scan } else { Detect::Exact },
                policy: if self.manual { Policy::Manual } else { Policy::LastWriteWins },
                write_back: self.write_back,
                ..EntityDeclaration::default()
            };
            declared.insert((*name).to_owned(), declaration);
        }
        let style = if self.changeset { Style::Changeset } else { Style::Resource };
        #[allow(clippy::expect_used, reason = "the declarations above are fixed")]
        let mut config = Config::new(declared, style, &|_| Err("no patterns here".into())).expect("a good declaration");
        config.batch_records = self.batch;
        config.page_records = self.page;
        config.interval_ms = INTERVAL_MS;
        if self.timed {
            config.since = Since::Time { overlap_ms: OVERLAP_MS };
        }
        config
    }
}

fn rate_of(rng: &mut Rng, faults: bool, per_mille: usize, most: i64) -> usize {
    if faults && rng.chance(per_mille) { usize::try_from(rng.between(1, most)).unwrap_or(1) } else { 0 }
}

const NAMES: [&str; 3] = ["a", "b", "c"];
const INTERVAL_MS: i64 = 15_000;
const OVERLAP_MS: i64 = 30_000;
/// How long before its commit a transaction begins, at most, on a backend that is asked by time.
pub(crate) const LATE_MAX_MS: i64 = OVERLAP_MS - 100;
