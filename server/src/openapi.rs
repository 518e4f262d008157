//! The OpenAPI document of a server: generated from the types, with a path for each entity. Never served stale.

use lastword_protocol::limits::BATCH_RECORDS_MAX;
use lastword_protocol::{changeset, error, pull, push, record};
use serde_json::{Map, Value, json};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::entities::Entities;
use crate::routes::{changeset as changeset_routes, events, health, resource, status};

#[derive(OpenApi)]
#[openapi(
    info(title = "lastword-server", description = "Keeps replicas and backend the same. The normative text is docs/protocol.md."),
    paths(
        resource::pull,
        resource::push,
        changeset_routes::upload,
        changeset_routes::download,
        status::status,
        events::events,
        health::health,
        health::ready,
    ),
    components(schemas(
        changeset::Change, error::ErrorBody, pull::PullResponse, push::PushRequest, push::PushResponse,
        record::SyncHint, record::OnConflict,
    )),
    modifiers(&Bearer),
)]
struct Document;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let key = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An API key, or a token")).build();
        document.components.get_or_insert_default().add_security_scheme("bearer", SecurityScheme::Http(key));
    }
}

/// The document of a server with these entities.
#[must_use]
pub fn document(entities: &Entities) -> Value {
    let mut document = serde_json::to_value(Document::openapi()).unwrap_or_default();
    // It goes with every answer that is not a success, of every path.
    for operations in members(&mut document["paths"]) {
        for operation in members(operations) {
            add_errors(operation);
            let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
            parameters.into_iter().flatten().for_each(absent_not_null);
        }
    }
    add_record(&mut document["components"]["schemas"]);
    let (mut paths, schemas) = (document["paths"].take(), &mut document["components"]["schemas"]);
    let templates = paths.as_object_mut().map(|paths| (paths.remove(PULL_TEMPLATE), paths.remove(PUSH_TEMPLATE)));
    if let Some((Some(pull), Some(push))) = templates {
        for (name, entity) in entities.iter() {
            paths[&entity.path] = for_entity(&pull, name);
            paths[&format!("{}/batch", entity.path)] = for_entity(&push, name);
            schemas[name] = entity.declared.clone().unwrap_or_else(|| json!({ "type": "object" }));
        }
    }
    document["paths"] = paths;
    document
}

fn for_entity(template: &Value, name: &str) -> Value {
    let mut item = template.clone();
    for operation in members(&mut item) {
        operation["tags"] = json!([name]);
        let id = operation["operationId"].as_str().map(|id| format!("{id}_{}", name.replace('-', "_")));
        operation["operationId"] = json!(id);
    }
    item
}

fn members(object: &mut Value) -> impl Iterator<Item = &mut Value> {
    object.as_object_mut().into_iter().flat_map(Map::values_mut)
}

fn add_errors(operation: &mut Value) {
    operation["responses"]["default"] = json!({
        "description": "Any error, in the one shape of all errors",
        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/ErrorBody" } } },
    });
}

/// A parameter that may be absent is not one that may be the word null.
fn absent_not_null(parameter: &mut Value) {
    let Some(kind) = parameter.pointer_mut("/schema/type") else { return };
    if let Some(named) = kind.as_array().and_then(|kinds| kinds.iter().find(|kind| *kind != "null")) {
        *kind = named.clone();
    }
}

/// The flat record, which the types hold unparsed, and the places where it stands.
fn add_record(schemas: &mut Value) {
    let time = json!({ "type": "integer", "minimum": 0, "maximum": lastword_protocol::time::TIME_MAX_MS });
    schemas["Record"] = json!({
        "type": "object",
        "description": "One copy of a record: the fields of sync, and the app's own fields beside them. A copy with isDeleted is a tombstone. The app's fields are checked against the entity's schema; a record that fails is refused alone.",
        "required": ["id", "clientUpdatedAt"],
        "properties": {
            "id": { "type": "string", "minLength": 1, "maxLength": 128 },
            "clientCreatedAt": time,
            "clientUpdatedAt": time,
            "isDeleted": { "type": "boolean" },
            "serverUpdatedAt": time,
            "serverId": { "type": "string" },
            "version": { "type": "integer", "minimum": 0 },
            "_sync": { "$ref": "#/components/schemas/SyncHint" },
        },
    });
    for kind in ["Stamp", "ServerMillis"] {
        schemas[kind]["minimum"] = json!(0);
        schemas[kind]["maximum"] = json!(lastword_protocol::time::TIME_MAX_MS);
    }
    schemas["PushRequest"]["properties"]["records"]["maxItems"] = json!(BATCH_RECORDS_MAX);
    schemas["UploadRequest"]["properties"]["changes"]["maxItems"] = json!(BATCH_RECORDS_MAX);
    let (record, change) =
        (json!({ "$ref": "#/components/schemas/Record" }), json!({ "$ref": "#/components/schemas/Change" }));
    schemas["PullResponse"]["properties"]["records"]["items"] = record.clone();
    schemas["PushRequest"]["properties"]["records"]["items"] = record;
    schemas["UploadRequest"]["properties"]["changes"]["items"] = change.clone();
    schemas["DownloadResponse"]["properties"]["changes"]["items"] = change;
}

const PULL_TEMPLATE: &str = "/api/v1/{entity}";
const PUSH_TEMPLATE: &str = "/api/v1/{entity}/batch";
