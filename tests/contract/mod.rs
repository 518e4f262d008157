//! What every store must do, as cases over `impl Store`. Never knows which store it runs on.
//!
//! A test file defines a macro that makes a test of each name, and calls [`each_case`] with it.

pub(crate) mod acknowledged;
pub(crate) mod atomic;
pub(crate) mod kinds;
pub(crate) mod many;
pub(crate) mod names;
pub(crate) mod standing;
pub(crate) mod values;

use std::collections::BTreeMap;
use std::rc::Rc;

use lastword::commit::{Found, Next, Read, Refusal, Step, Write};
use lastword::config::{Config, Detect, EntityDeclaration, Style};
use lastword::ports::{Store, StoreError};
use lastword::record::{Entity, Fields, Key, Millis, Record, Stamp};
use serde_json::json;

/// Calls a macro with the path of every case.
macro_rules! each_case {
    ($make:ident) => {
        $make! {
            acknowledged: many_acknowledged_are_read_each_way,
                one_of_many_acknowledged_is_edited_and_one_discarded,
                what_one_commit_stores_and_removes_of_them_is_as_it_says_last, many_acknowledged_are_confirmed,
                many_unsent_are_edited_sent_and_refused;
            kinds: rows_round_trip, a_row_keeps_its_mark, rows_since_a_stamp, changes_round_trip,
                conflicts_round_trip, quarantined_records_are_listed, the_replica_round_trips,
                checkpoints_round_trip, what_is_kept_for_an_entity_round_trips, bodies_in_flight_round_trip_in_their_order,
                seen_lists_are_read_and_removed, a_tombstone_is_a_row, a_wipe_leaves_nothing;
            atomic: a_refused_step_writes_nothing, steps_that_meet_are_serialised, an_old_fence_is_refused,
                a_step_sees_what_the_one_before_wrote, writes_happen_in_order, a_step_may_read_in_rounds,
                a_step_may_write_where_it_did_not_read, strict_and_relaxed_commits_are_both_seen,
                a_step_may_do_nothing, a_thousand_rows_are_one_commit;
            many: many_are_read_by_id, ids_sort_as_the_store_sorts_them, many_changes_are_removed,
                a_change_stored_among_removals_stays;
            names: ids_of_any_text, names_that_begin_alike, ids_that_look_like_parts_of_keys;
            standing: of_every_entity_at_once, moved_on_by_each_commit;
            values: numbers, texts, nested_values, the_largest_value;
        }
    };
}
pub(crate) use each_case;

/// `log`.
pub(crate) const LOG: Entity = Entity(0);
/// `log-entry`.
pub(crate) const LOG_ENTRY: Entity = Entity(1);
/// `log_entry`.
pub(crate) const LOG_ENTRY_TOO: Entity = Entity(2);
/// `logs`, whose rows the app writes by itself.
pub(crate) const LOGS: Entity = Entity(3);
/// The names of the entities, in order: each begins like the next.
pub(crate) const NAMES: [&str; 4] = ["log", "log-entry", "log_entry", "logs"];
/// Every entity.
pub(crate) const ENTITIES: [Entity; 4] = [LOG, LOG_ENTRY, LOG_ENTRY_TOO, LOGS];

/// The configuration that every case runs under.
pub(crate) fn config() -> Rc<Config> {
    let detect = |name| if name == "logs" { Detect::Scan } else { Detect::Exact };
    let declaration = |name| EntityDeclaration { detect: detect(name), ..EntityDeclaration::default() };
    let declared: BTreeMap<_, _> = NAMES.into_iter().map(|name| (name.to_owned(), declaration(name))).collect();
    let config = Config::new(declared, Style::Resource, &|pattern| Err(format!("no pattern here: {pattern}"))).unwrap();
    assert!(config.entities.iter().map(|entity| entity.name.as_str()).eq(NAMES));
    Rc::new(config)
}

/// One decision about what was found.
type Decide<'a> = dyn Fn(&Found) -> Next<()> + 'a;

/// A step whose decisions are a function; it tells what it found.
pub(crate) struct Script<'a> {
    decide: Box<Decide<'a>>,
    strict: bool,
    read_only: bool,
}

impl<'a> Script<'a> {
    pub(crate) fn new(decide: impl Fn(&Found) -> Next<()> + 'a) -> Self {
        Self { decide: Box::new(decide), strict: false, read_only: false }
    }

    pub(crate) fn strict(self) -> Self {
        Self { strict: true, ..self }
    }
}

impl Step for Script<'_> {
    type Outcome = Found;

    fn next(&self, found: &Found, _: &Config) -> Next<Found> {
        match (self.decide)(found) {
            Next::Read(reads) => Next::Read(reads),
            Next::Commit(writes, ()) => Next::Commit(writes, found.clone()),
            Next::Refuse(refusal) => Next::Refuse(refusal),
        }
    }

    fn is_strict(&self) -> bool {
        self.strict
    }

    fn is_read_only(&self) -> bool {
        self.read_only
    }
}

/// Commits writes without reading.
pub(crate) async fn write<S: Store>(store: &S, writes: Vec<Write>) {
    store.run(&Script::new(|_| Next::Commit(writes.clone(), ()))).await.unwrap();
}

/// Reads in a transaction that cannot write.
pub(crate) async fn read<S: Store>(store: &S, reads: Vec<Read>) -> Found {
    let step =
        Script::new(|found| if found.rounds == 0 { Next::Read(reads.clone()) } else { Next::Commit(Vec::new(), ()) });
    store.run(&Script { read_only: true, ..step }).await.unwrap()
}

/// Everything there is of every entity, and the replica.
pub(crate) async fn everything<S: Store>(store: &S) -> Found {
    let mut reads = vec![Read::Replica, Read::InFlight, Read::AllConflicts];
    for entity in ENTITIES {
        reads.extend([
            Read::AllRows(entity),
            Read::RowIds(entity),
            Read::AllChanges(entity),
            Read::ChangeIds(entity),
            Read::QuarantineIds(entity),
        ]);
    }
    read(store, reads).await
}

/// A live record with a field.
pub(crate) fn record(id: &str, stamp: i64) -> Record {
    with_fields(id, stamp, json!({"name": "Squat"}))
}

/// A live record with these fields.
pub(crate) fn with_fields(id: &str, stamp: i64, fields: serde_json::Value) -> Record {
    let mut object: Fields = fields.as_object().unwrap().clone();
    object.insert("id".into(), id.into());
    object.insert("clientUpdatedAt".into(), stamp.into());
    Record::from_object(object).unwrap()
}

/// The ids of one entity in a map by key.
pub(crate) fn ids<T>(map: &lastword::record::ByKey<T>, entity: Entity) -> Vec<&str> {
    map.of(entity).map(|(id, _)| id.as_str()).collect()
}

/// The stored record of a row.
pub(crate) fn stored<'a>(found: &'a Found, entity: Entity, id: &str) -> &'a Record {
    match found.rows.value(entity, id) {
        Some(lastword::record::StoredRow::Row(row)) => &row.record,
        other => panic!("{id}: {other:?}"),
    }
}

/// A replica as first made.
pub(crate) fn replica() -> lastword::checkpoint::Replica {
    lastword::checkpoint::Replica {
        device_id: "b3f0".into(),
        account: None,
        fence: 0,
        last_stamp: Stamp(0),
        offset_ms: 0,
        clock_max: Millis(0),
        hash_key: 0,
    }
}

/// The refusal that a step ended with.
pub(crate) fn refusal<T>(result: Result<T, StoreError>) -> Refusal {
    match result {
        Err(StoreError::Refused(refusal)) => refusal,
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("the step was not refused"),
    }
}

/// A key.
pub(crate) fn key(entity: Entity, id: &str) -> Key {
    Key::new(entity, id)
}
