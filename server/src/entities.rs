//! The entities this backend serves, compiled once at start. Never ignores what it does not understand.

use std::collections::BTreeMap;
use std::path::Path;

use lastword_protocol::entity::{EntityDef, EntityFile};
use lastword_protocol::record::{Fields, is_entity};
use lastword_protocol::schema::{PatternTest, Schema};
use serde::de::DeserializeOwned;

use crate::entity_file;

/// All entities, by name.
#[derive(Default)]
pub struct Entities(BTreeMap<String, Entity>);

/// One entity.
pub struct Entity {
    /// Path of its resource endpoints.
    pub path: String,
    /// Fields that name a record of another entity: field to entity.
    pub references: BTreeMap<String, String>,
    /// Checks the app's fields; absent means any object.
    pub schema: Option<Schema>,
    /// The schema as it was declared.
    pub declared: Option<serde_json::Value>,
    /// True for fields that the app's own type accepts; absent means any.
    pub accepts: Option<fn(&Fields) -> bool>,
}

/// Why the entities cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntitiesError {
    /// The file cannot be read.
    #[error("cannot read the entities file {path}: {reason}; check the path given with --entities")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// The file is not an entity file.
    #[error("the entities file {path} is not valid: {reason}; correct it and start again")]
    NotAnEntityFile {
        /// The file.
        path: String,
        /// What is wrong and where.
        reason: String,
    },
    /// One entity is declared wrongly.
    #[error("entity `{entity}`: {reason}; correct its declaration and start again")]
    BadEntity {
        /// The entity.
        entity: String,
        /// What is wrong.
        reason: String,
    },
}

impl Entities {
    /// Reads and compiles the entity file.
    ///
    /// # Errors
    /// [`EntitiesError`] says what to correct.
    pub fn load(path: &Path) -> Result<Self, EntitiesError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| EntitiesError::Unreadable { path: shown.clone(), reason: error.to_string() })?;
        let file = entity_file::parse(&text)
            .map_err(|error| EntitiesError::NotAnEntityFile { path: shown, reason: error.to_string() })?;
        Self::compile(file)
    }

    /// Compiles declarations.
    ///
    /// # Errors
    /// [`EntitiesError::BadEntity`] for the first that cannot be served.
    pub fn compile(file: EntityFile) -> Result<Self, EntitiesError> {
        let names: Vec<String> = file.entities.keys().cloned().collect();
        let mut paths = BTreeMap::new();
        let mut entities = BTreeMap::new();
        for (name, def) in file.entities {
            let bad = |reason: String| EntitiesError::BadEntity { entity: name.clone(), reason };
            let entity = compile_one(&name, def, &names).map_err(bad)?;
            for path in [entity.path.clone(), format!("{}/batch", entity.path)] {
                if let Some(other) = paths.insert(path, name.clone()) {
                    return Err(bad(format!("its path {} is that of `{other}`", entity.path)));
                }
            }
            entities.insert(name, entity);
        }
        Ok(Self(entities))
    }

    /// Adds an entity whose app fields must be a `T`, for those who embed the server.
    ///
    /// # Errors
    /// [`EntitiesError::BadEntity`] as for any other declaration.
    pub fn with_type<T: DeserializeOwned>(mut self, name: &str, mut def: EntityDef) -> Result<Self, EntitiesError> {
        let bad = |reason: String| EntitiesError::BadEntity { entity: name.to_owned(), reason };
        // References may name any entity added so far.
        let references = std::mem::take(&mut def.references);
        let file = EntityFile { entities: [(name.to_owned(), def)].into() };
        let mut entity = Self::compile(file)?.0.remove(name).ok_or_else(|| bad("it is declared twice".into()))?;
        if let Some(missing) = references.values().find(|target| *target != name && !self.0.contains_key(*target)) {
            return Err(bad(format!("it references `{missing}`, which is not declared")));
        }
        if self.0.iter().any(|(other, declared)| other == name || declared.path == entity.path) {
            return Err(bad("its name or path is taken".into()));
        }
        entity.references = references;
        entity.accepts = Some(|fields| serde_json::from_value::<T>(fields.clone().into()).is_ok());
        self.0.insert(name.to_owned(), entity);
        Ok(self)
    }

    /// The entity of this name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&Entity> {
        self.0.get(name)
    }

    /// All entities in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entity)> {
        self.0.iter().map(|(name, entity)| (name.as_str(), entity))
    }
}

fn compile_one(name: &str, def: EntityDef, names: &[String]) -> Result<Entity, String> {
    if !is_entity(name) {
        return Err("a name is a lower-case letter, then at most 63 of a-z, 0-9, _ and -".into());
    }
    let path = def.path_or_default(name);
    check_path(&path)?;
    if let Some(missing) = def.references.values().find(|target| !names.contains(target)) {
        return Err(format!("it references `{missing}`, which is not declared"));
    }
    let schema = def.schema.as_ref().map(|schema| Schema::compile(schema, &pattern)).transpose();
    let schema = schema.map_err(|error| error.to_string())?;
    Ok(Entity { path, references: def.references, schema, declared: def.schema, accepts: None })
}

fn check_path(path: &str) -> Result<(), String> {
    let segment = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b));
    let formed = path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(segment));
    if !formed || path.split('/').any(|s| s == "." || s == "..") {
        return Err(format!("its path `{path}` must look like /api/v1/workout-logs"));
    }
    if RESERVED_PATHS.iter().any(|taken| path == *taken || path.starts_with(&format!("{taken}/"))) {
        return Err(format!("its path `{path}` is taken by the server itself"));
    }
    Ok(())
}

fn pattern(source: &str) -> Result<PatternTest, String> {
    let regex = regress::Regex::with_flags(source, "u").map_err(|error| error.to_string())?;
    Ok(Box::new(move |text| regex.find(text).is_some()))
}

const RESERVED_PATHS: [&str; 9] = [
    "/v1/sync",
    "/api/v1/sync",
    "/api/v1/events",
    "/api/v1/devices",
    "/health",
    "/ready",
    "/metrics",
    "/openapi.json",
    "/docs",
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn compile(entities: serde_json::Value) -> Result<Entities, EntitiesError> {
        Entities::compile(serde_json::from_value(json!({ "entities": entities })).unwrap())
    }

    #[test]
    fn a_type_of_the_app_checks_its_records() {
        #[derive(serde::Deserialize)]
        #[allow(dead_code, reason = "only its form matters")]
        struct Log {
            reps: u32,
        }
        let logs = || Entities::default().with_type::<Log>("logs", EntityDef::default());
        let entities = logs().unwrap();
        let accepts = entities.by_name("logs").unwrap().accepts.unwrap();
        let check = |fields: serde_json::Value, valid| assert_eq!(accepts(fields.as_object().unwrap()), valid);
        check(json!({"reps": 5}), true);
        check(json!({"reps": -5}), false);
        check(json!({}), false);
        assert!(entities.with_type::<Log>("logs", EntityDef::default()).is_err());
        let unknown = EntityDef { references: [("a".into(), "none".into())].into(), ..EntityDef::default() };
        assert!(logs().unwrap().with_type::<Log>("others", unknown).is_err());
    }

    #[test]
    fn a_bad_declaration_is_one_clear_error() {
        let check = |entities, part: &str| {
            let message = compile(entities).err().unwrap().to_string();
            assert!(message.contains(part), "{message}");
        };
        check(json!({"Logs": {}}), "`Logs`: a name is");
        check(json!({"logs": {"path": "logs"}}), "must look like");
        check(json!({"logs": {"path": "/a/../b"}}), "must look like");
        check(json!({"logs": {"path": "/{id}"}}), "must look like");
        check(json!({"logs": {"path": "/health"}}), "taken by the server");
        check(json!({"logs": {"references": {"userId": "users"}}}), "`users`, which is not declared");
        check(json!({"a": {"path": "/x"}, "b": {"path": "/x"}}), "is that of `a`");
        check(json!({"a": {"path": "/x"}, "b": {"path": "/x/batch"}}), "is that of `a`");
        assert!(compile(json!({"logs": {"path": "/api/desktop/sync/ecr-scores"}, "b-2": {}})).is_ok());
    }
}
