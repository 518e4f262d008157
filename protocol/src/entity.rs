//! The declaration of an entity, the same for client and backend. Never holds records.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The entity file: what the backend serves and what a client syncs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntityFile {
    /// The entities, by name.
    pub entities: BTreeMap<String, EntityDef>,
}

/// One entity.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct EntityDef {
    /// Path of the resource endpoints, from the base URL. `/api/v1/{name}` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// JSON Schema (2020-12 subset) of the app's fields. Any object when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// Fields that name a record of another entity: field to entity.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub references: BTreeMap<String, String>,
}

impl EntityDef {
    /// The path of this entity's resource endpoints.
    #[must_use]
    pub fn path_or_default(&self, name: &str) -> String {
        self.path.clone().unwrap_or_else(|| format!("/api/v1/{name}"))
    }
}
