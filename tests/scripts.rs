//! Lists of events and exactly what the engine asks for, reviewed as text in `tests/goldens`. Never random, never waits.
//!
//! A script says how the backend answers; transactions run on the store in memory. Source: docs/protocol.md, sections 6
//! and 8; invariant I19.
#![allow(clippy::unwrap_used, reason = "a test ends where its script cannot go on")]

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::rc::Rc;

use lastword::config::{Config, EntityDeclaration, Style};
use lastword::engine::Engine;
use lastword::engine::lease::{Open, Purpose};
use lastword::engine::state::{Action, Event, StoreOutcome, StoreStep};
use lastword::incoming::pull::{Arrived, Page};
use lastword::memory::MemoryStore;
use lastword::outgoing::push::{Answer, Fate};
use lastword::outgoing::write::{Edit, EditKind, LocalWrite};
use lastword::ports::{Failure, Now, StoreError};
use lastword::protocol::error::RejectCode;
use lastword::record::{Entity, Fields, Key, Millis, Record, Scope, ServerMillis, Stamp};

const NOTES: Entity = Entity(0);

/// What the backend says next.
enum Said {
    Page { ids: &'static [&'static str], cursor: &'static str, has_more: bool },
    Applied(&'static [&'static str]),
    Refused(&'static str),
    Status(u16),
    NoConnection,
}

struct Script {
    engine: Engine,
    store: MemoryStore,
    said: VecDeque<Said>,
    /// Pokes that come while a push is on its way.
    pokes: usize,
    mono: i64,
    log: String,
}

impl Script {
    fn new(edited: &[&str], said: Vec<Said>) -> Self {
        Self::in_batches_of(100, edited, said)
    }

    fn in_batches_of(batch_records: usize, edited: &[&str], said: Vec<Said>) -> Self {
        let declared = BTreeMap::from([("notes".to_owned(), EntityDeclaration::default())]);
        let mut config = Config::new(declared, Style::Resource, &|_| Err("no patterns here".into())).unwrap();
        config.batch_records = batch_records;
        let config = Rc::new(config);
        let store = MemoryStore::new(config.clone());
        store.run_now(&Open { account: None, device_id: "d".into(), hash_key: 7, purpose: Purpose::Use }).unwrap();
        for id in edited {
            let edit = Edit { key: Key::new(NOTES, id), kind: EditKind::Put(Fields::new()) };
            store.run_now(&LocalWrite { edits: vec![edit], now: Millis(1) }).unwrap();
        }
        Self { engine: Engine::new(config, None, 1), store, said: said.into(), pokes: 0, mono: 0, log: String::new() }
    }

    /// Lets an event happen, and all that follows from it at once.
    fn event(&mut self, name: &str, event: Event) {
        let _ = writeln!(self.log, "{name}");
        let mut waiting = VecDeque::from([event]);
        while let Some(event) = waiting.pop_front() {
            let now = Now { wall: Millis(1_000_000 + self.mono), mono: self.mono };
            for action in self.engine.handle(event, now) {
                if matches!(action, Action::Push(..)) {
                    waiting.extend((0..std::mem::take(&mut self.pokes)).map(|_| Event::Poked));
                }
                waiting.extend(self.perform(action));
            }
        }
        if let Some(at) = self.engine.wake_at() {
            let _ = writeln!(self.log, "  wakes in {} ms", at - self.mono);
        }
    }

    fn wake(&mut self) {
        self.mono = self.engine.wake_at().unwrap();
        self.event("the time has come", Event::Woken);
    }

    fn perform(&mut self, action: Action) -> Option<Event> {
        let (line, event) = match action {
            Action::AcquireLead => ("asks for the lead".to_owned(), Some(Event::LeadGranted)),
            Action::ReleaseLead => ("gives the lead up".into(), None),
            Action::Transact(id, step) => {
                let (name, result) = self.transact(step);
                (format!("commits: {name}"), Some(Event::Transacted(id, result)))
            }
            Action::Pull(id, request) => {
                let line = format!("pulls since {}", request.since.as_deref().unwrap_or("the beginning"));
                (line, Some(Event::Pulled(id, self.page())))
            }
            Action::Push(id, in_flight) => {
                let ids: Vec<&str> = in_flight.sent.iter().map(|sent| sent.id.as_str()).collect();
                (format!("pushes {}", ids.join(", ")), Some(Event::Pushed(id, self.answer())))
            }
            Action::RefreshToken(id) => ("asks for a new token".into(), Some(Event::TokenReady(id, true))),
            Action::Tell(notices) => (format!("tells {notices:?}"), None),
            Action::Changed(keys) => {
                let ids: Vec<&str> = keys.iter().map(|key| key.id.as_str()).collect();
                (format!("changed {}", ids.join(", ")), None)
            }
            Action::CycleEnded(ticket, result) => (format!("cycle {ticket} ends: {result:?}"), None),
            Action::ViewChanged => return None,
        };
        let _ = writeln!(self.log, "  {line}");
        event
    }

    fn transact(&self, step: StoreStep) -> (&'static str, Result<StoreOutcome, StoreError>) {
        let store = &self.store;
        match step {
            StoreStep::Open(step) => ("open", store.run_now(&step).map(StoreOutcome::Open)),
            StoreStep::Scan(step) => ("scan", store.run_now(&step).map(StoreOutcome::Scan)),
            StoreStep::StartResync(step) => {
                ("full pull", store.run_now(&step).map(|done| StoreOutcome::StartResync(step.scope, done)))
            }
            StoreStep::Apply(step) => ("page", store.run_now(&*step).map(StoreOutcome::Apply)),
            StoreStep::Plan(step) => ("plan", store.run_now(&step).map(StoreOutcome::Plan)),
            StoreStep::Stage(step) => ("body", store.run_now(&step).map(StoreOutcome::Stage)),
            StoreStep::Settle(step) => ("answer", store.run_now(&*step).map(StoreOutcome::Settle)),
            StoreStep::Unstage(step) => ("body refused", store.run_now(&step).map(StoreOutcome::Unstage)),
            StoreStep::Restamp(step) => ("new stamps", store.run_now(&step).map(StoreOutcome::Restamp)),
        }
    }

    fn page(&mut self) -> Result<Page, Failure> {
        match self.said.pop_front().unwrap() {
            Said::Page { ids, cursor, has_more } => Ok(Page {
                scope: Scope::One(NOTES),
                arrived: ids.iter().map(|id| Arrived::Good(NOTES, record(id))).collect(),
                cursor: cursor.into(),
                has_more,
                up_to: Some(ServerMillis(500)),
                server_time: None,
                epoch: Some("e".into()),
                remaining: None,
                bytes: 0,
            }),
            said @ (Said::Applied(_) | Said::Refused(_) | Said::Status(_) | Said::NoConnection) => Err(failure(&said)),
        }
    }

    fn answer(&mut self) -> Result<Answer, Failure> {
        match self.said.pop_front().unwrap() {
            Said::Applied(ids) => {
                let fate = Fate::Applied { server_updated_at: Some(ServerMillis(500)), version: None, server_id: None };
                let results = ids.iter().map(|id| (Key::new(NOTES, id), fate.clone())).collect();
                Ok(Answer { results, server_time: None, epoch: None })
            }
            Said::Refused(id) => {
                let fate = Fate::Rejected { code: RejectCode::Invalid, message: "no".into() };
                Ok(Answer {
                    results: [(Key::new(NOTES, id), fate)].into_iter().collect(),
                    server_time: None,
                    epoch: None,
                })
            }
            said @ (Said::Page { .. } | Said::Status(_) | Said::NoConnection) => Err(failure(&said)),
        }
    }

    /// Compares what was asked for with the golden of this name.
    fn is(self, name: &str) {
        assert!(self.said.is_empty(), "the backend was asked less often than the script has answers");
        let path = format!("{}/tests/goldens/{name}.txt", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("LASTWORD_WRITE_GOLDENS").is_some() {
            std::fs::write(path, self.log).unwrap();
            return;
        }
        assert_eq!(self.log, std::fs::read_to_string(path).unwrap());
    }
}

fn failure(said: &Said) -> Failure {
    match said {
        Said::Status(status) => {
            Failure::Status { status: *status, message: String::new(), retry_after_ms: None, epoch: None }
        }
        Said::NoConnection => Failure::Network,
        Said::Page { .. } | Said::Applied(_) | Said::Refused(_) => {
            Failure::BadResponse { reason: "the script answers another question".into() }
        }
    }
}

fn record(id: &str) -> Record {
    Record {
        id: id.into(),
        client_created_at: Stamp(1),
        client_updated_at: Stamp(1),
        is_deleted: false,
        server_updated_at: Some(ServerMillis(500)),
        server_id: None,
        version: None,
        sync: None,
        fields: Fields::new(),
    }
}

const fn page(ids: &'static [&'static str], cursor: &'static str) -> Said {
    Said::Page { ids, cursor, has_more: false }
}

#[test]
fn a_first_cycle_pulls_and_pushes_and_the_next_one_confirms() {
    let said = vec![page(&[], "1"), Said::Applied(&["mine"]), page(&["mine"], "2")];
    let mut script = Script::new(&["mine"], said);
    script.event("the app starts", Event::Start);
    script.wake();
    script.is("first_cycle");
}

#[test]
fn a_push_that_was_not_taken_whole_is_followed_by_a_pull() {
    let said = vec![page(&[], "1"), Said::Applied(&["mine"]), page(&["mine"], "2")];
    let mut script = Script::new(&["mine", "unanswered"], said);
    script.event("the app starts", Event::Start);
    script.is("differing_push");
}

#[test]
fn a_poke_during_a_push_is_answered_by_a_pull_that_follows_it() {
    let said = vec![page(&[], "1"), Said::Applied(&["mine"]), page(&["mine"], "2")];
    let mut script = Script::new(&["mine"], said);
    script.pokes = 2;
    script.event("the app starts", Event::Start);
    script.is("poked_push");
}

#[test]
fn the_next_page_is_fetched_while_one_is_stored() {
    let first = Said::Page { ids: &["a", "b"], cursor: "1", has_more: true };
    let mut script = Script::new(&[], vec![first, page(&["c"], "2")]);
    script.event("the app starts", Event::Start);
    script.is("two_pages");
}

#[test]
fn without_a_connection_the_delays_grow_and_an_edit_does_not_shorten_them() {
    let said = vec![Said::NoConnection, Said::NoConnection, Said::NoConnection, page(&[], "1")];
    let mut script = Script::new(&[], said);
    script.event("the app starts", Event::Start);
    script.wake();
    script.event("the user edits", Event::Edited);
    script.wake();
    script.wake();
    script.is("no_connection");
}

#[test]
fn a_hint_and_a_poke_wait_out_what_the_backend_needs_and_a_request_by_the_app_does_not() {
    let mut script = Script::new(&[], vec![Said::Status(503), page(&[], "1")]);
    script.event("the app starts", Event::Start);
    script.event("the page is looked at", Event::Hint);
    script.event("the backend pokes", Event::Poked);
    script.event("the user asks", Event::SyncNow);
    script.is("backend_away");
}

#[test]
fn a_connection_that_is_back_ends_the_wait() {
    let mut script = Script::new(&[], vec![Said::NoConnection, page(&[], "1")]);
    script.event("the app starts", Event::Start);
    script.event("the browser is online", Event::Hint);
    script.is("connection_back");
}

#[test]
fn a_refused_token_is_renewed_once_then_the_user_is_asked() {
    let mut script = Script::new(&[], vec![Said::Status(401), Said::Status(401), page(&[], "1")]);
    script.event("the app starts", Event::Start);
    script.event("the user signs in", Event::TokenChanged);
    script.is("refused_token");
}

#[test]
fn an_expired_cursor_pulls_everything_anew() {
    let said = vec![page(&["a"], "1"), Said::Status(410), page(&["b"], "2")];
    let mut script = Script::new(&[], said);
    script.event("the app starts", Event::Start);
    script.event("the user asks", Event::SyncNow);
    script.is("expired_cursor");
}

#[test]
fn a_refused_body_is_split_until_the_record_at_fault_stands_alone() {
    let said = vec![page(&[], "1"), Said::Status(422), Said::Status(422), Said::Applied(&["good"])];
    let mut script = Script::new(&["bad", "good"], said);
    script.event("the app starts", Event::Start);
    script.is("refused_body");
}

#[test]
fn a_body_without_an_answer_goes_first_after_a_restart() {
    let answered = [Said::Applied(&["mine"]), page(&["mine"], "2")];
    let said = [page(&[], "1"), Said::NoConnection].into_iter().chain(answered).collect();
    let mut script = Script::new(&["mine"], said);
    script.event("the app starts", Event::Start);
    script.event("another context takes the lead", Event::LeadLost);
    script.is("resend");
}

#[test]
fn bodies_are_staged_together_and_each_leaves_while_the_answer_before_it_is_settled() {
    let said = vec![
        page(&[], "1"),
        Said::Applied(&["a"]),
        Said::Applied(&["b"]),
        Said::Applied(&["c"]),
        Said::Applied(&["d"]),
        Said::Applied(&["e"]),
    ];
    let mut script = Script::in_batches_of(1, &["a", "b", "c", "d", "e"], said);
    script.event("the app starts", Event::Start);
    script.is("staged_together");
}

#[test]
fn a_body_leaves_though_a_record_of_the_one_before_it_was_refused() {
    let said = vec![page(&[], "1"), Said::Refused("bad"), Said::Applied(&["good"]), page(&[], "2")];
    let mut script = Script::in_batches_of(1, &["bad", "good"], said);
    script.event("the app starts", Event::Start);
    script.is("refused_record");
}

#[test]
fn bodies_that_were_not_answered_go_first_after_a_restart_in_their_order() {
    let answered = [Said::Applied(&["b"]), Said::Applied(&["c"]), page(&[], "2")];
    let said = [page(&[], "1"), Said::Applied(&["a"]), Said::NoConnection].into_iter().chain(answered).collect();
    let mut script = Script::in_batches_of(1, &["a", "b", "c"], said);
    script.event("the app starts", Event::Start);
    script.event("another context takes the lead", Event::LeadLost);
    script.is("staged_resend");
}

#[test]
fn a_body_refused_as_a_whole_takes_back_those_staged_behind_it() {
    let said = vec![
        page(&[], "1"),
        Said::Applied(&["a", "b"]),
        Said::Status(413),
        Said::Applied(&["c"]),
        Said::Applied(&["d"]),
        Said::Applied(&["e"]),
    ];
    let mut script = Script::in_batches_of(2, &["a", "b", "c", "d", "e"], said);
    script.event("the app starts", Event::Start);
    script.is("staged_refused");
}

#[test]
fn a_new_token_sends_the_bodies_that_have_no_answer() {
    let said =
        vec![page(&[], "1"), Said::Applied(&["a"]), Said::Status(401), Said::Applied(&["b"]), Said::Applied(&["c"])];
    let mut script = Script::in_batches_of(1, &["a", "b", "c"], said);
    script.event("the app starts", Event::Start);
    script.is("staged_token");
}
