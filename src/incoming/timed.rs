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
use crate::record::{ByEntity, Entity, Scope};

/// Asks one backend by time. Remembers the last cursor it gave: the page behind it needs no overlap.
#[derive(Debug, Default)]
pub struct Timed {
    given: RefCell<ByEntity<String>>,
}

/// What a page was asked for with.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The entity.
    pub entity: Entity,
    /// The cursor of the page before.
    pub cursor: Option<&'a str>,
    /// The time it stood for.
    pub since: Option<i64>,
    /// Most records.
    pub limit: usize,
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
    pub fn ask<'a>(&self, entity: Entity, cursor: Option<&'a str>, limit: usize, overlap_ms: i64) -> Asked<'a> {
        let given = self.given.borrow_mut().remove(&entity);
        // A cursor that is no time is another style's: everything is pulled.
        let time = cursor.and_then(|cursor| cursor.parse::<i64>().ok());
        let back = if given.as_deref() == cursor { 0 } else { overlap_ms };
        Asked { entity, cursor, since: time.map(|time| time.saturating_sub(back).max(0)), limit }
    }

    /// Types an answer.
    ///
    /// # Errors
    /// What is wrong with it as a whole; nothing of it is used then.
    pub fn page(&self, config: &Config, asked: Asked<'_>, body: &[u8]) -> Result<Page, String> {
        let answer = if body.trim_ascii_start().first() == Some(&b'[') {
            let records = serde_json::from_slice(body).map_err(|error| error.to_string())?;
            Answer { records, ..Answer::default() }
        } else {
            serde_json::from_slice(body).map_err(|error| error.to_string())?
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
        let cursor = if has_more { page_cursor(asked, greatest)? } else { end_cursor(asked, greatest) };
        if has_more {
            self.given.borrow_mut().insert(entity, cursor.clone());
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

/// One less than the greatest time: whether the backend means `>` or `>=`, no record of that time is stepped over.
///
/// Its sign tells it from the cursor of a whole pull.
fn page_cursor(asked: Asked<'_>, greatest: Option<i64>) -> Result<String, String> {
    let next = greatest.map(|time| time - 1).filter(|next| Some(*next) > asked.since);
    let next =
        next.ok_or("its page is full and all of one time, so the next one cannot be asked for: ask for larger pages")?;
    Ok(format!("{next:+}"))
}

fn end_cursor(asked: Asked<'_>, greatest: Option<i64>) -> String {
    let before = asked.cursor.and_then(|cursor| cursor.parse::<i64>().ok());
    greatest.max(before).unwrap_or(0).to_string()
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

    /// Asks behind `cursor` with pages of two records; the time that was asked with, and the page.
    fn pull(timed: &Timed, cursor: Option<&str>, times: &[i64]) -> (Option<i64>, Result<Page, String>) {
        let asked = timed.ask(LOGS, cursor, 2, OVERLAP);
        (asked.since, timed.page(&config(), asked, body(times).as_bytes()))
    }

    fn cursor(page: Result<Page, String>) -> (String, bool) {
        page.map(|page| (page.cursor, page.has_more)).unwrap()
    }

    #[test]
    fn pages_follow_each_other_and_the_next_pull_looks_back() {
        let timed = Timed::default();
        let (since, page) = pull(&timed, None, &[100, 110]);
        assert_eq!((since, cursor(page)), (None, ("+109".into(), true)));
        let (since, page) = pull(&timed, Some("+109"), &[110, 120]);
        assert_eq!((since, cursor(page)), (Some(109), ("+119".into(), true)));
        let (since, page) = pull(&timed, Some("+119"), &[120]);
        assert_eq!((since, cursor(page)), (Some(119), ("120".into(), false)));
        let (since, page) = pull(&timed, Some("120"), &[]);
        assert_eq!((since, cursor(page)), (Some(90), ("120".into(), false)));
    }

    #[test]
    fn a_pull_that_resumes_looks_back_too() {
        let timed = Timed::default();
        assert_eq!(pull(&timed, Some("+119"), &[]).0, Some(89), "another start");
        let (_, page) = pull(&timed, None, &[100, 110]);
        assert_eq!(cursor(page).0, "+109");
        let _failed = timed.ask(LOGS, Some("+109"), 2, OVERLAP);
        assert_eq!(timed.ask(LOGS, Some("+109"), 2, OVERLAP).since, Some(79), "after a request that failed");
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
        let (since, page) = pull(&timed, Some("+109"), &[100, 101]);
        assert_eq!((since, cursor(page).0), (Some(79), "+100".into()), "within the overlap it moves on from there");
        let error = pull(&timed, Some("+100"), &[101, 101]).1.unwrap_err();
        assert!(error.contains("larger pages"), "{error}");
    }

    #[test]
    fn an_array_alone_and_a_stated_end_are_understood() {
        let timed = Timed::default();
        let asked = timed.ask(LOGS, None, 2, OVERLAP);
        let page = timed.page(&config(), asked, br#" [{"id":"a","clientUpdatedAt":1,"serverUpdatedAt":7}]"#).unwrap();
        assert_eq!((page.arrived.len(), page.cursor.as_str(), page.has_more), (1, "7", false));
        let whole = body(&[5, 6]).replace(r#"{"records""#, r#"{"hasMore":false,"records""#);
        assert!(!timed.page(&config(), asked, whole.as_bytes()).unwrap().has_more);
        assert!(timed.page(&config(), asked, b"{}").is_err());
    }

    #[test]
    fn a_record_that_is_set_aside_still_moves_the_time() {
        let timed = Timed::default();
        let asked = timed.ask(LOGS, None, 2, OVERLAP);
        let page = timed.page(&config(), asked, br#"[{"id":"a","serverUpdatedAt":9}]"#).unwrap();
        assert!(matches!(page.arrived[0], Arrived::Bad(_)));
        assert_eq!(page.cursor, "9");
    }
}
