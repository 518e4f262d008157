//! What a round over several entities asks of the network and of the store, and when. Never random, never waits.
#![allow(clippy::unwrap_used, reason = "a test ends where its script cannot go on")]

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use lastword::config::{Config, Detect, EntityDeclaration, Style};
use lastword::engine::Engine;
use lastword::engine::lease::{Open, Purpose};
use lastword::engine::state::{Action, Event, PullRequest, StoreOutcome, StoreStep};
use lastword::incoming::pull::Page;
use lastword::memory::MemoryStore;
use lastword::ports::{Now, StoreError};
use lastword::record::{Entity, Fields, Millis, Record, Row, Scope, ServerMillis, Stamp, StoredRow};

/// An engine over a store in memory; what it asks of the network waits for an answer.
struct Replica {
    config: Rc<Config>,
    engine: Engine,
    store: MemoryStore,
    mono: i64,
    asked: VecDeque<(u64, PullRequest)>,
    /// Each scan: how many entities, and whether every row.
    scans: Vec<(usize, bool)>,
    applied: Vec<Scope>,
    /// How many records the last plan found; none of them leaves.
    planned: usize,
    ended: usize,
}

impl Replica {
    fn new(detect: Detect) -> Self {
        let declared = ["a", "b", "c", "d", "e", "f"]
            .map(|name| (name.to_owned(), EntityDeclaration { detect, ..EntityDeclaration::default() }));
        let declared = BTreeMap::from(declared);
        let config = Rc::new(Config::new(declared, Style::Resource, &|_| Err("no patterns here".into())).unwrap());
        let store = MemoryStore::new(config.clone());
        store.run_now(&Open { account: None, device_id: "d".into(), hash_key: 7, purpose: Purpose::Use }).unwrap();
        Self::on(store, config)
    }

    fn on(store: MemoryStore, config: Rc<Config>) -> Self {
        let engine = Engine::new(config.clone(), None, 1);
        let (asked, scans, applied) = (VecDeque::new(), Vec::new(), Vec::new());
        Self { config, engine, store, mono: 0, asked, scans, applied, planned: 0, ended: 0 }
    }

    fn started(mut self) -> Self {
        self.handle(Event::Start);
        self
    }

    fn handle(&mut self, event: Event) {
        let mut waiting = VecDeque::from([event]);
        while let Some(event) = waiting.pop_front() {
            for action in self.engine.handle(event, Now { wall: Millis(1_000_000 + self.mono), mono: self.mono }) {
                match action {
                    Action::AcquireLead => waiting.push_back(Event::LeadGranted),
                    Action::Transact(id, step) => waiting.push_back(Event::Transacted(id, self.transact(step))),
                    Action::Pull(id, request) => self.asked.push_back((id, request)),
                    Action::CycleEnded(..) => self.ended += 1,
                    Action::ReleaseLead
                    | Action::Push(..)
                    | Action::RefreshToken(_)
                    | Action::Tell(_)
                    | Action::Changed(_)
                    | Action::ViewChanged => {}
                }
            }
        }
    }

    fn transact(&mut self, step: StoreStep) -> Result<StoreOutcome, StoreError> {
        let store = &self.store;
        match step {
            StoreStep::Open(step) => store.run_now(&step).map(StoreOutcome::Open),
            StoreStep::Scan(step) => {
                self.scans.push((step.entities.len(), step.deep));
                store.run_now(&step).map(StoreOutcome::Scan)
            }
            StoreStep::Apply(step) => {
                self.applied.push(step.page.scope);
                store.run_now(&*step).map(StoreOutcome::Apply)
            }
            StoreStep::Plan(step) => {
                self.planned = store.run_now(&step)?.len();
                Ok(StoreOutcome::Plan(Vec::new()))
            }
            StoreStep::StartResync(_)
            | StoreStep::Stage(_)
            | StoreStep::Settle(_)
            | StoreStep::Unstage(_)
            | StoreStep::Restamp(_) => panic!("nothing to push, and one history"),
        }
    }

    /// Answers the oldest request for `scope` with a page that holds nothing.
    fn answer(&mut self, scope: Scope, cursor: &str, has_more: bool) {
        let place = self.asked.iter().position(|(_, request)| request.scope == scope).unwrap();
        let (id, _) = self.asked.remove(place).unwrap();
        let page = Page {
            scope,
            arrived: Vec::new(),
            cursor: cursor.into(),
            has_more,
            up_to: Some(ServerMillis(5)),
            server_time: None,
            epoch: Some("e".into()),
            remaining: None,
            bytes: 0,
        };
        self.handle(Event::Pulled(id, Ok(page)));
    }

    /// A round with nothing to do.
    fn round(&mut self) {
        let ended = self.ended;
        while self.ended == ended {
            let scope = self.asked.front().unwrap().1.scope;
            self.answer(scope, "1", false);
        }
    }

    fn limits(&self) -> Vec<(Scope, usize)> {
        self.asked.iter().map(|(_, request)| (request.scope, request.limit)).collect()
    }
}

const fn scope(place: u16) -> Scope {
    Scope::One(Entity(place))
}

#[test]
fn the_first_pages_of_the_next_scopes_are_asked_for_ahead_and_applied_in_turn() {
    let mut replica = Replica::new(Detect::Exact).started();
    assert_eq!(replica.limits(), [(scope(0), 1_000)], "nothing is known of a scope that was never pulled");
    replica.round();
    replica.handle(Event::SyncNow);
    let ahead = |place| (scope(place), 250);
    assert_eq!(replica.limits(), [(scope(0), 1_000), ahead(1), ahead(2), ahead(3), ahead(4)]);

    replica.applied.clear();
    replica.answer(scope(2), "1", false);
    assert_eq!(replica.applied, []);
    replica.answer(scope(0), "1", false);
    assert_eq!(replica.applied, [scope(0)]);
    assert_eq!(replica.limits(), [ahead(1), ahead(3), ahead(4), ahead(5)]);
    replica.answer(scope(1), "1", false);
    assert_eq!(replica.applied, [scope(0), scope(1), scope(2)]);
    replica.round();
    assert_eq!(replica.applied.len(), 6);
    assert!(replica.asked.is_empty(), "each was asked once");
}

#[test]
fn a_pull_of_several_pages_drops_what_came_ahead() {
    let mut replica = Replica::new(Detect::Exact).started();
    replica.round();
    replica.handle(Event::SyncNow);
    replica.answer(scope(1), "1", false);
    replica.answer(scope(0), "2", true);
    replica.applied.clear();
    let dropped: Vec<_> = replica.asked.drain(..3).collect();
    assert_eq!(replica.limits(), [(scope(0), 1_000)], "its next page");
    replica.answer(scope(0), "3", false);
    assert_eq!(replica.applied, [scope(0)]);
    assert_eq!(replica.limits()[0], (scope(1), 1_000), "asked again, as are those behind it");
    // What was dropped comes after all, and is nobody's.
    replica.asked.extend(dropped);
    replica.round();
    assert_eq!(replica.applied.len(), 6);
}

#[test]
fn every_row_is_compared_once_after_the_first_round() {
    let mut first = Replica::new(Detect::Scan).started();
    first.round();
    assert_eq!(first.scans[0], (6, false), "all of them in one transaction");
    assert_eq!(first.scans[1..], [(1, true); 6], "never looked at before: stamps say nothing yet");

    // Written by the app, which forgot to stamp it.
    let record = Record {
        id: "r".into(),
        client_created_at: Stamp(1),
        client_updated_at: Stamp(1),
        is_deleted: false,
        server_updated_at: None,
        server_id: None,
        version: None,
        sync: None,
        fields: Fields::new(),
    };
    first.store.write_rows(Entity(0), [("r".into(), Some(StoredRow::Row(Row { record, synced: None })))]);
    let mut replica = Replica::on(first.store, first.config).started();
    replica.round();
    assert_eq!((&replica.scans[..], replica.planned), (&[(6, false)][..], 0), "the first round does not wait for it");

    replica.mono = replica.engine.wake_at().unwrap();
    assert!(replica.mono <= 2_000, "as soon as all is quiet");
    replica.handle(Event::Woken);
    replica.round();
    assert_eq!(replica.scans[1], (6, false));
    assert_eq!(replica.scans[2..], [(1, true); 6]);
    assert_eq!(replica.planned, 1);
    replica.handle(Event::SyncNow);
    replica.round();
    assert_eq!(replica.scans[8..], [(6, false)], "once");
}

#[test]
fn a_scan_that_finds_nothing_stores_nothing() {
    let mut replica = Replica::new(Detect::Scan).started();
    replica.round();
    let before = replica.store.relaxed_commits();
    replica.handle(Event::SyncNow);
    assert_eq!(replica.scans.last(), Some(&(6, false)));
    assert_eq!(replica.store.relaxed_commits(), before);
}
