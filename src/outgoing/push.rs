//! Step 4 of 5: the answer to a pushed body, typed and sorted by record. Never sends.

use lastword_protocol::changeset::{AppliedChange, UploadResponse};
use lastword_protocol::error::RejectCode;
use lastword_protocol::push::{PushOutcome, PushResponse};

use crate::checkpoint::InFlight;
use crate::config::Config;
use crate::incoming::validate;
use crate::record::{ByKey, Key, Record, ServerMillis};

/// A typed answer to one body.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What became of each record that was answered. A record without a result is not acknowledged.
    pub results: ByKey<Fate>,
    /// The backend's clock when it answered.
    pub server_time: Option<ServerMillis>,
    /// The backend's history.
    pub epoch: Option<String>,
}

/// What became of one pushed record.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    /// The backend holds the pushed copy.
    Applied {
        /// When it accepted the copy.
        server_updated_at: Option<ServerMillis>,
        /// Its copy counter.
        version: Option<u64>,
        /// Its own id.
        server_id: Option<String>,
    },
    /// The backend holds another copy.
    Conflict(Record),
    /// The backend holds another copy, which failed validation.
    BadConflict(String),
    /// The backend refuses the pushed copy.
    Rejected {
        /// Why.
        code: RejectCode,
        /// Why, for a person.
        message: String,
    },
    /// The backend deleted the record and purged its tombstone.
    Gone,
}

/// Types an answer of resource style to `in_flight`.
///
/// # Errors
/// What is wrong with the answer as a whole; nothing of such an answer is used.
pub fn resource_answer(config: &Config, in_flight: &InFlight, body: &[u8]) -> Result<Answer, String> {
    let response: PushResponse = validate::parse(body)?;
    let entity = in_flight.entity.as_deref().and_then(|name| config.find(name)).ok_or("no such entity")?;
    let mut results = ByKey::default();
    for result in response.results {
        let key = Key { entity, id: result.id };
        let fate = match result.outcome {
            PushOutcome::Applied { server_updated_at, version, server_id } => {
                Fate::Applied { server_updated_at, version, server_id }
            }
            PushOutcome::Conflict { record } => conflict(validate::conflict_object(config, entity, &key.id, record)),
            PushOutcome::Rejected { code, message, fields, .. } => {
                Fate::Rejected { code, message: with_fields(message, &fields) }
            }
            PushOutcome::Gone => Fate::Gone,
        };
        once(&mut results, key, fate)?;
    }
    Ok(Answer { results, server_time: response.server_time, epoch: response.epoch })
}

/// Types an answer of changeset style.
///
/// # Errors
/// What is wrong with the answer as a whole; nothing of such an answer is used.
pub fn changeset_answer(config: &Config, in_flight: &InFlight, body: &[u8]) -> Result<Answer, String> {
    let response: UploadResponse = validate::parse(body)?;
    let key = |entity: &str, id: &str| config.find(entity).map(|entity| Key::new(entity, id));
    let mut results = ByKey::default();
    for applied in response.applied {
        let (key, server_updated_at, version) = match applied {
            // A bare id names every sent record that bears it: ids are made to be unique everywhere.
            AppliedChange::Id(id) => {
                for sent in in_flight.sent.iter().filter(|sent| sent.id == id) {
                    if let Some(key) = key(&sent.entity, &id) {
                        once(
                            &mut results,
                            key,
                            Fate::Applied { server_updated_at: None, version: None, server_id: None },
                        )?;
                    }
                }
                continue;
            }
            AppliedChange::Full { entity_type, id, server_updated_at, version } => {
                (key(&entity_type, &id), server_updated_at, version)
            }
        };
        if let Some(key) = key {
            once(&mut results, key, Fate::Applied { server_updated_at, version, server_id: None })?;
        }
    }
    for lost in response.conflicts {
        let Some(key) = key(&lost.entity_type, &lost.id) else { continue };
        let copy = validate::conflict_change(config, key.entity, &key.id, lost.server);
        once(&mut results, key, conflict(copy))?;
    }
    for refused in response.rejected {
        let Some(key) = key(&refused.entity_type, &refused.id) else { continue };
        let message = with_fields(refused.message, &refused.fields);
        once(&mut results, key, Fate::Rejected { code: refused.code, message })?;
    }
    for gone in response.gone {
        if let Some(key) = key(&gone.entity_type, &gone.id) {
            once(&mut results, key, Fate::Gone)?;
        }
    }
    Ok(Answer { results, server_time: Some(response.server_time), epoch: Some(response.epoch) })
}

fn once(results: &mut ByKey<Fate>, key: Key, fate: Fate) -> Result<(), String> {
    if results.insert(key.entity, key.id, fate).is_some() { Err("a record has two results".into()) } else { Ok(()) }
}

fn conflict(copy: Result<Record, String>) -> Fate {
    match copy {
        Ok(record) => Fate::Conflict(record),
        Err(reason) => Fate::BadConflict(reason),
    }
}

fn with_fields(message: String, fields: &[lastword_protocol::push::FieldError]) -> String {
    let listed = fields.iter().map(|field| format!("{} {}", field.path, field.message));
    std::iter::once(message).filter(|message| !message.is_empty()).chain(listed).collect::<Vec<_>>().join("; ")
}
