//! Status columns on the store in memory: what each row shows after each step of its way out and in.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::rc::Rc;

use lastword::columns::{ColumnNames, Columns, ShownStatus};
use lastword::commit::Step;
use lastword::config::{Config, EntityDeclaration, Policy, Style};
use lastword::engine::lease::{Open, Purpose};
use lastword::incoming::apply::ApplyPage;
use lastword::incoming::pull::{Arrived, Page};
use lastword::incoming::validate;
use lastword::mapping::FieldNames;
use lastword::memory::MemoryStore;
use lastword::outgoing::ack::Settle;
use lastword::outgoing::encode::{Stage, Staged};
use lastword::outgoing::push::{Answer, Fate};
use lastword::outgoing::retry::{Choice, Resolve, Retry};
use lastword::outgoing::write::{Edit, EditKind, LocalWrite};
use lastword::protocol::error::RejectCode;
use lastword::record::{Entity, Fields, Key, Millis, Record, Scope, ServerMillis, Stamp};
use serde_json::{Value, json};

const GOALS: Entity = Entity(0);

struct Replica {
    store: MemoryStore,
    config: Rc<Config>,
    fence: u64,
}

impl Replica {
    fn new(policy: Policy) -> Self {
        let names = FieldNames { columns: ColumnNames::snake_case(), ..FieldNames::default() };
        let declaration = EntityDeclaration { names, policy, write_back: true, ..EntityDeclaration::default() };
        let declared = BTreeMap::from([("goals".to_owned(), declaration)]);
        let config = Rc::new(Config::new(declared, Style::Resource, &|_| Err("no patterns here".into())).unwrap());
        let store = MemoryStore::new(config.clone());
        let open = Open { account: None, device_id: "d".into(), hash_key: 7, purpose: Purpose::Lead };
        let fence = store.run_now(&open).unwrap().replica.fence;
        Self { store, config, fence }
    }

    fn run<S: Step>(&self, step: &S) -> S::Outcome {
        self.store.run_now(step).map_err(|error| format!("{error:?}")).unwrap()
    }

    fn put(&self, id: &str, now: i64) {
        let edit = Edit { key: Key::new(GOALS, id), kind: EditKind::Put(Fields::new()) };
        self.run(&LocalWrite { edits: vec![edit], now: Millis(now) });
    }

    fn stage(&self, id: &str, now: i64) -> Staged {
        self.run(&Stage {
            fence: self.fence,
            scope: Scope::One(GOALS),
            keys: vec![Key::new(GOALS, id)],
            idempotency_keys: vec![format!("push at {now}")],
            records_max: 99,
            bytes_max: 9_999,
            parents_pulled: Vec::new(),
            unstored: None,
            now: Millis(now),
        })
    }

    fn push(&self, id: &str, now: i64, fate: Fate) {
        let mut staged = self.stage(id, now);
        let results = [(Key::new(GOALS, id), fate)].into_iter().collect();
        let answer = Answer { results, server_time: None, epoch: None };
        self.run(&Settle {
            fence: self.fence,
            in_flight: staged.in_flight.remove(0),
            answer,
            parents_pulled: Vec::new(),
            now: Millis(now + 1),
        });
    }

    fn pull(&self, id: &str, stamp: i64, now: i64) {
        let mut remote = Record::parse(&json!({"id": id, "clientUpdatedAt": stamp}).to_string()).unwrap();
        remote.version = Some(9);
        let since = self
            .store
            .look(|tables| tables.checkpoints.get(&Scope::One(GOALS)).and_then(|checkpoint| checkpoint.cursor.clone()));
        self.run(&ApplyPage {
            fence: self.fence,
            since,
            page: page(remote, &now.to_string()),
            now: Millis(now),
            offset_ms: 0,
        });
    }

    /// The columns of a row.
    fn shown(&self, id: &str) -> Columns {
        self.store.look(|tables| tables.columns.value(GOALS, id).cloned()).unwrap()
    }
}

fn shows(status: ShownStatus, synced: Option<i64>, attempt: Option<i64>, error: Option<&str>) -> Columns {
    Columns {
        status,
        synced_at: synced.map(Millis),
        attempt_at: attempt.map(Millis),
        error: error.map(str::to_owned),
        version: None,
    }
}

fn page(remote: Record, cursor: &str) -> Page {
    Page {
        scope: Scope::One(GOALS),
        arrived: vec![Arrived::Good(GOALS, remote)],
        cursor: cursor.to_owned(),
        has_more: false,
        up_to: None,
        server_time: None,
        epoch: None,
        remaining: None,
        bytes: 0,
    }
}

fn applied(at: i64, version: u64) -> Fate {
    Fate::Applied { server_updated_at: Some(ServerMillis(at)), version: Some(version), server_id: None }
}

#[test]
fn an_edit_is_pending_then_synced_with_a_new_version() {
    let replica = Replica::new(Policy::LastWriteWins);
    replica.put("a", 10);
    assert_eq!(replica.shown("a"), shows(ShownStatus::Pending, None, None, None));
    replica.push("a", 20, applied(21, 1));
    let synced = shows(ShownStatus::Synced, Some(21), Some(21), None);
    assert_eq!(replica.shown("a"), Columns { version: Some(1), ..synced.clone() });
    replica.put("a", 30);
    let pending = Columns { status: ShownStatus::Pending, ..synced };
    assert_eq!(replica.shown("a"), Columns { version: Some(1), ..pending });
    replica.push("a", 40, applied(41, 2));
    assert_eq!(replica.shown("a").version, Some(2));
}

#[test]
fn an_attempt_is_marked_before_it_is_made() {
    let replica = Replica::new(Policy::LastWriteWins);
    replica.put("a", 10);
    replica.stage("a", 20);
    assert_eq!(replica.shown("a"), shows(ShownStatus::Pending, None, Some(20), None));
}

#[test]
fn a_refused_record_says_why_and_keeps_its_version_until_it_is_retried() {
    let replica = Replica::new(Policy::LastWriteWins);
    replica.put("a", 10);
    replica.push("a", 20, applied(21, 1));
    replica.put("a", 30);
    replica.push("a", 40, Fate::Rejected { code: RejectCode::Invalid, message: "no title".into() });
    let failed = shows(ShownStatus::Failed, Some(21), Some(41), Some("no title"));
    assert_eq!(replica.shown("a"), Columns { version: Some(1), ..failed });
    // Only the outbox row is written: the row is read for its columns.
    assert_eq!(replica.run(&Retry { keys: None }), 1);
    let pending = shows(ShownStatus::Pending, Some(21), Some(41), None);
    assert_eq!(replica.shown("a"), Columns { version: Some(1), ..pending });
}

#[test]
fn a_conflict_shows_until_it_is_settled() {
    let replica = Replica::new(Policy::Manual);
    replica.put("a", 10);
    replica.pull("a", 50, 60);
    let conflict = shows(ShownStatus::Conflict, None, None, Some("server version newer"));
    assert_eq!(replica.shown("a"), conflict);
    replica.run(&Resolve { key: Key::new(GOALS, "a"), choice: Choice::KeepRemote, now: Millis(70) });
    assert_eq!(replica.shown("a").status, ShownStatus::Synced);
}

#[test]
fn a_pulled_record_is_synced_and_one_put() {
    let replica = Replica::new(Policy::LastWriteWins);
    replica.pull("a", 50, 60);
    let synced = shows(ShownStatus::Synced, Some(60), Some(60), None);
    assert_eq!(replica.shown("a"), Columns { version: Some(9), ..synced });
    let mut puts = 0;
    let remote = Record { client_updated_at: Stamp(70), ..Record::parse(r#"{"id":"a","clientUpdatedAt":1}"#).unwrap() };
    let (since, page) = (Some("60".into()), page(remote, "61"));
    let apply = ApplyPage { fence: replica.fence, since, page, now: Millis(61), offset_ms: 0 };
    let count = |writes: &[lastword::commit::Write]| {
        use lastword::commit::Write::{PutRow, PutRowWithColumns};
        writes.iter().filter(|write| matches!(write, PutRow(..) | PutRowWithColumns(..))).count()
    };
    replica
        .store
        .run_watched(&apply, |_, writes| {
            puts = count(writes);
            Ok(())
        })
        .unwrap();
    assert_eq!(puts, 1);
}

#[test]
fn columns_are_taken_off_wherever_a_record_is_read_and_never_sent() {
    let replica = Replica::new(Policy::LastWriteWins);
    let names = &replica.config.entity(GOALS).names;
    let row = json!({"id": "a", "clientUpdatedAt": 1, "title": "x", "sync_status": "failed", "last_synced_at": 5});
    let Value::Object(row) = row else { unreachable!() };
    let record = names.record(row.clone()).unwrap();
    assert_eq!(Value::Object(record.fields), json!({"title": "x"}));
    let (_, fields) = names.split(row.clone());
    assert_eq!(Value::Object(fields), json!({"title": "x"}));
    assert_eq!(Columns::of(&row, names), shows(ShownStatus::Failed, Some(5), None, None));
    let body = json!({"cursor": "1", "hasMore": false, "records": [row]});
    let page = validate::resource_page(&replica.config, GOALS, body.to_string().as_bytes()).unwrap();
    let [Arrived::Good(_, arrived)] = &page.arrived[..] else { panic!("{page:?}") };
    assert_eq!(Value::Object(arrived.fields.clone()), json!({"title": "x"}));
    replica.put("a", 10);
    let body = replica.stage("a", 20).in_flight.remove(0).body;
    assert!(!body.contains("sync_status") && !body.contains("last_sync"), "{body}");
}

#[test]
fn columns_are_written_and_read_in_the_apps_form() {
    let names: ColumnNames = serde_json::from_value(json!({"syncStatus": "state", "lastSyncedAt": "at"})).unwrap();
    let names = FieldNames { columns: names, times: lastword::mapping::Times::Iso, ..FieldNames::default() };
    let columns = shows(ShownStatus::Conflict, Some(1_000), Some(2_000), Some("why"));
    let mut object = Fields::new();
    columns.clone().add_to(&mut object, &names);
    assert_eq!(Value::Object(object.clone()), json!({"state": "conflict", "at": "1970-01-01T00:00:01.000Z"}));
    assert_eq!(Columns::of(&object, &names), Columns { attempt_at: None, error: None, ..columns });
}
