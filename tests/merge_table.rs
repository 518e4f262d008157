//! Every combination of a local and a remote copy has its written outcome: `docs/merge-table.md` is the expectation.
//!
//! Never decides what the outcome should be. A changed outcome is first written there, then made true.
//! Source: docs/protocol.md, section 2; invariants I4, I10, I20.

use std::fmt::Write as _;

use lastword::config::Policy;
use lastword::incoming::merge::{self, Outcome};
use lastword::outgoing::outbox::{Change, ChangeState, Operation};
use lastword::record::{Entity, Fields, Key, Millis, Record, ServerMillis, Stamp};
use lastword_protocol::order;

const STAMP: i64 = 100;
const ACKED_AT: i64 = 1_000;

/// How the remote copy stands to the local one.
#[derive(Clone, Copy)]
struct Pair {
    local_deleted: bool,
    remote_deleted: bool,
    /// Remote stamp minus local stamp.
    stamp: i64,
    /// Local content, to be compared with `b`.
    local_content: &'static str,
}

fn pairs() -> Vec<Pair> {
    let mut pairs = Vec::new();
    for local_deleted in [false, true] {
        for remote_deleted in [false, true] {
            for stamp in [-1, 0, 1] {
                let decides = stamp == 0 && local_deleted == remote_deleted;
                let contents: &[&'static str] = if decides { &["a", "b", "c"] } else { &["a"] };
                let pair = |local_content| Pair { local_deleted, remote_deleted, stamp, local_content };
                pairs.extend(contents.iter().copied().map(pair));
            }
        }
    }
    pairs
}

impl Pair {
    fn copy(stamp: i64, is_deleted: bool, content: &str, server: Option<i64>) -> Record {
        Record {
            id: "r".into(),
            client_created_at: Stamp(1),
            client_updated_at: Stamp(stamp),
            is_deleted,
            server_updated_at: server.map(ServerMillis),
            server_id: None,
            version: None,
            sync: None,
            fields: Fields::from_iter([("name".to_owned(), content.into())]),
        }
    }

    fn local(self, server: Option<i64>) -> Record {
        Self::copy(STAMP, self.local_deleted, self.local_content, server)
    }

    fn remote(self, server: Option<i64>) -> Record {
        Self::copy(STAMP + self.stamp, self.remote_deleted, "b", server)
    }

    fn words(self) -> String {
        let kind = |deleted| if deleted { "deleted" } else { "live" };
        let stamp = match self.stamp.signum() {
            -1 => "older",
            0 => "equal",
            _ => "newer",
        };
        let decides = self.stamp == 0 && self.local_deleted == self.remote_deleted;
        let content = match (decides, self.local_content) {
            (false, _) => "any",
            (true, "a") => "remote greater",
            (true, "b") => "equal",
            (true, _) => "local greater",
        };
        format!("{} | {} | {stamp} | {content}", kind(self.local_deleted), kind(self.remote_deleted))
    }
}

fn change(state: ChangeState) -> Change {
    let key = Key { entity: Entity(0), id: "r".into() };
    let mut change = Change::new(key, Stamp(STAMP), Operation::Update, Millis(1));
    change.state = state;
    change
}

fn words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::TakeRemote => "take remote",
        Outcome::Supersede => "take remote, report the edit",
        Outcome::KeepLocal => "keep local",
        Outcome::KeepEdit => "keep the edit",
        Outcome::Confirm => "confirm",
        Outcome::Conflict => "ask the user",
        Outcome::Requeue => "keep local, send again",
        Outcome::Heal => "keep local, push it",
    }
}

/// The tables as the code has them.
fn tables() -> String {
    let mut out = String::new();
    let mut table = |title: &str, extra: &str, rows: Vec<(String, String, Outcome)>| {
        let _ = write!(out, "\n## {title}\n\n| local | remote | remote stamp | content | {extra} | outcome |\n");
        out.push_str("| --- | --- | --- | --- | --- | --- |\n");
        for (pair, extra, outcome) in rows {
            let _ = writeln!(out, "| {pair} | {extra} | {} |", words(outcome));
        }
    };
    let server = [(None, "absent"), (Some(ACKED_AT - 1), "earlier"), (Some(ACKED_AT), "not earlier")];

    let mut rows = Vec::new();
    for deleted in [false, true] {
        let remote = Pair::copy(STAMP, deleted, "b", None);
        let kind = if deleted { "deleted" } else { "live" };
        rows.push((format!("absent | {kind} | any | any"), "any".into(), merge::clean(None, &remote, false)));
        assert_eq!(merge::clean(None, &remote, true), Outcome::TakeRemote);
    }
    for pair in pairs() {
        for (time, name) in server {
            let outcome = merge::clean(Some(&pair.local(Some(ACKED_AT))), &pair.remote(time), false);
            rows.push((pair.words(), name.into(), outcome));
        }
    }
    table("Clean", "remote `serverUpdatedAt`", rows);

    let heal = |pair: Pair| {
        let outcomes =
            server.map(|(time, _)| merge::clean(Some(&pair.local(Some(ACKED_AT))), &pair.remote(time), true));
        assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]), "the backend's times are of another history");
        (pair.words(), "any".to_owned(), outcomes[0])
    };
    let title = "Clean, while everything is pulled anew because the backend's history changed";
    table(title, "remote `serverUpdatedAt`", pairs().into_iter().map(heal).collect());

    for (policy, title) in
        [(Policy::LastWriteWins, "Unsent edit, last write wins"), (Policy::Manual, "Unsent edit, the user decides")]
    {
        let mut rows = Vec::new();
        for pair in pairs() {
            let mut replaced = change(ChangeState::Pending);
            replaced.base = Some(pair.remote(None).client_updated_at);
            let mut sent = change(ChangeState::Pending);
            sent.sent = vec![pair.remote(None).client_updated_at];
            let other = change(ChangeState::Pending);
            for (change, name) in [(replaced, "the replaced one"), (sent, "one sent before"), (other, "another")] {
                let outcomes =
                    [ChangeState::Pending, ChangeState::Failed, ChangeState::FailedPermanently, ChangeState::Conflict]
                        .map(|state| {
                            let change = Change { state, ..change.clone() };
                            merge::marked(&change, Some(&pair.local(None)), &pair.remote(Some(ACKED_AT)), policy)
                        });
                assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]), "a failed edit is an edit");
                rows.push((pair.words(), name.into(), outcomes[0]));
                let later = Change { accepted_at: Some(ServerMillis(ACKED_AT + 1)), ..change };
                let stale = merge::marked(&later, Some(&pair.local(None)), &pair.remote(Some(ACKED_AT)), policy);
                assert_eq!(stale, Outcome::KeepLocal, "the backend is known to hold a later copy");
            }
        }
        rows.push(("any | any | any | any".into(), "one held before the known".into(), Outcome::KeepLocal));
        table(title, "the remote stamp is that of", rows);
    }

    let mut rows = Vec::new();
    for pair in pairs() {
        for (time, name) in [(None, "absent"), (Some(ACKED_AT - 1), "earlier"), (Some(ACKED_AT + 1), "later")] {
            let mut change = change(ChangeState::Acknowledged);
            change.accepted_at = Some(ServerMillis(ACKED_AT));
            let outcomes = [Policy::LastWriteWins, Policy::Manual]
                .map(|policy| merge::marked(&change, Some(&pair.local(None)), &pair.remote(time), policy));
            assert_eq!(outcomes[0], outcomes[1], "the policy has no say once the backend has accepted the edit");
            rows.push((pair.words(), name.into(), outcomes[0]));
        }
    }
    rows.push(("any | any | equal | any".into(), "the same".into(), Outcome::Confirm));
    table("Acknowledged edit", "remote `serverUpdatedAt` and the acknowledgement's", rows);
    out
}

#[test]
fn every_combination_has_its_written_outcome() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/merge-table.md");
    let written = std::fs::read_to_string(path).unwrap();
    let start = written.find("\n## Clean").unwrap();
    let (intro, expected) = written.split_at(start);
    if std::env::var_os("LASTWORD_WRITE_TABLES").is_some() {
        std::fs::write(path, format!("{intro}{}", tables())).unwrap();
        return;
    }
    for (line, (expected, found)) in expected.lines().zip(tables().lines()).enumerate() {
        assert_eq!(expected, found, "line {} of the tables", line + 1);
    }
    assert_eq!(expected, tables());
}

/// What is decided without reading the local copy is what its content would have decided too.
#[test]
fn stamps_alone_decide_nothing_else() {
    let mut decided = 0;
    for pair in pairs() {
        for state in [ChangeState::Pending, ChangeState::Failed, ChangeState::Conflict, ChangeState::Acknowledged] {
            for known in [None, Some(ServerMillis(ACKED_AT))] {
                for time in [None, Some(ACKED_AT - 1), Some(ACKED_AT), Some(ACKED_AT + 1)] {
                    let change = Change { accepted_at: known, ..change(state) };
                    let (local, remote) = (pair.local(None), pair.remote(time));
                    // A backend accepts one copy at a time.
                    let is_that_copy = order::compare(&local, &remote).is_eq();
                    if state == ChangeState::Acknowledged && time == Some(ACKED_AT) && !is_that_copy {
                        continue;
                    }
                    for policy in [Policy::LastWriteWins, Policy::Manual] {
                        if let Some(outcome) = merge::by_stamp(&change, &remote, policy) {
                            assert_eq!(
                                outcome,
                                merge::marked(&change, Some(&local), &remote, policy),
                                "{}",
                                pair.words()
                            );
                            decided += 1;
                        }
                    }
                }
            }
        }
    }
    assert!(decided > 100, "{decided} decided by stamp");
}

/// I20: two replicas that each merge the other's copy into their own unsent edit end with the same copy.
#[test]
fn both_sides_pick_the_same_winner() {
    for pair in pairs() {
        let (here, there) = (pair.local(None), pair.remote(None));
        let kept = |local: &Record, remote: &Record| {
            let mut change = change(ChangeState::Pending);
            change.stamp = local.client_updated_at;
            let outcome = merge::marked(&change, Some(local), remote, Policy::LastWriteWins);
            if outcome == Outcome::KeepEdit { local.clone() } else { remote.clone() }
        };
        assert_eq!(kept(&here, &there), kept(&there, &here), "{}", pair.words());
    }
}
