//! Reads the entity file that a client uses too. Never takes a member that neither side knows.

use std::collections::BTreeMap;

use lastword_protocol::entity::{EntityDef, EntityFile};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

/// Parses the text of an entity file, passing over what only a client needs: the names of its fields, its stores and the
/// like. On the wire to this server they are the protocol's.
pub(crate) fn parse(text: &str) -> Result<EntityFile, serde_json::Error> {
    let SharedFile { entities } = serde_json::from_str(text)?;
    Ok(EntityFile { entities: entities.into_iter().map(|(name, entity)| (name, entity.into())).collect() })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SharedFile {
    entities: BTreeMap<String, SharedEntity>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct SharedEntity {
    path: Option<String>,
    schema: Option<Value>,
    references: BTreeMap<String, String>,
    #[serde(rename = "store")]
    _store: IgnoredAny,
    #[serde(rename = "pushPath")]
    _push_path: IgnoredAny,
    #[serde(rename = "query")]
    _query: IgnoredAny,
    #[serde(rename = "fields")]
    _fields: IgnoredAny,
    #[serde(rename = "statusFields")]
    _status_fields: IgnoredAny,
    #[serde(rename = "times")]
    _times: IgnoredAny,
    #[serde(rename = "detect")]
    _detect: IgnoredAny,
    #[serde(rename = "layout")]
    _layout: IgnoredAny,
    #[serde(rename = "conflicts")]
    _conflicts: IgnoredAny,
}

impl From<SharedEntity> for EntityDef {
    fn from(SharedEntity { path, schema, references, .. }: SharedEntity) -> Self {
        Self { path, schema, references }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_a_client_needs_is_passed_over() {
        let text = r#"{"entities":{"moods":{"path":"/moods","times":"iso","fields":{"deletedAt":"deleted_at"}}}}"#;
        let file = parse(text).unwrap();
        let moods = EntityDef { path: Some("/moods".into()), ..EntityDef::default() };
        assert_eq!(file.entities, [("moods".to_owned(), moods)].into());
    }

    #[test]
    fn a_member_that_neither_side_knows_is_refused_with_its_place() {
        let error = parse(r#"{"entities":{"moods":{"feilds":{}}}}"#).unwrap_err().to_string();
        assert!(error.contains("`feilds`") && error.contains("line 1 column"), "{error}");
    }

    #[test]
    fn every_model_can_be_served() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/models");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let models: Vec<_> =
            files.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect();
        assert_eq!(models.len(), 4);
        for model in models {
            crate::entities::Entities::load(&model).unwrap();
        }
    }
}
