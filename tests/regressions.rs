//! One smallest script for each fault that the simulation found. Never random. Long because none is ever removed.
#![allow(clippy::unwrap_used, reason = "a test ends where its script cannot go on")]

use std::collections::BTreeMap;
use std::rc::Rc;

use lastword::checkpoint::ResyncReason;
use lastword::commit::{Found, Next, Refusal, Step, Write};
use lastword::config::{Config, Detect, EntityDeclaration, Policy, Style};
use lastword::engine::Engine;
use lastword::engine::lease::Open;
use lastword::engine::state::{Action, Event, StoreStep};
use lastword::error::Error;
use lastword::incoming::apply::{ApplyPage, PageApplied};
use lastword::incoming::conflict::Notice;
use lastword::incoming::pull::{Arrived, Page};
use lastword::incoming::resync::StartResync;
use lastword::incoming::validate::Quarantined;
use lastword::memory::MemoryStore;
use lastword::outgoing::ack::{Restamp, Settle, Settled, Unstage};
use lastword::outgoing::detect::Scan;
use lastword::outgoing::encode::{Plan, Stage, Staged};
use lastword::outgoing::outbox::{Change, ChangeState};
use lastword::outgoing::push::{Answer, Fate};
use lastword::outgoing::retry::{Choice, Discard, Resolve, Retry, Wipe};
use lastword::outgoing::write::{Edit, EditKind, LocalWrite};
use lastword::ports::{Now, StoreError};
use lastword::protocol::entity::EntityDef;
use lastword::protocol::error::RejectCode;
use lastword::record::{Entity, Fields, Key, Millis, Record, Row, Scope, ServerMillis, Stamp, StoredRow};

const A: Entity = Entity(0);
const B: Entity = Entity(1);

/// A database with entities `a` and `b`; a `b` names its `a` in field `parent`.
struct Db(MemoryStore);

impl Db {
    fn new(detect: Detect, policy: Policy) -> Self {
        let store = MemoryStore::new(Rc::new(config(detect, policy)));
        let open = |lead| Open { account: None, device_id: "d".into(), hash_key: 7, lead };
        store.run_now(&open(false)).unwrap();
        store.run_now(&open(true)).unwrap();
        Self(store)
    }

    fn run<S: Step>(&self, step: &S) -> S::Outcome {
        self.0.run_now(step).unwrap()
    }

    fn edit(&self, kind: EditKind, now: i64) -> Vec<Record> {
        self.run(&LocalWrite { edits: vec![Edit { key: key(), kind }], now: Millis(now) })
    }

    fn put(&self, name: &str, now: i64) {
        self.edit(EditKind::Put(fields(name)), now);
    }

    /// A write by the app alone, beside us.
    fn app_writes(&self, entity: Entity, record: Record) {
        let synced = self.0.look(|tables| tables.row(entity, &record.id).and_then(|row| row.synced));
        self.0.write_rows(entity, [(record.id.clone(), Some(StoredRow::Row(Row { record, synced })))]);
    }

    fn scan(&self, now: i64) {
        self.run(&Scan { fence: 1, entity: A, now: Millis(now), offset_ms: 0, deep: true });
    }

    fn page(&self, records: Vec<Record>, cursor: &str, up_to: i64, has_more: bool) -> PageApplied {
        let arrived = records.into_iter().map(|record| Arrived::Good(A, record)).collect();
        self.arrive(arrived, cursor, up_to, has_more)
    }

    /// A page with one copy that cannot be used here.
    fn bad_page(&self, stamp: i64, cursor: &str, up_to: i64) -> PageApplied {
        let (key, remote, reason) = (key(), "{}".into(), "bad".into());
        let bad = Quarantined { key, stamp: Some(Stamp(stamp)), remote, reason, found_at: Millis(0) };
        self.arrive(vec![Arrived::Bad(bad)], cursor, up_to, false)
    }

    fn arrive(&self, arrived: Vec<Arrived>, cursor: &str, up_to: i64, has_more: bool) -> PageApplied {
        let scope = Scope::One(A);
        let since = self.0.look(|tables| tables.checkpoints.get(&scope).and_then(|held| held.cursor.clone()));
        let page = Page {
            scope,
            arrived,
            cursor: cursor.into(),
            has_more,
            up_to: Some(ServerMillis(up_to)),
            server_time: None,
            epoch: Some("e".into()),
            remaining: None,
            bytes: 0,
        };
        self.run(&ApplyPage { fence: 1, since, page, now: Millis(1), offset_ms: 0 })
    }

    /// The backend refuses a stamp too far ahead: what can be is stamped again, by a clock at 1,000.
    fn stamp_refused(&self) -> <Restamp as Step>::Outcome {
        self.push(Fate::Rejected { code: RejectCode::ClockSkew, message: String::new() });
        self.run(&Restamp { fence: 1, now: Millis(1_000), offset_ms: 0 })
    }

    fn stage(&self, entity: Entity) -> Staged {
        let planned = self.run(&Plan { now: Millis(1) });
        let keys = planned.into_iter().map(|planned| planned.key).filter(|key| key.entity == entity).collect();
        let idempotency_key = "k".into();
        self.run(&Stage {
            fence: 1,
            scope: Scope::One(entity),
            keys,
            idempotency_key,
            bytes_max: 9_999,
            now: Millis(1),
        })
    }

    fn settle(&self, staged: Staged, fate: Fate) -> Settled {
        let answer = Answer { results: [(key(), fate)].into_iter().collect(), server_time: None, epoch: None };
        let in_flight = staged.in_flight.unwrap();
        self.run(&Settle { fence: 1, in_flight, answer, now: Millis(1) })
    }

    fn push(&self, fate: Fate) -> Settled {
        self.settle(self.stage(A), fate)
    }

    fn resync(&self, reason: ResyncReason) {
        self.run(&StartResync { fence: 1, scope: Scope::One(A), reason, epoch: None });
    }

    fn row(&self) -> Option<Record> {
        self.0.look(|tables| tables.row(A, "r").map(|row| row.record.clone()))
    }

    fn name(&self) -> Option<String> {
        self.row().and_then(|record| record.fields["name"].as_str().map(str::to_owned))
    }

    fn change(&self) -> Option<Change> {
        self.0.look(|tables| tables.changes.value(A, "r").cloned())
    }
}

fn config(detect: Detect, policy: Policy) -> Config {
    let declare = |parent: Option<&str>| {
        let references = parent.into_iter().map(|parent| ("parent".to_owned(), parent.to_owned())).collect();
        let def = EntityDef { references, ..EntityDef::default() };
        EntityDeclaration { def, detect, policy, ..EntityDeclaration::default() }
    };
    let declared = BTreeMap::from([("a".to_owned(), declare(None)), ("b".to_owned(), declare(Some("a")))]);
    Config::new(declared, Style::Resource, &|_| Err("no patterns here".into())).unwrap()
}

fn key() -> Key {
    Key::new(A, "r")
}

fn fields(name: &str) -> Fields {
    Fields::from_iter([("name".to_owned(), name.into())])
}

fn copy(name: &str, stamp: i64, server: i64) -> Record {
    Record {
        id: "r".into(),
        client_created_at: Stamp(1),
        client_updated_at: Stamp(stamp),
        is_deleted: false,
        server_updated_at: (server > 0).then_some(ServerMillis(server)),
        server_id: None,
        version: None,
        sync: None,
        fields: fields(name),
    }
}

fn applied(server: i64) -> Fate {
    Fate::Applied { server_updated_at: Some(ServerMillis(server)), version: None, server_id: None }
}

#[test]
fn an_open_that_is_never_answered_is_tried_again() {
    let mut engine = Engine::new(Rc::new(config(Detect::Exact, Policy::LastWriteWins)), None, 1);
    let at = |mono| Now { wall: Millis(mono), mono };
    engine.handle(Event::Start, at(0));
    engine.handle(Event::LeadGranted, at(0));
    let wake = engine.wake_at().unwrap();
    let actions = engine.handle(Event::Woken, at(wake));
    assert!(actions.iter().any(|action| matches!(action, Action::Transact(_, StoreStep::Open(_)))));
}

#[test]
fn whoever_waits_for_a_cycle_hears_why_the_lead_cannot_be_opened() {
    let mut engine = Engine::new(Rc::new(config(Detect::Exact, Policy::LastWriteWins)), None, 1);
    let now = Now { wall: Millis(0), mono: 0 };
    engine.handle(Event::Start, now);
    let asked = engine.next_ticket();
    engine.handle(Event::SyncNow, now);
    let opening = engine.handle(Event::LeadGranted, now);
    let Some(Action::Transact(id, StoreStep::Open(_))) = opening.last() else { panic!("no open: {}", opening.len()) };
    let failed = StoreError::Failed { name: "UnknownError".into(), message: String::new() };
    let actions = engine.handle(Event::Transacted(*id, Err(failed)), now);
    let told =
        |action: &Action| matches!(action, Action::CycleEnded(ticket, Err(Error::Store { .. })) if *ticket >= asked);
    assert!(actions.iter().any(told));
    assert!(engine.wake_at().is_some());
}

#[test]
fn a_wiped_database_is_not_bound_again_by_its_old_leader() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    let open = |lead| Open { account: Some("old".into()), device_id: "d".into(), hash_key: 7, lead };
    db.run(&open(false));
    db.run(&Wipe);
    assert_eq!(db.0.run_now(&open(true)).err(), Some(StoreError::Refused(Refusal::AccountMismatch)));
}

#[test]
fn an_edit_found_while_a_page_is_applied_leaves_no_acknowledged_change() {
    let db = Db::new(Detect::Scan, Policy::LastWriteWins);
    db.app_writes(A, copy("one", 10, 0));
    db.scan(20);
    db.push(applied(100));
    db.app_writes(A, copy("two", 30, 0));
    db.page(vec![copy("one", 10, 100)], "1", 100, true);
    let done = db.page(Vec::new(), "2", 100, false);
    assert_eq!(done.notices, []);
    assert_eq!(db.change().unwrap().stamp, Stamp(30));
}

#[test]
fn an_edit_stamped_by_a_late_clock_does_not_lose_to_the_copy_it_replaced() {
    let db = Db::new(Detect::Scan, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 50, 100)], "1", 100, false);
    db.app_writes(A, copy("mine", 20, 0));
    db.page(vec![copy("theirs", 50, 100)], "2", 100, false);
    assert_eq!(db.name().as_deref(), Some("mine"));
    assert_eq!(db.row().unwrap().client_updated_at, Stamp(51));
}

#[test]
fn our_own_write_over_a_row_stamped_by_a_late_clock_is_newer_than_what_that_replaced() {
    let db = Db::new(Detect::Scan, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 50, 100)], "1", 100, false);
    db.app_writes(A, copy("mine", 20, 0));
    assert_eq!(db.edit(EditKind::Put(fields("again")), 21)[0].client_updated_at, Stamp(51));
}

#[test]
fn an_acknowledgement_that_no_pull_comes_up_to_is_sent_again() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.put("mine", 10);
    db.push(applied(100));
    for cursor in ["1", "2", "3"] {
        assert_eq!(db.change().unwrap().state, ChangeState::Acknowledged);
        db.page(Vec::new(), cursor, 50, false);
    }
    assert_eq!(db.change().unwrap().state, ChangeState::Pending);
}

#[test]
fn an_older_copy_accepted_after_the_acknowledgement_means_that_it_was_lost() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.put("mine", 10);
    db.push(applied(100));
    let done = db.page(vec![copy("theirs", 5, 200)], "1", 200, false);
    assert_eq!(done.notices, [Notice::LostByBackend(key())]);
    assert_eq!(db.name().as_deref(), Some("mine"));
    assert_eq!(db.change().unwrap().state, ChangeState::Pending);
}

#[test]
fn a_conflict_answer_is_not_undone_by_a_reader_that_lags() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.put("mine", 10);
    db.push(Fate::Conflict(copy("theirs", 20, 100)));
    db.page(vec![copy("before", 5, 50)], "1", 60, false);
    assert_eq!(db.name().as_deref(), Some("theirs"));
}

#[test]
fn a_discarded_edit_gives_way_to_the_backends_older_copy() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 5, 100)], "1", 100, false);
    db.put("mine", 10);
    db.run(&Discard { key: key() });
    db.page(vec![copy("theirs", 5, 100)], "1", 100, false);
    assert_eq!(db.name().as_deref(), Some("theirs"));
}

#[test]
fn what_was_discarded_on_its_way_does_not_acknowledge_the_next_edit() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.put("first", 10);
    let staged = db.stage(A);
    db.run(&Discard { key: key() });
    db.put("second", 10);
    db.settle(staged, applied(100));
    assert_eq!(db.change().unwrap().state, ChangeState::Pending);
}

#[test]
fn a_full_pull_from_a_reader_that_lags_removes_nothing() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 5, 100)], "1", 100, false);
    db.resync(ResyncReason::CursorExpired);
    assert!(db.page(Vec::new(), "0", 50, false).checkpoint.resync.is_some());
    assert_eq!(db.name().as_deref(), Some("theirs"));
    db.page(Vec::new(), "2", 110, false);
    assert_eq!(db.name(), None);
}

#[test]
fn an_expired_cursor_does_not_forget_the_history_it_was_of() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 5, 100)], "1", 100, false);
    db.resync(ResyncReason::CursorExpired);
    let epoch = db.0.look(|tables| tables.checkpoints[&Scope::One(A)].epoch.clone());
    assert_eq!(epoch.as_deref(), Some("e"));
}

#[test]
fn a_child_waits_for_a_parent_that_is_not_marked_yet() {
    let db = Db::new(Detect::Scan, Policy::LastWriteWins);
    db.app_writes(A, copy("parent", 10, 0));
    let mut child = copy("child", 11, 0);
    child.fields.insert("parent".into(), "r".into());
    db.app_writes(B, child);
    db.run(&Scan { fence: 1, entity: B, now: Millis(20), offset_ms: 0, deep: true });
    assert_eq!(db.stage(B).in_flight, None);
}

#[test]
fn a_conflict_with_a_purged_record_keeps_its_own_copy() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 5, 100)], "1", 100, false);
    db.put("mine", 10);
    db.push(Fate::Gone);
    assert_eq!(db.row(), None);
    db.page(vec![copy("made again", 20, 200)], "2", 200, false);
    let chosen = db.run(&Resolve { key: key(), choice: Choice::KeepLocal, now: Millis(30) }).unwrap();
    assert_eq!(chosen.fields, fields("mine"));
    assert!(chosen.client_updated_at > Stamp(20));
}

#[test]
fn a_conflict_forgets_a_remote_copy_that_was_purged() {
    let db = Db::new(Detect::Exact, Policy::Manual);
    db.put("mine", 10);
    db.page(vec![copy("theirs", 20, 100)], "1", 100, false);
    db.resync(ResyncReason::CursorExpired);
    db.page(Vec::new(), "2", 200, false);
    db.run(&Resolve { key: key(), choice: Choice::KeepRemote, now: Millis(30) });
    assert_eq!(db.row(), None);
}

#[test]
fn another_copy_with_the_very_stamp_that_was_sent_is_a_conflict() {
    let db = Db::new(Detect::Exact, Policy::Manual);
    db.put("mine", 10);
    let settled = db.push(Fate::Conflict(copy("theirs", 10, 100)));
    assert_eq!(settled.notices, [Notice::Conflict(key())]);
    assert_eq!(db.name().as_deref(), Some("mine"));
}

#[test]
fn a_record_marked_as_it_stands_is_no_conflict_with_itself() {
    let db = Db::new(Detect::Exact, Policy::Manual);
    db.put("mine", 10);
    db.push(applied(100));
    db.page(vec![db.row().unwrap()], "1", 100, false);
    db.edit(EditKind::MarkDirty, 20);
    assert_eq!(db.change().unwrap().base, Some(Stamp(10)));
}

#[test]
fn an_older_own_copy_from_a_reader_that_lags_is_no_conflict_with_the_next_edit() {
    let db = Db::new(Detect::Exact, Policy::Manual);
    db.put("first", 10);
    db.push(applied(100));
    db.put("second", 20);
    db.push(applied(200));
    db.put("third", 30);
    let done = db.page(vec![copy("first", 10, 100)], "1", 100, false);
    assert_eq!(done.notices, []);
    assert_eq!((db.name().as_deref(), db.change().unwrap().base), (Some("third"), Some(Stamp(20))));
}

#[test]
fn a_reader_that_lags_brings_no_older_copy_into_a_conflict() {
    let db = Db::new(Detect::Exact, Policy::Manual);
    db.put("mine", 10);
    db.page(vec![copy("theirs", 20, 200)], "1", 200, false);
    let done = db.page(vec![copy("theirs before", 15, 100)], "2", 100, false);
    assert_eq!(done.notices, []);
    db.run(&Resolve { key: key(), choice: Choice::KeepRemote, now: Millis(30) });
    assert_eq!(db.name().as_deref(), Some("theirs"));
}

#[test]
fn the_same_copy_again_is_the_same_conflict() {
    let db = Db::new(Detect::Exact, Policy::Manual);
    db.put("mine", 10);
    assert_eq!(db.page(vec![copy("theirs", 20, 200)], "1", 200, false).notices, [Notice::Conflict(key())]);
    assert_eq!(db.page(vec![copy("theirs", 20, 200)], "2", 200, false).notices, []);
}

#[test]
fn the_times_of_a_lost_history_do_not_count_against_the_new_one() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 5, 200)], "1", 200, false);
    db.put("mine", 10);
    db.resync(ResyncReason::EpochChanged);
    let done = db.page(vec![copy("restored", 20, 100)], "2", 100, false);
    assert!(matches!(&done.notices[..], [Notice::Superseded { .. }]));
    assert_eq!(db.name().as_deref(), Some("restored"));
}

#[test]
fn a_full_pull_from_a_reader_that_lags_takes_no_acknowledged_deletion_for_purged() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 5, 100)], "1", 100, false);
    db.edit(EditKind::Delete, 10);
    db.push(applied(200));
    db.resync(ResyncReason::CursorExpired);
    db.page(Vec::new(), "2", 150, false);
    assert!(db.row().unwrap().is_deleted);
    assert_eq!(db.change().unwrap().state, ChangeState::Acknowledged);
}

#[test]
fn an_edit_that_shares_the_stamp_of_an_earlier_one_is_moved_behind_it() {
    let db = Db::new(Detect::Scan, Policy::LastWriteWins);
    db.app_writes(A, copy("first", 10, 0));
    db.scan(20);
    db.app_writes(A, copy("second", 9, 0));
    db.scan(30);
    assert_eq!(db.change().unwrap().stamp, Stamp(11));
    assert_eq!(db.row().unwrap().client_updated_at, Stamp(11));
}

#[test]
fn what_was_sent_once_is_said_to_be_known() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.put("first", 10);
    let lost = db.stage(A).in_flight.unwrap();
    db.run(&Unstage { fence: 1, idempotency_key: lost.key, fault: None, now: Millis(1) });
    let body = db.stage(A).in_flight.unwrap().body;
    assert!(body.contains(r#""_sync":{"known":true}"#), "{body}");
}

#[test]
fn a_discarded_mark_on_a_record_as_it_stood_removes_nothing() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    // An own row of an app that adopts sync: never pulled, and perhaps on the backend all the same.
    let (record, synced) = (copy("theirs", 5, 0), None);
    db.0.write_rows(A, [("r".to_owned(), Some(StoredRow::Row(Row { record, synced })))]);
    db.edit(EditKind::MarkDirty, 10);
    assert_eq!(db.run(&Discard { key: key() }), Some(Scope::One(A)));
    assert_eq!(db.name().as_deref(), Some("theirs"));
}

#[test]
fn an_edit_refused_for_an_older_own_copy_replaces_that_copy_at_its_next_try() {
    let db = Db::new(Detect::Exact, Policy::Manual);
    db.put("first", 10);
    let lost = db.stage(A).in_flight.unwrap();
    db.put("second", 20);
    db.run(&Unstage { fence: 1, idempotency_key: lost.key, fault: None, now: Millis(1) });
    // The first did arrive, without a word of it coming back.
    let settled = db.push(Fate::Conflict(copy("first", 10, 100)));
    assert!(matches!(&settled.notices[..], [Notice::Failed { permanently: false, .. }]));
    assert_eq!(db.change().unwrap().base, Some(Stamp(10)));
}

#[test]
fn a_stamp_moved_back_stays_behind_what_was_sent_and_not_refused() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.put("first", 5_000);
    db.push(applied(100));
    db.put("second", 900_000);
    // A restored backend shows an older copy; another replica may hold the first one still.
    db.resync(ResyncReason::EpochChanged);
    db.page(vec![copy("restored", 50, 50)], "1", 50, false);
    db.stamp_refused();
    assert_eq!(db.change().unwrap().stamp, Stamp(5_001));
}

#[test]
fn an_edit_of_a_copy_far_ahead_is_not_stamped_again_and_again() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 900_000, 100)], "1", 100, false);
    db.put("mine", 10);
    assert_eq!(db.stamp_refused(), []);
    let change = db.change().unwrap();
    assert_eq!((change.state, change.attempts, change.stamp), (ChangeState::Failed, 1, Stamp(900_001)));
}

#[test]
fn an_unstamped_edit_over_an_unsent_deletion_is_an_edit_of_its_own() {
    let db = Db::new(Detect::Scan, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 5, 100)], "1", 100, false);
    db.app_writes(A, Record { is_deleted: true, ..copy("theirs", 10, 100) });
    db.scan(20);
    db.app_writes(A, copy("mine", 10, 100));
    db.scan(30);
    assert_eq!(db.change().unwrap().stamp, Stamp(11));
}

#[test]
fn an_edit_is_never_stamped_behind_what_a_restored_backend_forgot() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 5_000, 100)], "1", 100, false);
    db.put("mine", 900_000);
    db.resync(ResyncReason::EpochChanged);
    db.page(vec![copy("restored", 50, 50)], "1", 50, false);
    db.stamp_refused();
    assert_eq!(db.change().unwrap().stamp, Stamp(5_001));
}

#[test]
fn an_edit_of_a_record_that_heals_the_backend_stays_behind_it() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 5_000, 100)], "1", 100, false);
    db.resync(ResyncReason::EpochChanged);
    db.page(Vec::new(), "1", 50, false);
    db.put("mine", 900_000);
    db.stamp_refused();
    assert_eq!(db.change().unwrap().stamp, Stamp(5_001));
}

#[test]
fn two_copies_sent_without_an_answer_are_both_known_as_own() {
    let db = Db::new(Detect::Exact, Policy::Manual);
    for (name, now) in [("first", 10), ("second", 20), ("third", 30)] {
        db.put(name, now);
        let lost = db.stage(A).in_flight.unwrap();
        db.run(&Unstage { fence: 1, idempotency_key: lost.key, fault: None, now: Millis(1) });
    }
    assert_eq!(db.page(vec![copy("first", 10, 100)], "1", 100, false).notices, []);
    assert_eq!(db.name().as_deref(), Some("third"));
}

#[test]
fn a_restored_copy_that_cannot_be_used_is_healed_with_a_newer_one() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 10, 100)], "1", 100, false);
    db.resync(ResyncReason::EpochChanged);
    db.bad_page(9, "1", 50);
    assert_eq!(db.change().unwrap().stamp, Stamp(10));
}

#[test]
fn a_restored_copy_that_cannot_be_used_and_is_newer_is_left_alone() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 10, 100)], "1", 100, false);
    db.resync(ResyncReason::EpochChanged);
    db.bad_page(11, "1", 50);
    assert_eq!(db.change(), None);
}

#[test]
fn a_copy_set_aside_before_an_edit_hides_no_lost_acknowledgement() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.bad_page(5, "1", 100);
    db.put("mine", 10);
    db.push(applied(200));
    db.page(Vec::new(), "2", 300, false);
    assert_eq!(db.change().unwrap().state, ChangeState::Pending);
}

#[test]
fn a_newer_copy_that_cannot_be_used_ends_the_wait_for_an_acknowledged_one() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.put("mine", 10);
    db.push(applied(100));
    db.bad_page(11, "1", 200);
    assert_eq!(db.change(), None);
}

#[test]
fn a_copy_set_aside_and_purged_since_hides_no_lost_acknowledgement() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.bad_page(5, "1", 100);
    db.put("mine", 10);
    db.push(applied(200));
    db.resync(ResyncReason::CursorExpired);
    db.page(Vec::new(), "2", 300, false);
    assert_eq!(db.change().unwrap().state, ChangeState::Pending);
    assert!(db.0.look(|tables| tables.quarantined.value(A, "r").is_none()));
}

#[test]
fn a_record_is_given_up_after_the_tries_that_the_app_allows() {
    let mut three = config(Detect::Exact, Policy::LastWriteWins);
    three.tries_max = 3;
    let db = Db(MemoryStore::new(Rc::new(three)));
    db.run(&Open { account: None, device_id: "d".into(), hash_key: 7, lead: false });
    db.run(&Open { account: None, device_id: "d".into(), hash_key: 7, lead: true });
    db.put("mine", 10);
    for (now, given_up) in [(100_000, false), (200_000, false), (300_000, true)] {
        let (now, keys, idempotency_key) = (Millis(now), vec![key()], format!("k{now}"));
        let scope = Scope::One(A);
        let staged = db.run(&Stage { fence: 1, scope, keys, idempotency_key, bytes_max: 9_999, now });
        let settled = db.settle(staged, Fate::BadConflict("other".into()));
        assert!(matches!(&settled.notices[..], [Notice::Failed { permanently, .. }] if *permanently == given_up));
    }
}

#[test]
fn a_change_that_could_not_be_read_goes_out_by_its_row_when_retried() {
    struct Put(Vec<Write>);
    impl Step for Put {
        type Outcome = ();
        fn next(&self, _: &Found, _: &Config) -> Next<()> {
            Next::Commit(self.0.clone(), ())
        }
    }
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.put("mine", 10);
    db.run(&Put(vec![Write::PutChange(Change::unreadable(key(), "damaged".into()))]));
    assert_eq!(db.stage(A).in_flight, None);
    db.run(&Retry { keys: None });
    db.push(applied(100));
    let change = db.change().unwrap();
    assert_eq!((change.state, change.stamp), (ChangeState::Acknowledged, Stamp(10)));
}
