//! Who leads, and what a leader that lost its database may do. Never random.

use std::rc::Rc;

use lastword::checkpoint::Replica;
use lastword::commit::Refusal;
use lastword::config::{Detect, Policy};
use lastword::engine::Engine;
use lastword::engine::lease::{Open, Purpose};
use lastword::engine::state::{Action, Event, StoreStep};
use lastword::error::Error;
use lastword::outgoing::retry::Wipe;
use lastword::ports::{Now, StoreError};
use lastword::record::Millis;

use crate::db::{Db, config};

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
    let open = |purpose| Open { account: Some("old".into()), device_id: "d".into(), hash_key: 7, purpose };
    db.run(&open(Purpose::Use));
    db.run(&Wipe::default());
    assert_eq!(db.0.run_now(&open(Purpose::Lead)).err(), Some(StoreError::Refused(Refusal::AccountMismatch)));
}

#[test]
fn a_wipe_tells_what_was_never_sent_and_keeps_out_the_old_leader_also_where_the_replica_cannot_be_read() {
    for instead in [None, Some(40)] {
        let db = Db::new(Detect::Exact, Policy::LastWriteWins);
        db.put("never sent", 10);
        let before = db.0.look(|tables| tables.replica.clone()).unwrap();
        let instead = instead.map(|fence| Replica { account: Some("old".into()), fence, ..before.clone() });
        assert_eq!(db.run(&Wipe { instead: instead.clone() }), 1);
        let after = db.0.look(|tables| tables.replica.clone()).unwrap();
        let expected = instead.unwrap_or(before);
        assert_eq!(after, Replica { account: None, fence: expected.fence + 1, ..expected });
        assert!(db.0.look(|tables| tables.rows.is_empty() && tables.changes.is_empty()));
    }
}
