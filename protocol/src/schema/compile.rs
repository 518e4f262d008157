//! From a schema as JSON to nodes. Never leaves a keyword out: what it cannot compile is an error.

use std::collections::BTreeMap;
use std::ptr;

use serde_json::{Map, Value};

use super::keyword::{self, At, Role};
use super::node::{ArrayRules, Check, Node, NodeId, ObjectRules, Property, Types};
use super::reference::{self, Ids};
use super::value::Json;
use super::{PatternCompiler, PatternTest, Schema, SchemaError};

pub(super) fn compile(
    document: &Value,
    sync_fields: &[&str],
    patterns: PatternCompiler<'_>,
) -> Result<Schema, SchemaError> {
    let mut compiler = Compiler {
        document,
        sync_fields,
        patterns,
        ids: reference::ids(document),
        nodes: Vec::new(),
        paths: Vec::new(),
        targets: BTreeMap::new(),
        pending: Vec::new(),
    };
    let at = At { path: String::new(), role: Role::Record, depth: 0 };
    let root = compiler.target(document, at.clone())?;
    while let Some((id, value, at)) = compiler.pending.pop() {
        compiler.fill(id, value, &at)?;
    }
    reference::refuse_loops(&compiler.nodes, &compiler.paths)?;
    if !compiler.nodes[root.0].types.admits(Json::Object(&Map::new())) {
        return Err(at.key("type").error("must be \"object\": it describes a record"));
    }
    Ok(Schema { nodes: compiler.nodes.into(), root })
}

struct Compiler<'a> {
    document: &'a Value,
    sync_fields: &'a [&'a str],
    patterns: PatternCompiler<'a>,
    ids: Ids<'a>,
    nodes: Vec<Node>,
    /// Where each node stands in the document.
    paths: Vec<String>,
    /// The schemas that have a node of their own because something refers to them.
    targets: BTreeMap<(*const Value, Role), NodeId>,
    /// Targets that have a number and no content yet: a recursive schema never recurses here.
    pending: Vec<(NodeId, &'a Value, At)>,
}

impl<'a> Compiler<'a> {
    fn schema(&mut self, value: &'a Value, at: &At) -> Result<NodeId, SchemaError> {
        let id = self.reserve(at)?;
        self.fill(id, value, at)?;
        Ok(id)
    }

    /// The node of a schema that is referred to, made once.
    fn target(&mut self, value: &'a Value, at: At) -> Result<NodeId, SchemaError> {
        if let Some(id) = self.targets.get(&(ptr::from_ref(value), at.role)) {
            return Ok(*id);
        }
        let id = self.reserve(&at)?;
        self.targets.insert((ptr::from_ref(value), at.role), id);
        self.pending.push((id, value, at));
        Ok(id)
    }

    fn reserve(&mut self, at: &At) -> Result<NodeId, SchemaError> {
        if at.depth > KEYWORD_DEPTH_MAX || self.nodes.len() >= NODES_MAX {
            return Err(at.error(format!(
                "this schema is over the limit of {NODES_MAX} parts or {KEYWORD_DEPTH_MAX} levels: make it smaller"
            )));
        }
        self.nodes.push(Node::any());
        self.paths.push(at.path.clone());
        Ok(NodeId(self.nodes.len() - 1))
    }

    fn fill(&mut self, id: NodeId, value: &'a Value, at: &At) -> Result<(), SchemaError> {
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

    fn node(&mut self, map: &'a Map<String, Value>, at: &At) -> Result<Node, SchemaError> {
        let mut types = Types::ANY;
        let mut checks = Vec::new();
        for (keyword, value) in map {
            let here = at.key(keyword);
            let check = match keyword.as_str() {
                "type" => {
                    types = keyword::types(value, &here)?;
                    continue;
                }
                "$defs" => {
                    self.definitions(value, &here)?;
                    continue;
                }
                "enum" => Check::Enum(keyword::filled_list(value, &here)?.into()),
                "const" => Check::Enum([value.clone()].into()),
                "minimum" => Check::Minimum(keyword::number(value, &here)?),
                "maximum" => Check::Maximum(keyword::number(value, &here)?),
                "exclusiveMinimum" => Check::ExclusiveMinimum(keyword::number(value, &here)?),
                "exclusiveMaximum" => Check::ExclusiveMaximum(keyword::number(value, &here)?),
                "multipleOf" => Check::MultipleOf(keyword::divisor(value, &here)?),
                "minLength" => Check::MinLength(keyword::count(value, &here)?),
                "maxLength" => Check::MaxLength(keyword::count(value, &here)?),
                "pattern" => Check::Pattern(self.pattern(keyword::text(value, &here)?, &here)?),
                "allOf" => Check::All(self.schemas(keyword::filled_list(value, &here)?, &here)?),
                "anyOf" => Check::Any(self.schemas(keyword::filled_list(value, &here)?, &here)?),
                "oneOf" => Check::One(self.schemas(keyword::filled_list(value, &here)?, &here)?),
                "not" => Check::Not(self.schema(value, &here.condition())?),
                "if" => Check::If {
                    condition: self.schema(value, &here.condition())?,
                    then: self.optional(map, "then", at)?,
                    otherwise: self.optional(map, "else", at)?,
                },
                "$ref" => Check::All([self.reference(keyword::text(value, &here)?, &here)?].into()),
                word if keyword::OBJECT.contains(&word) || keyword::ARRAY.contains(&word) => continue,
                // The older spelling of `prefixItems` and `items`, which some exporters still write.
                "additionalItems" if map.get("items").is_some_and(Value::is_array) => continue,
                word if keyword::ANNOTATIONS.contains(&word) => continue,
                word => return Err(keyword::unsupported(word, &here)),
            };
            checks.push(check);
        }
        if keyword::ARRAY.iter().any(|word| map.contains_key(*word)) {
            checks.push(Check::Array(self.array(map, at)?));
        }
        if keyword::OBJECT.iter().any(|word| map.contains_key(*word)) {
            checks.push(Check::Object(Box::new(self.object(map, at)?)));
        }
        Ok(Node { types, checks: checks.into() })
    }

    fn array(&mut self, map: &'a Map<String, Value>, at: &At) -> Result<ArrayRules, SchemaError> {
        let inside = at.clone().role(Role::Inside);
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
                None => Box::default(),
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

    fn object(&mut self, map: &'a Map<String, Value>, at: &At) -> Result<ObjectRules, SchemaError> {
        let inside = at.clone().role(Role::Inside);
        let properties = self.properties(map, at)?;
        Ok(ObjectRules {
            required: properties.values().filter(|property| property.required).count(),
            properties: properties.into_values().collect(),
            patterns: self.pattern_properties(map, &inside)?,
            additional: self.optional(map, "additionalProperties", &inside)?,
            names: self.optional(map, "propertyNames", &inside)?,
            min: limit(map, "minProperties", 0, at)?,
            max: limit(map, "maxProperties", usize::MAX, at)?,
        })
    }

    fn properties(&mut self, map: &'a Map<String, Value>, at: &At) -> Result<BTreeMap<&'a str, Property>, SchemaError> {
        let mut properties = BTreeMap::new();
        if let Some(schemas) = map.get("properties") {
            let here = at.key("properties");
            for (name, value) in keyword::map(schemas, &here)? {
                if !self.left_out(name, &here)? {
                    let schema = Some(self.schema(value, &here.key(name).role(Role::Inside))?);
                    properties.insert(name.as_str(), Property { name: name.as_str().into(), schema, required: false });
                }
            }
        }
        if let Some(names) = map.get("required") {
            let here = at.key("required");
            for (index, name) in keyword::list(names, &here)?.iter().enumerate() {
                let name = keyword::text(name, &here.item(index))?;
                if !self.left_out(name, &here)? {
                    let absent = || Property { name: name.into(), schema: None, required: true };
                    properties.entry(name).or_insert_with(absent).required = true;
                }
            }
        }
        Ok(properties)
    }

    /// True for a sync field, which is checked by the envelope and not by the app's schema.
    fn left_out(&self, name: &str, at: &At) -> Result<bool, SchemaError> {
        let is_sync_field = self.sync_fields.contains(&name);
        match at.role {
            Role::Record => Ok(is_sync_field),
            Role::Condition if is_sync_field => {
                Err(at.error(format!("`{name}` belongs to sync and cannot be part of a condition: remove it here")))
            }
            Role::Condition | Role::Inside => Ok(false),
        }
    }

    fn pattern_properties(
        &mut self,
        map: &'a Map<String, Value>,
        at: &At,
    ) -> Result<Box<[(PatternTest, NodeId)]>, SchemaError> {
        let Some(schemas) = map.get("patternProperties") else { return Ok(Box::default()) };
        let here = at.key("patternProperties");
        let mut patterns = Vec::new();
        for (pattern, value) in keyword::map(schemas, &here)? {
            let here = here.key(pattern);
            patterns.push((self.pattern(pattern, &here)?, self.schema(value, &here)?));
        }
        Ok(patterns.into())
    }

    fn pattern(&self, pattern: &str, at: &At) -> Result<PatternTest, SchemaError> {
        (self.patterns)(pattern)
            .map_err(|reason| at.error(format!("must be a regular expression of ECMA-262: {reason}")))
    }

    fn definitions(&mut self, value: &'a Value, at: &At) -> Result<(), SchemaError> {
        for (name, value) in keyword::map(value, at)? {
            self.target(value, at.key(name).role(Role::Inside))?;
        }
        Ok(())
    }

    fn reference(&mut self, reference: &str, at: &At) -> Result<NodeId, SchemaError> {
        let Some((path, value)) = reference::resolve(reference, self.document, &self.ids) else {
            return Err(at.error("must name a schema of this document, by `#/…` or by its `$id`"));
        };
        self.target(value, At { path, role: at.role, depth: 0 })
    }

    fn schemas(&mut self, values: &'a [Value], at: &At) -> Result<Box<[NodeId]>, SchemaError> {
        values.iter().enumerate().map(|(index, value)| self.schema(value, &at.item(index))).collect()
    }

    /// The node of a keyword that may be absent; `true` is the same as absent.
    fn optional(&mut self, map: &'a Map<String, Value>, keyword: &str, at: &At) -> Result<Option<NodeId>, SchemaError> {
        match map.get(keyword) {
            None | Some(Value::Bool(true)) => Ok(None),
            Some(value) => self.schema(value, &at.key(keyword)).map(Some),
        }
    }
}

fn limit(map: &Map<String, Value>, keyword: &str, absent: usize, at: &At) -> Result<usize, SchemaError> {
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
