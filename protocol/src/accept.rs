//! What a backend does with one pushed copy: the rule, without storage. Never looks at anything but its arguments.
//!
//! Used by `lastword-server` and by the simulator; any Rust backend may use it. Source: docs/protocol.md, sections 2–4.

use std::cmp::Ordering;

use crate::limits::STAMP_AHEAD_MAX_MS;
use crate::order;
use crate::record::{OnConflict, Record};
use crate::time::{ServerMillis, Stamp};

/// The verdict on one pushed copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Store the pushed copy under the next sequence number.
    Apply,
    /// It is the stored copy already: answer `applied` and change nothing.
    Same,
    /// The stored copy stays: answer `conflict` with it.
    Conflict,
    /// The record was deleted and purged: answer `gone`.
    Gone,
    /// The stamp is too far ahead of the backend's clock: answer `rejected` with `clock_skew`.
    ClockSkew,
}

/// Decides what to do with `pushed`, given the backend's copy, its clock and the newest purged tombstone's stamp.
#[must_use]
pub fn accept(stored: Option<&Record>, pushed: &Record, now: ServerMillis, purged_to: Option<Stamp>) -> Verdict {
    let order = stored.map(|stored| order::compare(pushed, stored));
    if order == Some(Ordering::Equal) {
        return Verdict::Same;
    }
    if pushed.client_updated_at.0 > now.0.saturating_add(STAMP_AHEAD_MAX_MS) {
        return Verdict::ClockSkew;
    }
    let hint = pushed.sync.as_ref();
    let Some((stored, order)) = stored.zip(order) else {
        let known = hint.is_some_and(|hint| hint.known);
        return if known && purged_to >= Some(pushed.client_updated_at) { Verdict::Gone } else { Verdict::Apply };
    };
    let manual = hint.filter(|hint| hint.on_conflict == Some(OnConflict::Manual));
    if manual.is_some_and(|hint| hint.replaces != Some(stored.client_updated_at)) {
        return Verdict::Conflict;
    }
    if order == Ordering::Greater { Verdict::Apply } else { Verdict::Conflict }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(stamp: i64, name: &str, hint: &str) -> Record {
        Record::parse(&format!(r#"{{"id":"a","clientUpdatedAt":{stamp},"name":"{name}","_sync":{hint}}}"#)).unwrap()
    }

    #[test]
    fn every_case_has_its_verdict() {
        let now = ServerMillis(1_000_000);
        let stored = copy(10, "stored", "{}");
        let check = |stored: Option<&Record>, pushed: &Record, purged: Option<i64>, verdict: Verdict| {
            assert_eq!(accept(stored, pushed, now, purged.map(Stamp)), verdict, "{pushed:?}");
        };
        check(None, &copy(5, "x", "{}"), Some(9), Verdict::Apply);
        check(None, &copy(5, "x", r#"{"known":true}"#), Some(9), Verdict::Gone);
        check(None, &copy(5, "x", r#"{"known":true}"#), Some(4), Verdict::Apply);
        check(None, &copy(5, "x", r#"{"known":true}"#), None, Verdict::Apply);
        check(Some(&stored), &copy(10, "stored", r#"{"known":true}"#), None, Verdict::Same);
        check(Some(&stored), &copy(11, "x", "{}"), None, Verdict::Apply);
        check(Some(&stored), &copy(9, "x", "{}"), None, Verdict::Conflict);
        check(Some(&stored), &copy(1_000_000 + STAMP_AHEAD_MAX_MS + 1, "x", "{}"), None, Verdict::ClockSkew);
        check(Some(&stored), &copy(1_000_000 + STAMP_AHEAD_MAX_MS, "x", "{}"), None, Verdict::Apply);
        check(Some(&stored), &copy(11, "x", r#"{"replaces":10,"onConflict":"manual"}"#), None, Verdict::Apply);
        check(Some(&stored), &copy(11, "x", r#"{"replaces":8,"onConflict":"manual"}"#), None, Verdict::Conflict);
    }
}
