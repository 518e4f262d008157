//! One database in memory, and a script's words for what happens to it. Never random.

use std::collections::BTreeMap;
use std::rc::Rc;

use lastword::checkpoint::ResyncReason;
use lastword::commit::Step;
use lastword::config::{Config, Detect, EntityDeclaration, Policy, Style};
use lastword::engine::lease::{Open, Purpose};
use lastword::incoming::apply::{ApplyPage, PageApplied};
use lastword::incoming::pull::{Arrived, Page};
use lastword::incoming::resync::StartResync;
use lastword::incoming::validate::Quarantined;
use lastword::memory::MemoryStore;
use lastword::outgoing::ack::{Settle, Settled};
use lastword::outgoing::detect::Scan;
use lastword::outgoing::encode::{Stage, Staged};
use lastword::outgoing::outbox::Change;
use lastword::outgoing::plan::Plan;
use lastword::outgoing::push::{Answer, Fate};
use lastword::outgoing::restamp::Restamp;
use lastword::outgoing::write::{Edit, EditKind, LocalWrite};
use lastword::protocol::entity::EntityDef;
use lastword::protocol::error::RejectCode;
use lastword::record::{Entity, Fields, Key, Millis, Record, Row, Scope, ServerMillis, Stamp, StoredRow};

pub(crate) const A: Entity = Entity(0);
pub(crate) const B: Entity = Entity(1);

/// A database with entities `a` and `b`; a `b` names its `a` in field `parent`.
pub(crate) struct Db(pub(crate) MemoryStore);

impl Db {
    pub(crate) fn new(detect: Detect, policy: Policy) -> Self {
        let store = MemoryStore::new(Rc::new(config(detect, policy)));
        let open = |purpose| Open { account: None, device_id: "d".into(), hash_key: 7, purpose };
        store.run_now(&open(Purpose::Use)).unwrap();
        store.run_now(&open(Purpose::Lead)).unwrap();
        Self(store)
    }

    pub(crate) fn run<S: Step>(&self, step: &S) -> S::Outcome {
        self.0.run_now(step).unwrap()
    }

    pub(crate) fn edit(&self, kind: EditKind, now: i64) -> Vec<Record> {
        self.run(&LocalWrite { edits: vec![Edit { key: key(), kind }], now: Millis(now) })
    }

    pub(crate) fn put(&self, name: &str, now: i64) {
        self.edit(EditKind::Put(fields(name)), now);
    }

    /// A write by the app alone, beside us.
    pub(crate) fn app_writes(&self, entity: Entity, record: Record) {
        let synced = self.0.look(|tables| tables.row(entity, &record.id).and_then(|row| row.synced));
        self.0.write_rows(entity, [(record.id.clone(), Some(StoredRow::Row(Row { record, synced })))]);
    }

    pub(crate) fn scan(&self, now: i64) {
        self.run(&Scan { fence: 1, entities: vec![A], now: Millis(now), offset_ms: 0, deep: true });
    }

    pub(crate) fn page(&self, records: Vec<Record>, cursor: &str, up_to: i64, has_more: bool) -> PageApplied {
        let arrived = records.into_iter().map(|record| Arrived::Good(A, record)).collect();
        self.arrive(arrived, cursor, up_to, has_more)
    }

    /// A page with one copy that cannot be used here.
    pub(crate) fn bad_page(&self, stamp: i64, cursor: &str, up_to: i64) -> PageApplied {
        let (key, remote, reason) = (key(), "{}".into(), "bad".into());
        let bad = Quarantined { key, stamp: Some(Stamp(stamp)), remote, reason, found_at: Millis(0) };
        self.arrive(vec![Arrived::Bad(bad)], cursor, up_to, false)
    }

    pub(crate) fn arrive(&self, arrived: Vec<Arrived>, cursor: &str, up_to: i64, has_more: bool) -> PageApplied {
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
    pub(crate) fn stamp_refused(&self) -> <Restamp as Step>::Outcome {
        self.push(Fate::Rejected { code: RejectCode::ClockSkew, message: String::new() });
        self.run(&Restamp { fence: 1, now: Millis(1_000), offset_ms: 0 })
    }

    pub(crate) fn stage(&self, entity: Entity) -> Staged {
        let planned = self.run(&Plan { now: Millis(1) });
        let keys = planned.into_iter().map(|planned| planned.key).filter(|key| key.entity == entity).collect();
        let idempotency_keys = vec!["k".into()];
        self.run(&Stage {
            fence: 1,
            scope: Scope::One(entity),
            keys,
            idempotency_keys,
            records_max: 99,
            bytes_max: 9_999,
            parents_pulled: Vec::new(),
            unstored: None,
            now: Millis(1),
        })
    }

    pub(crate) fn settle(&self, mut staged: Staged, fate: Fate) -> Settled {
        let answer = Answer { results: [(key(), fate)].into_iter().collect(), server_time: None, epoch: None };
        let in_flight = staged.in_flight.remove(0);
        self.run(&Settle { fence: 1, in_flight, answer, parents_pulled: Vec::new(), now: Millis(1) })
    }

    pub(crate) fn push(&self, fate: Fate) -> Settled {
        self.settle(self.stage(A), fate)
    }

    pub(crate) fn resync(&self, reason: ResyncReason) {
        self.run(&StartResync { fence: 1, scope: Scope::One(A), reason, epoch: None });
    }

    pub(crate) fn row(&self) -> Option<Record> {
        self.0.look(|tables| tables.row(A, "r").map(|row| row.record.clone()))
    }

    pub(crate) fn name(&self) -> Option<String> {
        self.row().and_then(|record| record.fields["name"].as_str().map(str::to_owned))
    }

    pub(crate) fn change(&self) -> Option<Change> {
        self.0.look(|tables| tables.changes.value(A, "r").cloned())
    }
}

pub(crate) fn config(detect: Detect, policy: Policy) -> Config {
    let declare = |parent: Option<&str>| {
        let references = parent.into_iter().map(|parent| ("parent".to_owned(), parent.to_owned())).collect();
        let def = EntityDef { references, ..EntityDef::default() };
        EntityDeclaration { def, detect, policy, ..EntityDeclaration::default() }
    };
    let declared = BTreeMap::from([("a".to_owned(), declare(None)), ("b".to_owned(), declare(Some("a")))]);
    Config::new(declared, Style::Resource, &|_| Err("no patterns here".into())).unwrap()
}

pub(crate) fn key() -> Key {
    Key::new(A, "r")
}

pub(crate) fn fields(name: &str) -> Fields {
    Fields::from_iter([("name".to_owned(), name.into())])
}

pub(crate) fn copy(name: &str, stamp: i64, server: i64) -> Record {
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

pub(crate) fn applied(server: i64) -> Fate {
    Fate::Applied { server_updated_at: Some(ServerMillis(server)), version: None, server_id: None }
}
