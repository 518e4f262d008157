//! Step 2 of 4: wire page to typed page; a bad record is set aside with its reason and the page goes on. Never merges.

use lastword_protocol::changeset::{Change, DownloadResponse};
use lastword_protocol::json;
use lastword_protocol::limits::{CURSOR_BYTES_MAX, PAGE_RECORDS_MAX, PAYLOAD_BYTES_MAX};
use lastword_protocol::pull::PullResponse;
use lastword_protocol::record::{Record, RecordError, is_id};
use lastword_protocol::strict;
use serde_json::value::RawValue;

use super::pull::{Arrived, Page};
use crate::config::Config;
use crate::mapping::FieldNames;
use crate::record::{Entity, Key, Millis, Scope, Stamp};

/// A remote copy that failed validation, kept for the app to see.
#[derive(Clone, Debug, PartialEq)]
pub struct Quarantined {
    /// The record; the id is empty where the copy has no usable one.
    pub key: Key,
    /// Its stamp, where it has a usable one.
    pub stamp: Option<Stamp>,
    /// The copy as received, cut to [`QUARANTINED_BYTES_MAX`].
    pub remote: String,
    /// Why it was set aside.
    pub reason: String,
    /// When.
    pub found_at: Millis,
}

/// Types a page of resource style.
///
/// # Errors
/// What is wrong with the page as a whole; nothing of such a page is used.
pub fn resource_page(config: &Config, entity: Entity, body: &[u8]) -> Result<Page, String> {
    let response: PullResponse = parse(body)?;
    bounded(&response.cursor, response.records.len())?;
    Ok(Page {
        scope: Scope::One(entity),
        arrived: response.records.iter().map(|raw| resource_record(config, entity, raw)).collect(),
        cursor: response.cursor,
        has_more: response.has_more,
        up_to: response.up_to,
        server_time: response.server_time,
        epoch: response.epoch,
        remaining: response.remaining,
        bytes: body.len(),
    })
}

/// Types a page of changeset style.
///
/// # Errors
/// What is wrong with the page as a whole; nothing of such a page is used.
pub fn changeset_page(config: &Config, body: &[u8]) -> Result<Page, String> {
    let response: DownloadResponse = parse(body)?;
    bounded(&response.server_cursor, response.changes.len())?;
    Ok(Page {
        scope: Scope::All,
        arrived: response.changes.iter().filter_map(|raw| change(config, raw)).collect(),
        cursor: response.server_cursor,
        has_more: response.has_more,
        up_to: response.up_to,
        server_time: Some(response.server_time),
        epoch: Some(response.epoch),
        remaining: response.remaining,
        bytes: body.len(),
    })
}

/// Types the copy that came with a `conflict` answer of resource style.
///
/// # Errors
/// Why the copy cannot be used.
pub fn conflict_object(config: &Config, entity: Entity, id: &str, copy: serde_json::Value) -> Result<Record, String> {
    let object = strict::deserialize_object(copy).map_err(|error| error.to_string())?;
    of_record(id, checked(config, entity, config.entity(entity).names.record(object)?)?)
}

/// Types the copy that came with a `conflict` answer of changeset style.
///
/// # Errors
/// Why the copy cannot be used.
pub fn conflict_change(config: &Config, entity: Entity, id: &str, copy: Change) -> Result<Record, String> {
    of_record(id, changed(config, entity, copy)?)
}

fn of_record(id: &str, copy: Record) -> Result<Record, String> {
    if copy.id == id { Ok(copy) } else { Err("the copy has another id".into()) }
}

/// One change of a changeset. One of an entity that is not declared here is passed over: it is not ours to keep.
fn change(config: &Config, raw: &RawValue) -> Option<Arrived> {
    let change: Change = match json::from_str(raw.get()) {
        Ok(change) => change,
        Err(error) => {
            return Some(Arrived::Bad(quarantined(
                Entity(0),
                raw,
                (FieldNames::default().id_of(raw.get()), None),
                error.to_string(),
            )));
        }
    };
    let entity = config.find(&change.entity_type)?;
    let named = (Some(change.id.clone()).filter(|id| is_id(id)), Some(change.updated_at));
    let bytes = raw.get().len();
    let typed = if bytes > PAYLOAD_BYTES_MAX {
        Err(RecordError::TooLarge { bytes }.to_string())
    } else {
        changed(config, entity, change)
    };
    Some(match typed {
        Ok(record) => Arrived::Good(entity, record),
        Err(reason) => Arrived::Bad(quarantined(entity, raw, named, reason)),
    })
}

/// The record of a change, held to the same rules as one that stands by itself: what is in `data` may be anything.
fn changed(config: &Config, entity: Entity, change: Change) -> Result<Record, String> {
    let object = change.into_record().map_err(|error| error.to_string())?.into_object();
    let object = strict::deserialize_object(serde_json::Value::from(object)).map_err(|error| error.to_string())?;
    checked(config, entity, Record::from_object(object).map_err(|error| error.to_string())?)
}

/// One record of resource style, in the app's own names.
pub(super) fn resource_record(config: &Config, entity: Entity, raw: &RawValue) -> Arrived {
    let names = &config.entity(entity).names;
    match names.parse(raw.get()).and_then(|record| checked(config, entity, record)) {
        Ok(record) => Arrived::Good(entity, record),
        Err(reason) => {
            Arrived::Bad(quarantined(entity, raw, (names.id_of(raw.get()), names.stamp_of(raw.get())), reason))
        }
    }
}

/// Checks a live record against its entity's schema; a tombstone's fields may be absent.
fn checked(config: &Config, entity: Entity, mut record: Record) -> Result<Record, String> {
    record.sync = None;
    config.entity(entity).check(&record)?;
    Ok(record)
}

fn quarantined(
    entity: Entity,
    raw: &RawValue,
    (id, stamp): (Option<String>, Option<Stamp>),
    reason: String,
) -> Quarantined {
    let key = Key { entity, id: id.unwrap_or_default() };
    let text = raw.get();
    let cut = (0..=QUARANTINED_BYTES_MAX.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    Quarantined { key, stamp, remote: text[..cut].to_owned(), reason, found_at: Millis(0) }
}

/// Types a body.
pub(crate) fn parse<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let text = std::str::from_utf8(body).map_err(|error| error.to_string())?;
    json::from_str(text).map_err(|error| error.to_string())
}

fn bounded(cursor: &str, records: usize) -> Result<(), String> {
    if cursor.is_empty() || cursor.len() > CURSOR_BYTES_MAX {
        return Err(format!("a cursor must have 1 to {CURSOR_BYTES_MAX} bytes"));
    }
    if records > PAGE_RECORDS_MAX {
        return Err(format!("{records} records in a page; at most {PAGE_RECORDS_MAX}"));
    }
    Ok(())
}

/// Longest quarantined copy that is kept.
pub const QUARANTINED_BYTES_MAX: usize = 16 * 1024;
