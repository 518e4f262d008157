//! Typed pages and answers to the bytes they travel as, and pushed bodies back to records. Never merges.

use lastword::checkpoint::InFlight;
use lastword::config::Config;
use lastword::incoming::pull::{Arrived, Page};
use lastword::incoming::validate::{self, Quarantined};
use lastword::outgoing::push::{self, Answer, Fate};
use lastword::protocol::changeset::{
    AppliedChange, Change, ChangeKey, DownloadResponse, UploadConflict, UploadRejection, UploadRequest, UploadResponse,
};
use lastword::protocol::pull::PullResponse;
use lastword::protocol::push::{PushOutcome, PushRequest, PushResponse, PushResult};
use lastword::record::{Entity, Key, Millis, Record, Scope, ServerMillis};
use serde_json::value::{RawValue, to_raw_value};

use crate::copy;

/// A record as a page carries it: one that clients cannot use arrives as such.
pub(crate) fn arrived(entity: Entity, record: &Record) -> Arrived {
    if copy::is_poison(record) {
        let remote = serde_json::to_string(record).unwrap_or_default();
        let key = Key::new(entity, &record.id);
        let stamp = Some(record.client_updated_at);
        return Arrived::Bad(Quarantined { key, stamp, remote, reason: "poison".into(), found_at: Millis(0) });
    }
    Arrived::Good(entity, record.clone())
}

/// Device and records of a pushed body.
pub(crate) fn body(config: &Config, sent: &InFlight) -> Option<(String, Vec<(Entity, Record)>)> {
    if let Some(entity) = &sent.entity {
        let entity = config.find(entity)?;
        let request: PushRequest = serde_json::from_str(&sent.body).ok()?;
        let records: Option<Vec<_>> =
            request.records.iter().map(|raw| Some((entity, Record::parse(raw.get()).ok()?))).collect();
        return Some((request.device_id, records?));
    }
    let request: UploadRequest = serde_json::from_str(&sent.body).ok()?;
    let records: Option<Vec<_>> = request
        .changes
        .iter()
        .map(|raw| {
            let change: Change = serde_json::from_str(raw.get()).ok()?;
            Some((config.find(&change.entity_type)?, change.into_record().ok()?))
        })
        .collect();
    Some((request.device_id, records?))
}

/// A page by way of its bytes, the first `keep` of them in a thousand.
pub(crate) fn page_through_bytes(config: &Config, page: Page, keep: usize) -> Result<Page, String> {
    let raw = |arrived: &Arrived| -> Option<(Entity, Record)> {
        match arrived {
            Arrived::Good(entity, record) => Some((*entity, record.clone())),
            Arrived::Bad(bad) => Some((bad.key.entity, Record::parse(&bad.remote).ok()?)),
        }
    };
    let records = page.arrived.iter().filter_map(raw);
    let bytes = match page.scope {
        Scope::One(_) => serde_json::to_vec(&PullResponse {
            records: records.filter_map(|(_, record)| raw_value(&record)).collect(),
            cursor: page.cursor,
            has_more: page.has_more,
            up_to: page.up_to,
            server_time: page.server_time,
            epoch: page.epoch,
            remaining: page.remaining,
        }),
        Scope::All => serde_json::to_vec(&DownloadResponse {
            server_cursor: page.cursor,
            has_more: page.has_more,
            changes: records
                .filter_map(|(entity, record)| raw_value(&Change::from_record(&config.entity(entity).name, record)))
                .collect(),
            up_to: page.up_to,
            remaining: page.remaining,
            server_time: page.server_time.unwrap_or(ServerMillis(0)),
            epoch: page.epoch.unwrap_or_default(),
        }),
    };
    let bytes = cut(bytes.map_err(|error| error.to_string())?, keep);
    match page.scope {
        Scope::One(entity) => validate::resource_page(config, entity, &bytes),
        Scope::All => validate::changeset_page(config, &bytes),
    }
}

/// An answer by way of its bytes, the first `keep` of them in a thousand.
pub(crate) fn answer_through_bytes(
    config: &Config,
    sent: &InFlight,
    answer: Answer,
    poisoned: &dyn Fn(&Key) -> Option<Record>,
    keep: usize,
) -> Result<Answer, String> {
    let name = |key: &Key| config.entity(key.entity).name.clone();
    let bytes = if sent.entity.is_some() {
        let result = |(key, fate): (Key, Fate)| {
            let outcome = match fate {
                Fate::Applied { server_updated_at, version, server_id } => {
                    PushOutcome::Applied { server_updated_at, version, server_id }
                }
                Fate::Conflict(record) => PushOutcome::Conflict { record: record.into_object().into() },
                Fate::BadConflict(_) => PushOutcome::Conflict {
                    record: poisoned(&key).map(|record| record.into_object().into()).unwrap_or_default(),
                },
                Fate::Rejected { code, message } => {
                    PushOutcome::Rejected { code, message, fields: Vec::new(), reference: None }
                }
                Fate::Gone => PushOutcome::Gone,
            };
            PushResult { id: key.id, outcome }
        };
        serde_json::to_vec(&PushResponse {
            results: answer.results.into_iter().map(result).collect(),
            server_time: answer.server_time,
            epoch: answer.epoch,
        })
    } else {
        let mut response = UploadResponse {
            server_cursor: "head".into(),
            applied: Vec::new(),
            conflicts: Vec::new(),
            rejected: Vec::new(),
            gone: Vec::new(),
            server_time: answer.server_time.unwrap_or(ServerMillis(0)),
            epoch: answer.epoch.unwrap_or_default(),
        };
        for (key, fate) in answer.results {
            let (entity_type, id) = (name(&key), key.id.clone());
            match fate {
                Fate::Applied { server_updated_at, version, .. } => {
                    response.applied.push(AppliedChange::Full { entity_type, id, server_updated_at, version });
                }
                Fate::Conflict(record) => {
                    let server = Change::from_record(&entity_type, record);
                    response.conflicts.push(UploadConflict { entity_type, id, server });
                }
                Fate::BadConflict(_) => {
                    if let Some(record) = poisoned(&key) {
                        let server = Change::from_record(&entity_type, record);
                        response.conflicts.push(UploadConflict { entity_type, id, server });
                    }
                }
                Fate::Rejected { code, message } => {
                    response.rejected.push(UploadRejection { entity_type, id, code, message, fields: Vec::new() });
                }
                Fate::Gone => response.gone.push(ChangeKey { entity_type, id }),
            }
        }
        serde_json::to_vec(&response)
    };
    let bytes = cut(bytes.map_err(|error| error.to_string())?, keep);
    if sent.entity.is_some() {
        push::resource_answer(config, sent, &bytes)
    } else {
        push::changeset_answer(config, sent, &bytes)
    }
}

fn raw_value<T: serde::Serialize>(value: &T) -> Option<Box<RawValue>> {
    to_raw_value(value).ok()
}

fn cut(mut bytes: Vec<u8>, keep: usize) -> Vec<u8> {
    bytes.truncate(bytes.len() * keep / 1000);
    bytes
}
