//! What an app declares, checked once at start: entities in reference order, the backend's style, limits. Never changes.

use std::collections::BTreeMap;

use lastword_protocol::entity::EntityDef;
use lastword_protocol::limits;
use lastword_protocol::record::is_entity;
use lastword_protocol::schema::{PatternCompiler, Schema};
use serde::Deserialize;

use crate::error::Error;
use crate::mapping::FieldNames;
use crate::record::{Entity, Fields, Record, Scope};

/// A checked configuration.
pub struct Config {
    /// The entities, parents before the entities that refer to them.
    pub entities: Vec<EntityConfig>,
    /// How the backend speaks.
    pub style: Style,
    /// What the backend is asked with. A time only in resource style.
    pub since: Since,
    /// True to send large bodies as gzip. Only for a backend that takes them.
    pub gzip: bool,
    /// Most records in a batch.
    pub batch_records: usize,
    /// Failed tries of one record before it becomes a dead letter.
    pub tries_max: u32,
    /// Most encoded bytes in a batch.
    pub batch_bytes: usize,
    /// Records asked for in a page.
    pub page_records: usize,
    /// Time between cycles when nothing happens, in milliseconds.
    pub interval_ms: i64,
    /// Time from an edit to the cycle it starts, in milliseconds.
    pub debounce_ms: i64,
    /// True to spread retries over the whole delay (full jitter).
    pub jitter: bool,
}

/// One entity of a [`Config`].
pub struct EntityConfig {
    /// Its name, on the wire and in the outbox.
    pub name: String,
    /// Path of its resource endpoints.
    pub path: String,
    /// Path that takes its pushes.
    pub push_path: String,
    /// Query parameters of every request for it.
    pub query: Vec<(String, String)>,
    /// What the app's rows and its backend call the sync fields.
    pub names: FieldNames,
    /// Checks the fields of its live records.
    pub schema: Option<Schema>,
    /// Checks them against the app's own type; none where it has no such type.
    pub accepts: Option<Accepts>,
    /// Fields that name a record of another entity.
    pub references: Vec<(String, Entity)>,
    /// How local edits are found.
    pub detect: Detect,
    /// Who decides when both sides changed a record.
    pub policy: Policy,
    /// True when an acknowledged row must show the backend's fields (`serverId`, `serverUpdatedAt`, `version`).
    pub write_back: bool,
}

/// Says why fields are not of the app's own type, if they are not.
pub type Accepts = fn(&Fields) -> Result<(), String>;

/// How local edits are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Detect {
    /// Every write goes through us or the add-on, and marks itself in the same transaction.
    #[default]
    Exact,
    /// The app writes rows by itself: scan by `clientUpdatedAt` and compare contents.
    Scan,
}

/// Who decides when both sides changed a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Policy {
    /// The merge order.
    #[default]
    LastWriteWins,
    /// The user.
    Manual,
}

/// How the backend speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// A `GET` and a batch `POST` for each entity; a cursor for each.
    #[default]
    Resource,
    /// One upload and one download for all; one cursor.
    Changeset,
}

/// What a pull of resource style is asked with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Since {
    /// The cursor of the answer before.
    #[default]
    Cursor,
    /// The greatest `serverUpdatedAt` of the answers before, for a backend that gives no cursors.
    Time {
        /// How far each pull looks back behind it, in milliseconds.
        overlap_ms: i64,
    },
}

/// One entity as declared, before checking.
#[derive(Clone, Debug, Default)]
pub struct EntityDeclaration {
    /// What client and backend share.
    pub def: EntityDef,
    /// Checks them against the app's own type; none where it has no such type.
    pub accepts: Option<Accepts>,
    /// What the app's rows and its backend call the sync fields.
    pub names: FieldNames,
    /// Path that takes its pushes. Its path and `/batch` when absent.
    pub push_path: Option<String>,
    /// Query parameters of every request for it.
    pub query: BTreeMap<String, String>,
    /// How local edits are found.
    pub detect: Detect,
    /// Who decides when both sides changed a record.
    pub policy: Policy,
    /// True when an acknowledged row must show the backend's fields.
    pub write_back: bool,
}

impl EntityConfig {
    /// Checks a copy against the schema and the app's own type; a tombstone's fields may be absent.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, record: &Record) -> Result<(), String> {
        if record.is_deleted {
            return Ok(());
        }
        let faults = self.schema.as_ref().map(|schema| schema.check(&record.fields)).unwrap_or_default();
        if !faults.is_empty() {
            let listed: Vec<String> = faults.iter().map(|fault| format!("{} {}", fault.path, fault.message)).collect();
            return Err(listed.join("; "));
        }
        self.accepts.map_or(Ok(()), |accepts| accepts(&record.fields))
    }
}

impl Config {
    /// Checks the declared entities and orders them by their references.
    ///
    /// # Errors
    /// [`Error::Config`] with one sentence that says what to change.
    pub fn new(
        declared: impl IntoIterator<Item = (String, EntityDeclaration)>,
        style: Style,
        patterns: PatternCompiler<'_>,
    ) -> Result<Self, Error> {
        let declared: Vec<(String, EntityDeclaration)> = declared.into_iter().collect();
        if declared.is_empty() {
            return Err(config("declare at least one entity"));
        }
        for (name, declaration) in &declared {
            if !is_entity(name) {
                return Err(config(format!("entity name `{name}` must match [a-z][a-z0-9_-]{{0,63}}")));
            }
            for (field, parent) in &declaration.def.references {
                if declared.iter().all(|(other, _)| other != parent) {
                    return Err(config(format!(
                        "entity `{name}` refers to `{parent}` by field `{field}`, but `{parent}` is not declared"
                    )));
                }
            }
        }
        let ordered = parents_first(&declared);
        let place =
            |name: &str| ordered.iter().position(|(other, _)| other == name).map(entity_at).unwrap_or(Entity(0));
        let mut entities = Vec::with_capacity(ordered.len());
        for (name, declaration) in &ordered {
            let refused = |message: String| config(format!("entity `{name}`: {message}"));
            declaration.names.check().map_err(refused)?;
            let sync_fields: Vec<&str> = declaration.names.own().collect();
            let schema = match &declaration.def.schema {
                None => None,
                Some(schema) => Some(
                    Schema::compile_mapped(schema, &sync_fields, patterns)
                        .map_err(|error| refused(error.to_string()))?,
                ),
            };
            let path = declaration.def.path_or_default(name);
            let push_path = declaration.push_path.clone().unwrap_or_else(|| format!("{path}/batch"));
            if let Some(bad) = [&path, &push_path].into_iter().find(|path| !is_path(path)) {
                return Err(refused(format!("path `{bad}` must begin with `/` and have no `?` or `#`")));
            }
            entities.push(EntityConfig {
                name: name.clone(),
                path,
                push_path,
                query: declaration.query.clone().into_iter().collect(),
                names: declaration.names.clone(),
                schema,
                accepts: declaration.accepts,
                references: declaration.def.references.iter().map(|(f, parent)| (f.clone(), place(parent))).collect(),
                detect: declaration.detect,
                policy: declaration.policy,
                write_back: declaration.write_back,
            });
        }
        Ok(Self {
            entities,
            style,
            since: Since::Cursor,
            gzip: false,
            batch_records: limits::BATCH_RECORDS,
            batch_bytes: limits::BATCH_BYTES,
            page_records: limits::PAGE_RECORDS,
            interval_ms: INTERVAL_MS,
            debounce_ms: DEBOUNCE_MS,
            jitter: false,
            tries_max: TRIES,
        })
    }

    /// The configuration of `entity`.
    ///
    /// # Panics
    /// Never for an [`Entity`] of this configuration, and there are no others.
    #[must_use]
    pub fn entity(&self, entity: Entity) -> &EntityConfig {
        &self.entities[usize::from(entity.0)]
    }

    /// The entity called `name`.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Entity> {
        self.entities.iter().position(|entity| entity.name == name).map(entity_at)
    }

    /// Every entity, parents first.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = Entity> + use<> {
        (0..self.entities.len()).map(entity_at)
    }

    /// The scopes that are pulled, parents first.
    #[must_use]
    pub fn scopes(&self) -> Vec<Scope> {
        match self.style {
            Style::Resource => self.all().map(Scope::One).collect(),
            Style::Changeset => vec![Scope::All],
        }
    }

    /// The entities that `scope` covers, parents first.
    #[must_use]
    pub fn entities_of(&self, scope: Scope) -> Vec<Entity> {
        match scope {
            Scope::One(entity) => vec![entity],
            Scope::All => self.all().collect(),
        }
    }

    /// The scope that covers `entity`.
    #[must_use]
    pub fn scope_of(&self, entity: Entity) -> Scope {
        match self.style {
            Style::Resource => Scope::One(entity),
            Style::Changeset => Scope::All,
        }
    }

    /// The scope's name in the store and in messages.
    #[must_use]
    pub fn scope_name(&self, scope: Scope) -> &str {
        match scope {
            Scope::One(entity) => &self.entity(entity).name,
            Scope::All => "*",
        }
    }
}

/// Each after those it refers to; in a cycle of references, as they were declared.
fn parents_first(declared: &[(String, EntityDeclaration)]) -> Vec<&(String, EntityDeclaration)> {
    let mut waiting: Vec<&(String, EntityDeclaration)> = declared.iter().collect();
    let mut ordered = Vec::with_capacity(declared.len());
    while !waiting.is_empty() {
        let waits = |parent: &String| waiting.iter().any(|(name, _)| name == parent);
        let ready = |(name, declaration): &&(String, EntityDeclaration)| {
            declaration.def.references.values().all(|parent| parent == name || !waits(parent))
        };
        let next = waiting.iter().position(ready).unwrap_or(0);
        ordered.push(waiting.remove(next));
    }
    ordered
}

fn is_path(path: &str) -> bool {
    path.starts_with('/') && !path.contains(['?', '#'])
}

fn entity_at(index: usize) -> Entity {
    Entity(u16::try_from(index).unwrap_or(u16::MAX))
}

fn config(message: impl Into<String>) -> Error {
    Error::Config { message: message.into() }
}

/// Failed tries of one record before it becomes a dead letter.
pub const TRIES: u32 = 10;
/// No body is cut smaller than this by its bytes, nor may an app ask for it: below, it is mostly its frame. One record may be
/// all of it.
pub const BATCH_BYTES_MIN: usize = 4_096;
/// Time between cycles when nothing happens.
pub const INTERVAL_MS: i64 = 30_000;
/// Time from an edit to the cycle it starts.
pub const DEBOUNCE_MS: i64 = 500;

#[cfg(test)]
mod tests {
    use super::*;

    fn declare(entities: &[(&str, &[&str])]) -> Result<Config, Error> {
        let declared = entities.iter().map(|(name, parents)| {
            let references = parents.iter().map(|parent| (format!("{parent}Id"), (*parent).to_owned())).collect();
            let def = EntityDef { references, ..EntityDef::default() };
            ((*name).to_owned(), EntityDeclaration { def, ..EntityDeclaration::default() })
        });
        Config::new(declared, Style::Resource, &|_| Err("no patterns here".into()))
    }

    #[test]
    fn parents_come_first() {
        let config = declare(&[("a", &["b", "a"]), ("b", &["c"]), ("c", &[])]).unwrap();
        let names: Vec<&str> = config.entities.iter().map(|entity| entity.name.as_str()).collect();
        assert_eq!(names, ["c", "b", "a"]);
    }

    #[test]
    fn a_cycle_of_references_still_has_an_order() {
        assert_eq!(declare(&[("a", &["b"]), ("b", &["a"])]).unwrap().entities.len(), 2);
    }

    #[test]
    fn paths_are_an_entitys_own() {
        let path = |path: Option<&str>, push_path: Option<&str>| {
            let def = EntityDef { path: path.map(str::to_owned), ..EntityDef::default() };
            let push_path = push_path.map(str::to_owned);
            let declaration = EntityDeclaration { def, push_path, ..EntityDeclaration::default() };
            Config::new([("logs".to_owned(), declaration)], Style::Resource, &|_| Err(String::new()))
                .map(|config| (config.entities[0].path.clone(), config.entities[0].push_path.clone()))
        };
        assert_eq!(path(None, None).unwrap(), ("/api/v1/logs".into(), "/api/v1/logs/batch".into()));
        assert_eq!(path(Some("/l"), Some("/sync/l")).unwrap(), ("/l".into(), "/sync/l".into()));
        for bad in ["logs", "/logs?x=1", "/logs#a", ""] {
            assert!(path(Some(bad), None).is_err() && path(None, Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_bad_declaration_says_what_to_change() {
        let message = |result: Result<Config, Error>| result.err().unwrap().to_string();
        assert!(message(declare(&[])).contains("at least one entity"));
        assert!(message(declare(&[("Logs", &[])])).contains("`Logs` must match"));
        assert!(message(declare(&[("a", &["ghost"])])).contains("`ghost` is not declared"));
    }
}
