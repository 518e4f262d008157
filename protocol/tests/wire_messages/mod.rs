//! One literal of each message, with every field and every variant. Never uses `..` or `_`: a new one must be added here.

use std::fs;
use std::iter::successors;
use std::path::Path;

use lastword_protocol::changeset::{
    AppliedChange, Change, ChangeKey, DownloadRequest, DownloadResponse, UploadConflict, UploadRejection,
    UploadRequest, UploadResponse,
};
use lastword_protocol::error::{ErrorBody, ErrorCode, RejectCode, WireError};
use lastword_protocol::pull::PullResponse;
use lastword_protocol::push::{FieldError, PushOutcome, PushRequest, PushResponse, PushResult, Reference};
use lastword_protocol::record::{Fields, OnConflict, Record, SyncHint};
use lastword_protocol::time::{ServerMillis, Stamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// A message, as its fixture has it and as its type writes it.
pub(crate) struct Message {
    pub(crate) name: &'static str,
    pub(crate) fixture: Value,
    pub(crate) written: Value,
    /// Reads the message and writes it again.
    pub(crate) parse: fn(&Value) -> Result<Value, serde_json::Error>,
}

pub(crate) fn messages() -> Vec<Message> {
    vec![
        message("record", &record()),
        message("pull_response", &pull_response()),
        message(
            "push_request",
            &PushRequest { device_id: DEVICE.into(), records: vec![raw(&record()), raw(&tombstone())] },
        ),
        message("push_response", &push_response()),
        message("upload_request", &upload_request()),
        message("upload_response", &upload_response()),
        message("download_request", &download_request()),
        message("download_response", &download_response()),
        message("error", &error()),
        message("error_codes", &successors(Some(ErrorCode::BadRequest), |code| next_error(*code)).collect::<Vec<_>>()),
        message("reject_codes", &successors(Some(RejectCode::Invalid), |code| next_reject(*code)).collect::<Vec<_>>()),
    ]
}

fn message<T: Serialize + DeserializeOwned>(name: &'static str, message: &T) -> Message {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wire").join(name).with_extension("json");
    Message {
        name,
        fixture: serde_json::from_str(&fs::read_to_string(file).unwrap_or_default()).unwrap_or_default(),
        written: serde_json::to_value(message).unwrap(),
        // Through text, because records stay unparsed text.
        parse: |value| serde_json::to_value(serde_json::from_str::<T>(&value.to_string())?),
    }
}

fn record() -> Record {
    Record {
        id: "0b9f4e0e-2f53-4f0c-8a3f-5d1f3c1a7b21".into(),
        client_created_at: Stamp(1_763_690_000_000),
        client_updated_at: Stamp(1_763_690_100_000),
        is_deleted: false,
        server_updated_at: Some(ServerMillis(1_763_690_100_250)),
        server_id: Some("workout-17".into()),
        version: Some(3),
        sync: Some(SyncHint {
            known: true,
            replaces: Some(Stamp(1_763_690_050_000)),
            on_conflict: Some(OnConflict::Manual),
        }),
        fields: fields(json!({"name": "Legs 💪", "sets": [{"reps": 5, "weight": 102.5}], "notes": null})),
    }
}

fn tombstone() -> Value {
    json!({"id": "r2", "clientCreatedAt": 1, "clientUpdatedAt": 2, "isDeleted": true})
}

fn pull_response() -> PullResponse {
    PullResponse {
        records: vec![raw(&record()), raw(&tombstone())],
        cursor: "opaque".into(),
        has_more: true,
        up_to: Some(ServerMillis(1_763_690_100_250)),
        server_time: Some(ServerMillis(1_763_690_200_000)),
        epoch: Some("e1".into()),
        remaining: Some(1234),
    }
}

fn push_response() -> PushResponse {
    let outcomes = successors(Some(first_outcome()), next_outcome);
    PushResponse {
        results: outcomes.enumerate().map(|(at, outcome)| PushResult { id: format!("r{at}"), outcome }).collect(),
        server_time: Some(ServerMillis(1_763_690_200_000)),
        epoch: Some("e1".into()),
    }
}

fn first_outcome() -> PushOutcome {
    PushOutcome::Applied {
        server_updated_at: Some(ServerMillis(1_763_690_200_000)),
        version: Some(3),
        server_id: Some("workout-17".into()),
    }
}

fn next_outcome(outcome: &PushOutcome) -> Option<PushOutcome> {
    match outcome {
        PushOutcome::Applied { server_updated_at: _, version: _, server_id: _ } => {
            Some(PushOutcome::Conflict { record: serde_json::to_value(record()).unwrap() })
        }
        PushOutcome::Conflict { record: _ } => Some(PushOutcome::Rejected {
            code: RejectCode::MissingReference,
            message: "its program is not here".into(),
            fields: vec![field_error()],
            reference: Some(Reference { entity: "programs".into(), id: "p1".into() }),
        }),
        PushOutcome::Rejected { code: _, message: _, fields: _, reference: _ } => Some(PushOutcome::Gone),
        PushOutcome::Gone => None,
    }
}

fn field_error() -> FieldError {
    FieldError { path: "/sets/0/reps".into(), message: "must be at least 1".into() }
}

fn change() -> Change {
    Change {
        entity_type: "workout-logs".into(),
        id: "0b9f4e0e-2f53-4f0c-8a3f-5d1f3c1a7b21".into(),
        data: Some(fields(
            json!({"clientCreatedAt": 1_763_690_000_000_i64, "name": "Legs", "serverId": "workout-17", "version": 3}),
        )),
        updated_at: Stamp(1_763_690_100_000),
        deleted: false,
        server_updated_at: Some(ServerMillis(1_763_690_100_250)),
        sync: Some(SyncHint {
            known: true,
            replaces: Some(Stamp(1_763_690_050_000)),
            on_conflict: Some(OnConflict::Manual),
        }),
    }
}

fn bare_tombstone() -> Value {
    json!({"entity_type": "workout-logs", "id": "r2", "data": null, "updated_at": 2, "deleted": true})
}

fn upload_request() -> UploadRequest {
    UploadRequest {
        device_id: DEVICE.into(),
        changes: vec![raw(&change()), raw(&bare_tombstone())],
        client_cursor: Some("opaque".into()),
    }
}

fn upload_response() -> UploadResponse {
    let (entity_type, id) = ("workout-logs".to_owned(), "r3".to_owned());
    UploadResponse {
        server_cursor: "opaque".into(),
        applied: successors(Some(AppliedChange::Id("r1".into())), next_applied).collect(),
        conflicts: vec![UploadConflict { entity_type: entity_type.clone(), id: id.clone(), server: change() }],
        rejected: vec![UploadRejection {
            entity_type: entity_type.clone(),
            id: id.clone(),
            code: RejectCode::Invalid,
            message: "does not match its schema".into(),
            fields: vec![field_error()],
        }],
        gone: vec![ChangeKey { entity_type, id }],
        server_time: ServerMillis(1_763_690_200_000),
        epoch: "e1".into(),
    }
}

fn next_applied(applied: &AppliedChange) -> Option<AppliedChange> {
    match applied {
        AppliedChange::Id(_) => Some(AppliedChange::Full {
            entity_type: "workout-logs".into(),
            id: "r2".into(),
            server_updated_at: Some(ServerMillis(1_763_690_200_000)),
            version: Some(3),
        }),
        AppliedChange::Full { entity_type: _, id: _, server_updated_at: _, version: _ } => None,
    }
}

fn download_request() -> DownloadRequest {
    DownloadRequest { device_id: DEVICE.into(), since: Some("opaque".into()), limit: Some(1000) }
}

fn download_response() -> DownloadResponse {
    DownloadResponse {
        server_cursor: "opaque".into(),
        has_more: true,
        changes: vec![raw(&change()), raw(&bare_tombstone())],
        up_to: Some(ServerMillis(1_763_690_100_250)),
        remaining: Some(1234),
        server_time: ServerMillis(1_763_690_200_000),
        epoch: "e1".into(),
    }
}

fn error() -> ErrorBody {
    ErrorBody {
        error: WireError {
            code: ErrorCode::EpochChanged,
            message: "the cursor is of another history".into(),
            retryable: false,
            retry_after_ms: Some(2000),
            details: Some(json!({"epoch": "e2"})),
        },
    }
}

fn next_error(code: ErrorCode) -> Option<ErrorCode> {
    match code {
        ErrorCode::BadRequest => Some(ErrorCode::Unauthorized),
        ErrorCode::Unauthorized => Some(ErrorCode::Forbidden),
        ErrorCode::Forbidden => Some(ErrorCode::NotFound),
        ErrorCode::NotFound => Some(ErrorCode::MethodNotAllowed),
        ErrorCode::MethodNotAllowed => Some(ErrorCode::RequestTimeout),
        ErrorCode::RequestTimeout => Some(ErrorCode::EpochChanged),
        ErrorCode::EpochChanged => Some(ErrorCode::CursorExpired),
        ErrorCode::CursorExpired => Some(ErrorCode::TooLarge),
        ErrorCode::TooLarge => Some(ErrorCode::UnsupportedMediaType),
        ErrorCode::UnsupportedMediaType => Some(ErrorCode::KeyReused),
        ErrorCode::KeyReused => Some(ErrorCode::Invalid),
        ErrorCode::Invalid => Some(ErrorCode::UpgradeRequired),
        ErrorCode::UpgradeRequired => Some(ErrorCode::RateLimited),
        ErrorCode::RateLimited => Some(ErrorCode::Internal),
        ErrorCode::Internal => Some(ErrorCode::Unavailable),
        ErrorCode::Unavailable => Some(ErrorCode::Other),
        ErrorCode::Other => None,
    }
}

fn next_reject(code: RejectCode) -> Option<RejectCode> {
    match code {
        RejectCode::Invalid => Some(RejectCode::MissingReference),
        RejectCode::MissingReference => Some(RejectCode::ClockSkew),
        RejectCode::ClockSkew => Some(RejectCode::Forbidden),
        RejectCode::Forbidden => Some(RejectCode::TooLarge),
        RejectCode::TooLarge => Some(RejectCode::UnknownEntity),
        RejectCode::UnknownEntity => Some(RejectCode::DuplicateId),
        RejectCode::DuplicateId => Some(RejectCode::Other),
        RejectCode::Other => None,
    }
}

fn raw(value: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap()
}

fn fields(value: Value) -> Fields {
    value.as_object().cloned().unwrap()
}

const DEVICE: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
