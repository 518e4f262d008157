//! Records that name others which are not here, not there, or could not be pushed. Never random.

use lastword::config::{Detect, Policy};
use lastword::outgoing::ack::{Settle, Settled, Unstage};
use lastword::outgoing::encode::{Stage, Staged};
use lastword::outgoing::outbox::ChangeState;
use lastword::outgoing::push::{Answer, Fate};
use lastword::outgoing::write::{Edit, EditKind, LocalWrite};
use lastword::protocol::error::RejectCode;
use lastword::record::{Entity, Fields, Key, Millis, Scope};

use crate::db::{A, B, Db, key};

fn child() -> Key {
    Key::new(B, "c")
}

/// A `b` that names the `a` called `r`.
fn write_child(db: &Db) {
    let fields = Fields::from_iter([("parent".to_owned(), "r".into())]);
    db.run(&LocalWrite { edits: vec![Edit { key: child(), kind: EditKind::Put(fields) }], now: Millis(10) });
}

fn stage(db: &Db, parents_pulled: &[Entity]) -> Staged {
    db.run(&Stage {
        fence: 1,
        scope: Scope::One(B),
        keys: vec![child()],
        idempotency_keys: vec!["k".into()],
        records_max: 99,
        bytes_max: 9_999,
        parents_pulled: parents_pulled.to_vec(),
        unstored: None,
        now: Millis(20),
    })
}

fn refuse(db: &Db, mut staged: Staged, parents_pulled: &[Entity]) -> Settled {
    let fate = Fate::Rejected { code: RejectCode::MissingReference, message: String::new() };
    let answer = Answer { results: [(child(), fate)].into_iter().collect(), server_time: None, epoch: None };
    let (in_flight, parents_pulled) = (staged.in_flight.remove(0), parents_pulled.to_vec());
    db.run(&Settle { fence: 1, in_flight, answer, parents_pulled, now: Millis(30) })
}

/// Where the child stands: its state, its tries and why it waits or failed.
fn stands(db: &Db) -> (ChangeState, u32, Option<String>) {
    db.0.look(|tables| {
        let change = tables.changes.value(B, "c").unwrap();
        (change.state, change.attempts, change.error.as_ref().map(|error| error.code.clone()))
    })
}

#[test]
fn a_parent_that_is_not_here_is_asked_for_before_a_try_counts() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    write_child(&db);
    let staged = stage(&db, &[]);
    assert_eq!((staged.in_flight, staged.orphans, staged.notices.len()), (vec![], vec![B], 0));
    assert_eq!(stands(&db), (ChangeState::Pending, 0, None));
    let staged = stage(&db, &[B]);
    assert_eq!((staged.in_flight, staged.orphans, staged.notices.len()), (vec![], vec![], 1));
    assert_eq!(stands(&db), (ChangeState::Failed, 1, Some("missing_reference".into())));
}

#[test]
fn a_parent_that_the_backend_misses_is_asked_for_before_a_try_counts() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.page(vec![crate::db::copy("parent", 5, 100)], "1", 100, false);
    write_child(&db);
    let staged = stage(&db, &[]);
    assert_eq!(refuse(&db, staged, &[]).orphans, [B]);
    assert_eq!(stands(&db), (ChangeState::Pending, 0, None));
    let staged = stage(&db, &[B]);
    assert!(refuse(&db, staged, &[B]).orphans.is_empty());
    assert_eq!(stands(&db), (ChangeState::Failed, 1, Some("missing_reference".into())));
}

#[test]
fn a_child_of_a_parent_that_failed_waits_untried_and_says_so() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.put("parent", 5);
    write_child(&db);
    db.push(Fate::Rejected { code: RejectCode::Invalid, message: String::new() });
    let staged = stage(&db, &[]);
    assert_eq!((staged.in_flight, staged.orphans, staged.notices.len()), (vec![], vec![], 0));
    assert_eq!(stands(&db), (ChangeState::Pending, 0, Some("parent_failed".into())));
    db.put("corrected", 40);
    db.push(crate::db::applied(100));
    assert_eq!(stage(&db, &[]).in_flight[0].sent.len(), 1);
    assert_eq!(stands(&db), (ChangeState::Pending, 0, None));
}

#[test]
fn a_child_is_not_staged_with_the_body_of_its_parent() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.put("parent", 5);
    write_child(&db);
    let other = Key::new(A, "s");
    db.run(&LocalWrite {
        edits: vec![Edit { key: other.clone(), kind: EditKind::Put(Fields::new()) }],
        now: Millis(11),
    });
    let stage = |keys: &[Key], records_max| {
        db.run(&Stage {
            fence: 1,
            scope: Scope::All,
            keys: keys.to_vec(),
            idempotency_keys: vec!["k0".into(), "k1".into()],
            records_max,
            bytes_max: 9_999,
            parents_pulled: Vec::new(),
            unstored: None,
            now: Millis(20),
        })
    };
    let staged = stage(&[key(), child(), other], 1);
    let sent: Vec<Vec<&str>> =
        staged.in_flight.iter().map(|body| body.sent.iter().map(|sent| sent.id.as_str()).collect()).collect();
    assert_eq!((sent, staged.left), (vec![vec!["r"], vec!["s"]], vec![child()]));
    let idempotency_key = "k0".into();
    db.run(&Unstage { fence: 1, idempotency_key, fault: None, now: Millis(20) });
    // Behind it in the same body it may go.
    let staged = stage(&[key(), child()], 2);
    assert_eq!((staged.in_flight.len(), staged.in_flight[0].sent.len(), staged.left), (1, 2, vec![]));
}
