//! Backends whose `since` is a time: what to ask with, and the cursor that an answer without one stands for.
//!
//! Never fetches. Promise I6 holds for what the backend shows within the overlap. Source: docs/protocol.md, section 5.

use std::cell::RefCell;

use lastword_protocol::limits::PAGE_RECORDS_MAX;
use lastword_protocol::time::ServerMillis;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::pull::{Arrived, Page};
use super::validate;
use crate::config::Config;
use crate::ports::Now;
use crate::record::{ByEntity, Entity, Scope};

/// Asks one backend by time. Remembers the pull under way: a page that follows another needs no overlap.
#[derive(Debug, Default)]
pub struct Timed {
    pulls: RefCell<ByEntity<Pull>>,
}

/// A pull that goes on behind its last page.
#[derive(Debug)]
struct Pull {
    /// The cursor of that page.
    given: String,
    began: Began,
}

/// Where and when a pull began.
#[derive(Clone, Copy, Debug)]
struct Began {
    at: Now,
    /// The cursor that it began behind.
    behind: Option<Cursor>,
}

/// What a page was asked for with.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// The entity.
    pub entity: Entity,
    /// The time, less what it looks back; none for everything.
    pub since: Option<i64>,
    /// Most records.
    pub limit: usize,
    /// False for the first page of a pull.
    goes_on: bool,
    behind: Option<Cursor>,
    began: Began,
}

/// An answer: this object, or an array of records alone.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    records: Vec<Box<RawValue>>,
    #[serde(default)]
    has_more: Option<bool>,
    #[serde(default)]
    server_time: Option<ServerMillis>,
    #[serde(default)]
    epoch: Option<String>,
    #[serde(default)]
    remaining: Option<u64>,
}

impl Timed {
    /// The request behind `cursor`: from its time on, and `overlap_ms` before it where it begins or resumes a pull.
    pub fn ask(&self, entity: Entity, cursor: Option<&str>, limit: usize, overlap_ms: i64, now: Now) -> Asked {
        let pull = self.pulls.borrow_mut().remove(&entity).filter(|pull| Some(pull.given.as_str()) == cursor);
        // A cursor that is no time is another style's: everything is pulled.
        let behind = cursor.and_then(Cursor::parse);
        let goes_on = pull.is_some();
        let back = |cursor: Cursor| if goes_on { 0 } else { overlap_ms.saturating_add(cursor.took_ms) };
        let since = behind.map(|cursor| cursor.time.saturating_sub(back(cursor)).max(0));
        let began = pull.map_or(Began { at: now, behind }, |pull| pull.began);
        Asked { entity, since, limit, goes_on, behind, began }
    }

    /// Types an answer.
    ///
    /// # Errors
    /// What is wrong with it as a whole; nothing of it is used then.
    pub fn page(&self, config: &Config, asked: Asked, body: &[u8], now: Now) -> Result<Page, String> {
        let answer = if body.trim_ascii_start().first() == Some(&b'[') {
            Answer { records: validate::parse(body)?, ..Answer::default() }
        } else {
            validate::parse(body)?
        };
        if answer.records.len() > PAGE_RECORDS_MAX {
            return Err(format!("{} records in a page; at most {PAGE_RECORDS_MAX}", answer.records.len()));
        }
        let Asked { entity, limit, .. } = asked;
        let arrived: Vec<Arrived> =
            answer.records.iter().map(|raw| validate::resource_record(config, entity, raw)).collect();
        let times = arrived.iter().zip(&answer.records).filter_map(|(arrived, raw)| time(config, entity, arrived, raw));
        let greatest = times.max();
        let has_more = answer.has_more.unwrap_or(arrived.len() >= limit);
        let cursor = if has_more { page_cursor(asked, greatest, now)? } else { end_cursor(asked, greatest, now) };
        if has_more {
            let pull = Pull { given: cursor.clone(), began: asked.began };
            self.pulls.borrow_mut().insert(entity, pull);
        }
        Ok(Page {
            scope: Scope::One(entity),
            arrived,
            cursor,
            has_more,
            up_to: None,
            server_time: answer.server_time,
            epoch: answer.epoch,
            remaining: answer.remaining,
            bytes: body.len(),
        })
    }
}

/// A cursor: the time of the last whole pull (`120`), or of a page before its end and how long that pull had taken (`+119/40`).
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cursor {
    time: i64,
    took_ms: i64,
    is_end: bool,
}

impl Cursor {
    fn parse(text: &str) -> Option<Self> {
        let (time, took) = text.split_once('/').unwrap_or((text, "0"));
        Some(Self { time: time.parse().ok()?, took_ms: took.parse().ok()?, is_end: !text.starts_with('+') })
    }
}

impl Asked {
    /// How long the pull has taken. Clocks may jump, or stand still while the machine sleeps: the longer one counts.
    fn took_ms(&self, now: Now) -> i64 {
        let began = self.began.at;
        (now.wall.0.saturating_sub(began.wall.0)).max(now.mono - began.mono).max(0)
    }
}

/// One less than the greatest time: whether the backend means `>` or `>=`, no record of that time is stepped over.
fn page_cursor(asked: Asked, greatest: Option<i64>, now: Now) -> Result<String, String> {
    let next = greatest.map(|time| time - 1).filter(|next| Some(*next) > asked.since);
    let time =
        next.ok_or("its page is full and all of one time, so the next one cannot be asked for: ask for larger pages")?;
    let mut took_ms = asked.took_ms(now);
    // Under the cursor that the pull began behind, a page that was not stored would pass for one that was.
    if asked.began.behind == Some(Cursor { time, took_ms, is_end: false }) {
        took_ms += 1;
    }
    Ok(format!("{time:+}/{took_ms}"))
}

/// The greatest time, less what a pull of several pages took: what was committed late behind its first page is older than
/// the last one by that much more.
fn end_cursor(asked: Asked, greatest: Option<i64>, now: Now) -> String {
    let reached = greatest.max(asked.behind.map(|cursor| cursor.time)).unwrap_or(0);
    let took_ms = if asked.goes_on { asked.took_ms(now) } else { 0 };
    let before = asked.began.behind.filter(|cursor| cursor.is_end).map_or(0, |cursor| cursor.time);
    reached.saturating_sub(took_ms).max(before).max(0).to_string()
}

/// When the backend accepted a copy; also of one that is set aside, which must not hold the others up.
fn time(config: &Config, entity: Entity, arrived: &Arrived, raw: &RawValue) -> Option<i64> {
    match arrived {
        Arrived::Good(_, record) => record.server_updated_at.map(|time| time.0),
        Arrived::Bad(_) => {
            let names = &config.entity(entity).names;
            let value: Value = serde_json::from_str(raw.get()).ok()?;
            names.ms(value.get(&names.server_updated_at)?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    use crate::config::{EntityDeclaration, Style};
    use crate::record::Millis;
    use serde_json::json;

    const LOGS: Entity = Entity(0);
    const OVERLAP: i64 = 30;

    fn config() -> Config {
        let declared = BTreeMap::from([("logs".to_owned(), EntityDeclaration::default())]);
        Config::new(declared, Style::Resource, &|_| Err(String::new())).unwrap()
    }

    fn body(times: &[i64]) -> String {
        let record = |(place, time): (usize, &i64)| json!({"id": place.to_string(), "clientUpdatedAt": 1, "serverUpdatedAt": time});
        json!({ "records": times.iter().enumerate().map(record).collect::<Vec<_>>() }).to_string()
    }

    fn at(ms: i64) -> Now {
        Now { wall: Millis(ms), mono: ms }
    }

    /// Asks behind `cursor` with pages of two records; the time that was asked with, and the page.
    fn pull(timed: &Timed, cursor: Option<&str>, times: &[i64]) -> (Option<i64>, Result<Page, String>) {
        pull_at(timed, cursor, times, at(0))
    }

    fn pull_at(timed: &Timed, cursor: Option<&str>, times: &[i64], now: Now) -> (Option<i64>, Result<Page, String>) {
        let asked = timed.ask(LOGS, cursor, 2, OVERLAP, now);
        (asked.since, timed.page(&config(), asked, body(times).as_bytes(), now))
    }

    fn cursor(page: Result<Page, String>) -> (String, bool) {
        page.map(|page| (page.cursor, page.has_more)).unwrap()
    }

    #[test]
    fn pages_follow_each_other_and_the_next_pull_looks_back() {
        let timed = Timed::default();
        let (since, page) = pull(&timed, None, &[100, 110]);
        assert_eq!((since, cursor(page)), (None, ("+109/0".into(), true)));
        let (since, page) = pull(&timed, Some("+109/0"), &[110, 120]);
        assert_eq!((since, cursor(page)), (Some(109), ("+119/0".into(), true)));
        let (since, page) = pull(&timed, Some("+119/0"), &[120]);
        assert_eq!((since, cursor(page)), (Some(119), ("120".into(), false)));
        let (since, page) = pull(&timed, Some("120"), &[]);
        assert_eq!((since, cursor(page)), (Some(90), ("120".into(), false)));
    }

    #[test]
    fn a_pull_that_resumes_looks_back_too() {
        let timed = Timed::default();
        assert_eq!(pull(&timed, Some("+119/0"), &[]).0, Some(89), "another start");
        let (_, page) = pull(&timed, None, &[100, 110]);
        assert_eq!(cursor(page).0, "+109/0");
        let _failed = timed.ask(LOGS, Some("+109/0"), 2, OVERLAP, at(0));
        assert_eq!(timed.ask(LOGS, Some("+109/0"), 2, OVERLAP, at(0)).since, Some(79), "after a request that failed");
    }

    #[test]
    fn a_page_that_was_not_stored_does_not_pass_for_one_that_was() {
        let timed = Timed::default();
        let (since, page) = pull(&timed, Some("+119/0"), &[100, 120]);
        assert_eq!((since, cursor(page)), (Some(89), ("+119/1".into(), true)));
        assert_eq!(pull(&timed, Some("+119/0"), &[105, 120]).0, Some(89), "what was committed late is in it again");
        // A page behind it, asked for before it was stored.
        cursor(pull(&timed, Some("+119/0"), &[95, 106]).1);
        assert_eq!(cursor(pull(&timed, Some("+105/0"), &[106, 120]).1).0, "+119/1");
        assert_eq!(pull(&timed, Some("+119/0"), &[]).0, Some(89));
    }

    #[test]
    fn the_next_pull_looks_back_as_far_as_this_one_took() {
        let timed = Timed::default();
        let (_, page) = pull_at(&timed, Some("90"), &[100, 110], at(1_000));
        assert_eq!(cursor(page).0, "+109/0");
        // While the second page was on its way, a commit of 105 appeared behind the first.
        let (since, page) = pull_at(&timed, Some("+109/0"), &[110], at(1_012));
        assert_eq!((since, cursor(page).0), (Some(109), "98".into()));
        let clock_went_back = Now { wall: Millis(5), mono: 2_000 };
        cursor(pull_at(&timed, Some("98"), &[100, 110], at(1_990)).1);
        assert_eq!(cursor(pull_at(&timed, Some("+109/0"), &[110], clock_went_back).1).0, "100");
        assert_eq!(pull_at(&Timed::default(), Some("+109/40"), &[], at(0)).0, Some(39), "another start");
    }

    #[test]
    fn a_cursor_never_goes_back_and_never_below_zero() {
        let timed = Timed::default();
        assert_eq!(cursor(pull(&timed, Some("120"), &[95]).1).0, "120");
        assert_eq!(pull(&timed, Some("10"), &[]).0, Some(0));
        assert_eq!(cursor(pull(&timed, None, &[]).1), ("0".into(), false));
        assert_eq!(pull(&timed, Some("of another style"), &[]).0, None);
    }

    #[test]
    fn a_full_page_of_one_time_is_refused_and_not_stepped_over() {
        let timed = Timed::default();
        let (since, page) = pull(&timed, Some("+109/0"), &[100, 101]);
        assert_eq!((since, cursor(page).0), (Some(79), "+100/0".into()), "within the overlap it moves on from there");
        let error = pull(&timed, Some("+100/0"), &[101, 101]).1.unwrap_err();
        assert!(error.contains("larger pages"), "{error}");
    }

    #[test]
    fn an_array_alone_and_a_stated_end_are_understood() {
        let timed = Timed::default();
        let asked = timed.ask(LOGS, None, 2, OVERLAP, at(0));
        let page =
            timed.page(&config(), asked, br#" [{"id":"a","clientUpdatedAt":1,"serverUpdatedAt":7}]"#, at(0)).unwrap();
        assert_eq!((page.arrived.len(), page.cursor.as_str(), page.has_more), (1, "7", false));
        let whole = body(&[5, 6]).replace(r#"{"records""#, r#"{"hasMore":false,"records""#);
        assert!(!timed.page(&config(), asked, whole.as_bytes(), at(0)).unwrap().has_more);
        assert!(timed.page(&config(), asked, b"{}", at(0)).is_err());
    }

    #[test]
    fn a_record_that_is_set_aside_still_moves_the_time() {
        let timed = Timed::default();
        let asked = timed.ask(LOGS, None, 2, OVERLAP, at(0));
        let page = timed.page(&config(), asked, br#"[{"id":"a","serverUpdatedAt":9}]"#, at(0)).unwrap();
        assert!(matches!(page.arrived[0], Arrived::Bad(_)));
        assert_eq!(page.cursor, "9");
    }
}
