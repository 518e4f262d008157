//! Holds types against an entity file. Never checks what a type is for.

use std::collections::BTreeMap;

use lastword::typed::Entity;
use lastword_protocol::schema::Schema;
use serde_json::{Map, Value};

/// An entity file, as a JavaScript client and the server read it.
pub(crate) struct Model(BTreeMap<String, Value>);

impl Model {
    /// Reads the file at a path from this crate.
    pub(crate) fn read(path: &str) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let mut file: BTreeMap<String, BTreeMap<String, Value>> = serde_json::from_str(&text).unwrap();
        Self(file.remove("entities").unwrap())
    }

    /// Checks that the type and the schema know the same fields, need the same ones and refer to the same entities.
    /// `full` has every field.
    pub(crate) fn matches<E: Entity>(&self, full: &Value) {
        let entity = &self.0[E::NAME];
        let fields = full.as_object().unwrap();
        let declared = entity["schema"]["properties"].as_object().unwrap();
        assert_eq!(declared.keys().collect::<Vec<_>>(), fields.keys().collect::<Vec<_>>(), "{}", E::NAME);

        let references: Map<String, Value> =
            E::REFERENCES.iter().map(|(field, parent)| ((*field).to_owned(), (*parent).into())).collect();
        assert_eq!(entity.get("references").cloned().unwrap_or_else(|| Map::new().into()), Value::from(references));

        let schema = Schema::compile(&entity["schema"], &|_| Ok(Box::new(|_| true))).unwrap();
        let accepts = |fields: &Map<String, Value>| serde_json::from_value::<E>(fields.clone().into()).is_ok();
        assert!(accepts(fields) && schema.check(fields).is_empty(), "{}: the whole record", E::NAME);
        for name in fields.keys() {
            let mut fewer = fields.clone();
            fewer.remove(name);
            assert_eq!(accepts(&fewer), schema.check(&fewer).is_empty(), "{} without {name}", E::NAME);
            let mut wrong = fields.clone();
            wrong.insert(name.clone(), Value::from(vec![true]));
            assert!(!accepts(&wrong) && !schema.check(&wrong).is_empty(), "{} with another {name}", E::NAME);
        }
        let mut more = fields.clone();
        more.insert("unknown".into(), 1.into());
        assert!(!accepts(&more) && !schema.check(&more).is_empty(), "{} with more", E::NAME);
        let again = serde_json::to_value(serde_json::from_value::<E>(full.clone()).unwrap()).unwrap();
        assert_eq!(&again, full, "{}", E::NAME);
    }

    /// Checks the number of entities.
    pub(crate) fn has_no_more_than(&self, count: usize) {
        assert_eq!(self.0.len(), count);
    }
}
