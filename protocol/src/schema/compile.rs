//! From a schema as JSON to nodes. Never leaves a keyword out: what it cannot compile is an error.

use std::ptr;

use serde_json::{Map, Value};

use super::keyword::{self, At, Role};
use super::node::{ArrayRules, Check, Node, NodeId, ObjectRules, Property};
use super::pointer::Place;
use super::reference::{self, Target};
use super::value::Json;
use super::{PatternCompiler, PatternTest, Schema, SchemaError};

pub(super) fn compile(
    document: &Value,
    sync_fields: &[&str],
    patterns: PatternCompiler<'_>,
) -> Result<Schema, SchemaError> {
    let mut compiler = Compiler { document, sync_fields, patterns, nodes: Vec::new(), targets: Vec::new() };
    let at = At { place: Place::start(""), role: Role::Record };
    let root = compiler.target(document, &at)?;
    // A target is filled after what refers to it, so that a recursive schema never recurses here.
    let mut next = 0;
    while let Some(Target { id, value, pointer, role }) = compiler.targets.get(next) {
        let (id, value, role, pointer) = (*id, *value, *role, pointer.clone());
        compiler.fill(id, value, &At { place: Place::start(&pointer), role })?;
        next += 1;
    }
    reference::refuse_loops(&compiler.nodes, &compiler.targets)?;
    if !compiler.nodes[root.0].types.admits(Json::Object(&Map::new())) {
        return Err(at.key("type").error("must be \"object\": it describes a record"));
    }
    Ok(Schema { nodes: compiler.nodes, root })
}

struct Compiler<'a> {
    document: &'a Value,
    sync_fields: &'a [&'a str],
    patterns: PatternCompiler<'a>,
    nodes: Vec<Node>,
    targets: Vec<Target<'a>>,
}

impl<'a> Compiler<'a> {
    fn schema(&mut self, value: &'a Value, at: &At<'_>) -> Result<NodeId, SchemaError> {
        let id = self.reserve(at)?;
        self.fill(id, value, at)?;
        Ok(id)
    }

    /// The node of a schema that is referred to, made once.
    fn target(&mut self, value: &'a Value, at: &At<'_>) -> Result<NodeId, SchemaError> {
        let mut made = self.targets.iter();
        if let Some(target) = made.find(|target| ptr::eq(target.value, value) && target.role == at.role) {
            return Ok(target.id);
        }
        let id = self.reserve(at)?;
        self.targets.push(Target { id, value, pointer: at.place.pointer(), role: at.role });
        Ok(id)
    }

    fn reserve(&mut self, at: &At<'_>) -> Result<NodeId, SchemaError> {
        if at.place.depth > KEYWORD_DEPTH_MAX || self.nodes.len() >= NODES_MAX {
            return Err(at.error(&format!(
                "this schema is over the limit of {NODES_MAX} parts or {KEYWORD_DEPTH_MAX} levels: make it smaller"
            )));
        }
        self.nodes.push(Node::any());
        Ok(NodeId(self.nodes.len() - 1))
    }

    fn fill(&mut self, id: NodeId, value: &'a Value, at: &At<'_>) -> Result<(), SchemaError> {
        self.nodes[id.0] = match value {
            Value::Bool(true) => Node::any(),
            Value::Bool(false) => Node::never(),
            Value::Object(map) => self.node(map, at)?,
            Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                return Err(at.error("must be a schema: an object, true or false"));
            }
        };
        Ok(())
    }

    fn node(&mut self, map: &'a Map<String, Value>, at: &At<'_>) -> Result<Node, SchemaError> {
        let mut node = Node::any();
        for (word, value) in map {
            match word.as_str() {
                "type" => node.types = keyword::types(value, &at.key(word))?,
                "$defs" => self.definitions(value, &at.key(word))?,
                _ => node.checks.extend(self.check(word, value, map, at)?),
            }
        }
        if keyword::ARRAY.iter().any(|word| map.contains_key(*word)) {
            node.checks.push(Check::Array(Box::new(self.array(map, at)?)));
        }
        if keyword::OBJECT.iter().any(|word| map.contains_key(*word)) {
            node.checks.push(Check::Object(Box::new(self.object(map, at)?)));
        }
        Ok(node)
    }

    /// The check of a keyword that needs no other; none for annotations, and for keywords that are compiled together.
    fn check(
        &mut self,
        word: &str,
        value: &'a Value,
        map: &'a Map<String, Value>,
        at: &At<'_>,
    ) -> Result<Option<Check>, SchemaError> {
        let here = at.key(word);
        if let Some(check) = keyword::named(&keyword::BOUNDS, word) {
            return keyword::number(value, &here).map(check).map(Some);
        }
        if let Some(check) = keyword::named(&keyword::LENGTHS, word) {
            return keyword::count(value, &here).map(check).map(Some);
        }
        if let Some(check) = keyword::named(&keyword::CHOICES, word) {
            return self.schemas(keyword::filled_list(value, &here)?, &here).map(check).map(Some);
        }
        Ok(Some(match word {
            "enum" => Check::Enum(keyword::filled_list(value, &here)?.to_vec()),
            "const" => Check::Enum(vec![value.clone()]),
            "multipleOf" => Check::MultipleOf(keyword::divisor(value, &here)?),
            "pattern" => Check::Pattern(self.pattern(keyword::text(value, &here)?, &here)?),
            "$ref" => Check::All(vec![self.reference(keyword::text(value, &here)?, &here)?]),
            "not" => Check::Not(self.schema(value, &here.condition())?),
            "if" => Check::If {
                condition: self.schema(value, &here.condition())?,
                then: self.optional(map, "then", at)?,
                otherwise: self.optional(map, "else", at)?,
            },
            // The older spelling of `prefixItems` and `items`, which some exporters still write.
            "additionalItems" if map.get("items").is_some_and(Value::is_array) => return Ok(None),
            word if keyword::is_silent(word) => return Ok(None),
            word => return Err(keyword::unsupported(word, &here)),
        }))
    }

    fn array(&mut self, map: &'a Map<String, Value>, at: &At<'_>) -> Result<ArrayRules, SchemaError> {
        let inside = at.inside();
        let (prefix, items) = match map.get("items") {
            Some(Value::Array(_)) if map.contains_key("prefixItems") => {
                return Err(at.key("items").error("must be one schema, beside `prefixItems`"));
            }
            Some(Value::Array(_)) => ("items", "additionalItems"),
            _ => ("prefixItems", "items"),
        };
        let here = inside.key(prefix);
        Ok(ArrayRules {
            prefix: match map.get(prefix) {
                Some(value) => self.schemas(keyword::list(value, &here)?, &here)?,
                None => Vec::new(),
            },
            items: self.optional(map, items, &inside)?,
            min: limit(map, "minItems", 0, at)?,
            max: limit(map, "maxItems", usize::MAX, at)?,
            unique: match map.get("uniqueItems") {
                Some(value) => keyword::flag(value, &at.key("uniqueItems"))?,
                None => false,
            },
        })
    }

    fn object(&mut self, map: &'a Map<String, Value>, at: &At<'_>) -> Result<ObjectRules, SchemaError> {
        let inside = at.inside();
        let properties = self.properties(map, at)?;
        Ok(ObjectRules {
            required: properties.iter().filter(|property| property.required).count(),
            properties,
            patterns: self.pattern_properties(map, &inside)?,
            additional: self.optional(map, "additionalProperties", &inside)?,
            names: self.optional(map, "propertyNames", &inside)?,
            min: limit(map, "minProperties", 0, at)?,
            max: limit(map, "maxProperties", usize::MAX, at)?,
        })
    }

    fn properties(&mut self, map: &'a Map<String, Value>, at: &At<'_>) -> Result<Vec<Property>, SchemaError> {
        let mut properties = Vec::new();
        if let Some(schemas) = map.get("properties") {
            let here = at.key("properties");
            for (name, value) in keyword::map(schemas, &here)? {
                if !self.left_out(name, &here)? {
                    property(&mut properties, name).schema = Some(self.schema(value, &here.key(name).inside())?);
                }
            }
        }
        if let Some(names) = map.get("required") {
            let here = at.key("required");
            for (index, name) in keyword::list(names, &here)?.iter().enumerate() {
                let name = keyword::text(name, &here.item(index))?;
                if !self.left_out(name, &here)? {
                    property(&mut properties, name).required = true;
                }
            }
        }
        Ok(properties)
    }

    /// True for a sync field, which is checked by the envelope and not by the app's schema.
    fn left_out(&self, name: &str, at: &At<'_>) -> Result<bool, SchemaError> {
        let is_sync_field = self.sync_fields.contains(&name);
        match at.role {
            Role::Record => Ok(is_sync_field),
            Role::Condition if is_sync_field => {
                Err(at.error(&format!("`{name}` belongs to sync and cannot be part of a condition: remove it here")))
            }
            Role::Condition | Role::Inside => Ok(false),
        }
    }

    fn pattern_properties(
        &mut self,
        map: &'a Map<String, Value>,
        at: &At<'_>,
    ) -> Result<Vec<(PatternTest, NodeId)>, SchemaError> {
        let Some(schemas) = map.get("patternProperties") else { return Ok(Vec::new()) };
        let here = at.key("patternProperties");
        let mut patterns = Vec::new();
        for (pattern, value) in keyword::map(schemas, &here)? {
            let here = here.key(pattern);
            patterns.push((self.pattern(pattern, &here)?, self.schema(value, &here)?));
        }
        Ok(patterns)
    }

    fn pattern(&self, pattern: &str, at: &At<'_>) -> Result<PatternTest, SchemaError> {
        (self.patterns)(pattern)
            .map_err(|reason| at.error(&format!("must be a regular expression of ECMA-262: {reason}")))
    }

    fn definitions(&mut self, value: &'a Value, at: &At<'_>) -> Result<(), SchemaError> {
        for (name, value) in keyword::map(value, at)? {
            self.target(value, &at.key(name).inside())?;
        }
        Ok(())
    }

    fn reference(&mut self, reference: &str, at: &At<'_>) -> Result<NodeId, SchemaError> {
        let Some((pointer, value)) = reference::resolve(reference, self.document) else {
            return Err(at.error("must name a schema of this document, by `#/…` or by its `$id`"));
        };
        self.target(value, &At { place: Place::start(&pointer), role: at.role })
    }

    fn schemas(&mut self, values: &'a [Value], at: &At<'_>) -> Result<Vec<NodeId>, SchemaError> {
        values.iter().enumerate().map(|(index, value)| self.schema(value, &at.item(index))).collect()
    }

    /// The node of a keyword that may be absent; `true` is the same as absent.
    fn optional(
        &mut self,
        map: &'a Map<String, Value>,
        keyword: &str,
        at: &At<'_>,
    ) -> Result<Option<NodeId>, SchemaError> {
        match map.get(keyword) {
            None | Some(Value::Bool(true)) => Ok(None),
            Some(value) => self.schema(value, &at.key(keyword)).map(Some),
        }
    }
}

/// The entry of `properties` under `name`, made where there is none.
fn property<'a>(properties: &'a mut Vec<Property>, name: &str) -> &'a mut Property {
    let at = match properties.binary_search_by(|property| (*property.name).cmp(name)) {
        Ok(at) => at,
        Err(at) => {
            properties.insert(at, Property { name: name.into(), schema: None, required: false });
            at
        }
    };
    &mut properties[at]
}

fn limit(map: &Map<String, Value>, keyword: &str, absent: usize, at: &At<'_>) -> Result<usize, SchemaError> {
    map.get(keyword).map_or(Ok(absent), |value| keyword::count(value, &at.key(keyword)))
}

/// Most schema objects in one schema.
const NODES_MAX: usize = 10_000;
/// Deepest nesting of keywords in one schema.
const KEYWORD_DEPTH_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn error(schema: &Value) -> SchemaError {
        let patterns = |pattern: &str| -> Result<PatternTest, String> {
            if pattern == "(" { Err("unbalanced".into()) } else { Ok(Box::new(|_| true)) }
        };
        match Schema::compile(schema, &patterns) {
            Ok(_) => panic!("{schema} was accepted"),
            Err(error) => error,
        }
    }

    #[test]
    fn a_keyword_outside_the_subset_is_refused_with_its_place_and_what_to_do() {
        let check = |schema: Value, path: &str, advice: &str| {
            let error = error(&schema);
            assert_eq!(error.path, path, "{schema}");
            assert!(error.message.starts_with("this keyword is not supported: "), "{error}");
            assert!(error.message.contains(advice), "{error}");
        };
        check(json!({"minlength": 1}), "/minlength", "docs/schema.md");
        check(json!({"properties": {"a/b": {"contains": {}}}}), "/properties/a~1b/contains", "docs/schema.md");
        check(json!({"anyOf": [{}, {"nullable": true}]}), "/anyOf/1/nullable", "\"null\"");
        check(json!({"$defs": {"unused": {"dependentRequired": {}}}}), "/$defs/unused/dependentRequired", "`if`");
        check(json!({"definitions": {}}), "/definitions", "`$defs`");
        check(
            json!({"items": {"unevaluatedProperties": false}}),
            "/items/unevaluatedProperties",
            "additionalProperties",
        );
        check(json!({"prefixItems": [], "additionalItems": false}), "/additionalItems", "`items`");
        check(json!({"if": true, "then": {"$dynamicRef": "#a"}}), "/then/$dynamicRef", "`$ref`");
        check(json!({"properties": {"v": {"$ref": "T"}}, "x": {"$id": "T", "y": 1}}), "/x", "remove it");
        check(json!({"properties": {"v": {"$ref": "#/default"}}, "default": {"y": 1}}), "/default/y", "remove it");
    }

    #[test]
    fn a_keyword_of_the_wrong_form_is_refused_with_its_place() {
        let check = |schema: Value, path: &str, message: &str| {
            let error = error(&schema);
            assert_eq!(error.path, path, "{schema}");
            assert!(error.message.contains(message), "{schema} gave {error}");
        };
        check(json!(1), "", "must be a schema");
        check(json!({"properties": {"a": null}}), "/properties/a", "must be a schema");
        check(json!({"properties": []}), "/properties", "must be an object");
        check(json!({"type": "text"}), "/type", "must be one of");
        check(json!({"type": []}), "/type", "must be one of");
        check(json!({"type": ["object", 1]}), "/type", "must be one of");
        check(json!({"type": "array"}), "/type", "describes a record");
        check(json!({"required": "a"}), "/required", "must be a list");
        check(json!({"required": ["a", 1]}), "/required/1", "must be a string");
        check(json!({"additionalProperties": "no"}), "/additionalProperties", "must be a schema");
        check(json!({"minProperties": -1}), "/minProperties", "whole number");
        check(json!({"maxItems": 1.5}), "/maxItems", "whole number");
        check(json!({"minLength": "1"}), "/minLength", "whole number");
        check(json!({"uniqueItems": "yes"}), "/uniqueItems", "true or false");
        check(json!({"items": [{}], "prefixItems": []}), "/items", "one schema");
        check(json!({"prefixItems": {}}), "/prefixItems", "must be a list");
        check(json!({"enum": []}), "/enum", "must not be empty");
        check(json!({"anyOf": []}), "/anyOf", "must not be empty");
        check(json!({"minimum": "0"}), "/minimum", "must be a number");
        check(json!({"exclusiveMinimum": true}), "/exclusiveMinimum", "must be a number");
        check(json!({"multipleOf": 0}), "/multipleOf", "greater than 0");
        check(json!({"pattern": "("}), "/pattern", "unbalanced");
        check(json!({"patternProperties": {"(": {}}}), "/patternProperties/(", "unbalanced");
        check(json!({"$ref": 1}), "/$ref", "must be a string");
        check(json!({"$ref": "#/$defs/none"}), "/$ref", "must name a schema of this document");
        check(json!({"$ref": "https://example.com/a.json"}), "/$ref", "must name a schema of this document");
    }

    #[test]
    fn a_schema_that_never_ends_or_is_too_large_is_refused() {
        let check = |schema: &Value, message: &str| assert!(error(schema).message.contains(message));
        check(&json!({"$ref": "#"}), "applies itself");
        check(
            &json!({"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"not": {"$ref": "#/$defs/a"}}}}),
            "applies itself",
        );
        check(&json!({"properties": {"a": {"if": {"$ref": "#/properties/a"}}}}), "applies itself");
        check(&(0..70).fold(json!({}), |inner, _| json!({ "not": inner })), "applies itself, or more than");
        check(&(0..200).fold(json!({}), |inner, _| json!({ "items": inner })), "over the limit");
        check(&json!({"prefixItems": vec![json!({}); NODES_MAX]}), "over the limit");
    }

    #[test]
    fn a_sync_field_cannot_be_part_of_a_condition() {
        let check = |schema: Value, path: &str| {
            let error = error(&schema);
            assert_eq!(error.path, path);
            assert!(error.message.contains("belongs to sync"), "{error}");
        };
        check(json!({"if": {"properties": {"isDeleted": {"const": true}}}}), "/if/properties");
        check(json!({"not": {"required": ["serverId"]}}), "/not/required");
        check(json!({"not": {"$ref": "#/$defs/a"}, "$defs": {"a": {"required": ["id"]}}}), "/$defs/a/required");
    }

    #[test]
    fn an_app_may_name_its_own_sync_fields() {
        let schema =
            json!({"properties": {"id": {}, "version": {"type": "string"}}, "required": ["updated_at", "version"]});
        let schema = Schema::compile_mapped(&schema, &["id", "updated_at"], &|_| Ok(Box::new(|_| true))).unwrap();
        assert!(schema.check(json!({"version": "a"}).as_object().unwrap()).is_empty());
        assert_eq!(schema.check(json!({"version": 1}).as_object().unwrap()).len(), 1);
    }
}
