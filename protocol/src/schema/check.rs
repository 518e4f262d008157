//! A value against the nodes. Never puts a value of the record into a message, and always ends.

use std::fmt;

use serde_json::{Map, Value};

use super::node::{ArrayRules, Check, Node, NodeId, ObjectRules};
use super::pointer::Place;
use super::value::{self, Json, float, same};
use crate::limits::PAYLOAD_DEPTH_MAX;
use crate::push::FieldError;
use crate::record::Fields;

pub(super) fn check(nodes: &[Node], root: NodeId, fields: &Fields) -> Vec<FieldError> {
    let mut run = Run { nodes, errors: Vec::new(), quiet: false, level: 0, steps_left: STEPS_MAX, stopped: None };
    run.node(root, Json::Object(fields), &Place::start(""));
    if let Some(reason) = run.stopped {
        return vec![FieldError { path: String::new(), message: reason.to_owned() }];
    }
    run.errors
}

/// One record's way through the nodes.
struct Run<'a> {
    nodes: &'a [Node],
    errors: Vec<FieldError>,
    /// True while only the answer counts.
    quiet: bool,
    /// How many nodes are being checked inside each other.
    level: u32,
    steps_left: u32,
    /// Why the check was given up, if it was.
    stopped: Option<&'static str>,
}

impl Run<'_> {
    /// True when `value` is valid. Goes on after a fault to find others, unless quiet.
    fn node(&mut self, id: NodeId, value: Json<'_>, at: &Place<'_>) -> bool {
        if !self.may_go_on(at) {
            return false;
        }
        let nodes = self.nodes;
        let node = &nodes[id.0];
        if !node.types.admits(value) {
            return self.fail(at, format_args!("must be of type {}", node.types));
        }
        self.level += 1;
        let mut valid = true;
        for check in &node.checks {
            valid &= self.check(check, value, at);
            if self.is_enough(valid) {
                break;
            }
        }
        self.level -= 1;
        valid
    }

    fn check(&mut self, check: &Check, value: Json<'_>, at: &Place<'_>) -> bool {
        match (check, value) {
            (Check::Never, _) => self.fail(at, format_args!("is not allowed here")),
            (Check::Enum(values), value) => {
                is_one_of(values, value) || self.fail(at, format_args!("{}", Choice(values)))
            }
            (Check::All(nodes), value) => self.all(nodes, value, at),
            (Check::Any(nodes), value) => {
                nodes.iter().any(|node| self.quietly(*node, value, at)) || self.no_branch(nodes, value, at)
            }
            (Check::One(nodes), value) => self.one(nodes, value, at),
            (Check::Not(node), value) => {
                !self.quietly(*node, value, at) || self.fail(at, format_args!("has a form that is excluded"))
            }
            (Check::If { condition, then, otherwise }, value) => {
                let branch = if self.quietly(*condition, value, at) { then } else { otherwise };
                branch.is_none_or(|node| self.node(node, value, at))
            }
            (Check::Minimum(limit), Json::Number(number)) => {
                float(number) >= float(limit) || self.fail(at, format_args!("must be at least {limit}"))
            }
            (Check::Maximum(limit), Json::Number(number)) => {
                float(number) <= float(limit) || self.fail(at, format_args!("must be at most {limit}"))
            }
            (Check::ExclusiveMinimum(limit), Json::Number(number)) => {
                float(number) > float(limit) || self.fail(at, format_args!("must be more than {limit}"))
            }
            (Check::ExclusiveMaximum(limit), Json::Number(number)) => {
                float(number) < float(limit) || self.fail(at, format_args!("must be less than {limit}"))
            }
            (Check::MultipleOf(divisor), Json::Number(number)) => {
                value::is_multiple(number, divisor) || self.fail(at, format_args!("must be a multiple of {divisor}"))
            }
            (Check::MinLength(min), Json::String(text)) => {
                min.checked_sub(1).is_none_or(|last| text.chars().nth(last).is_some())
                    || self.fail(at, format_args!("must have at least {min} characters"))
            }
            // A string has no more characters than bytes, so most are never counted.
            (Check::MaxLength(max), Json::String(text)) => {
                text.len() <= *max
                    || text.chars().nth(*max).is_none()
                    || self.fail(at, format_args!("must have at most {max} characters"))
            }
            (Check::Pattern(matches), Json::String(text)) => {
                matches(text) || self.fail(at, format_args!("must match the pattern of the schema"))
            }
            (Check::Array(rules), Json::Array(items)) => self.array(rules, items, at),
            (Check::Object(rules), Json::Object(map)) => self.object(rules, map, at),
            _ => true,
        }
    }

    fn array(&mut self, rules: &ArrayRules, items: &[Value], at: &Place<'_>) -> bool {
        let mut valid = true;
        if items.len() < rules.min {
            valid = self.fail(at, format_args!("must have at least {} items", rules.min));
        }
        if items.len() > rules.max {
            valid = self.fail(at, format_args!("must have at most {} items", rules.max));
        }
        if rules.unique && !value::all_distinct(items) {
            valid = self.fail(at, format_args!("must not have an item twice"));
        }
        for (index, item) in items.iter().enumerate() {
            let Some(node) = rules.prefix.get(index).copied().or(rules.items) else { break };
            if self.is_enough(valid) {
                break;
            }
            valid &= self.node(node, item.into(), &at.item(index));
        }
        valid
    }

    fn object(&mut self, rules: &ObjectRules, map: &Map<String, Value>, at: &Place<'_>) -> bool {
        let mut valid = true;
        if map.len() < rules.min {
            valid = self.fail(at, format_args!("must have at least {} properties", rules.min));
        }
        if map.len() > rules.max {
            valid = self.fail(at, format_args!("must have at most {} properties", rules.max));
        }
        let mut required = 0;
        for (key, value) in map {
            if self.is_enough(valid) {
                return false;
            }
            let property = rules.property(key);
            required += usize::from(property.is_some_and(|property| property.required));
            valid &= self.entry(rules, property.and_then(|property| property.schema), key, value.into(), &at.key(key));
        }
        if required < rules.required {
            for missing in
                rules.properties.iter().filter(|property| property.required && !map.contains_key(&*property.name))
            {
                valid = self.fail(&at.key(&missing.name), format_args!("is required"));
            }
        }
        valid
    }

    fn entry(
        &mut self,
        rules: &ObjectRules,
        named: Option<NodeId>,
        key: &str,
        value: Json<'_>,
        at: &Place<'_>,
    ) -> bool {
        let mut valid = true;
        if let Some(names) = rules.names {
            valid = self.quietly(names, Json::String(key), at)
                || self.fail(at, format_args!("has a name that is not allowed here"));
        }
        let mut known = named.is_some();
        if let Some(node) = named {
            valid &= self.node(node, value, at);
        }
        for (matches, node) in &rules.patterns {
            if matches(key) {
                known = true;
                valid &= self.node(*node, value, at);
            }
        }
        match rules.additional {
            Some(node) if !known => self.node(node, value, at) && valid,
            _ => valid,
        }
    }

    fn all(&mut self, nodes: &[NodeId], value: Json<'_>, at: &Place<'_>) -> bool {
        let mut valid = true;
        for node in nodes {
            valid &= self.node(*node, value, at);
            if self.is_enough(valid) {
                break;
            }
        }
        valid
    }

    fn one(&mut self, nodes: &[NodeId], value: Json<'_>, at: &Place<'_>) -> bool {
        match nodes.iter().filter(|node| self.quietly(**node, value, at)).take(2).count() {
            0 => self.no_branch(nodes, value, at),
            1 => true,
            _ => self.fail(at, format_args!("must have exactly one of {} forms, and has several", nodes.len())),
        }
    }

    /// Reports a value that is valid under none of `nodes`: by the faults of the one it was meant for, where that shows.
    fn no_branch(&mut self, nodes: &[NodeId], value: Json<'_>, at: &Place<'_>) -> bool {
        if self.quiet {
            return false;
        }
        let mut meant = nodes.iter().filter(|node| self.is_meant(**node, value));
        match (meant.next(), meant.next()) {
            (Some(node), None) => self.node(*node, value, at),
            _ => self.fail(at, format_args!("must have one of {} forms", nodes.len())),
        }
    }

    /// True when `value` has the types and the fixed properties (such as `kind`) that the node asks for.
    fn is_meant(&self, id: NodeId, value: Json<'_>) -> bool {
        let node = &self.nodes[id.0];
        node.types.admits(value)
            && node.checks.iter().all(|check| match (check, value) {
                (Check::Never, _) => false,
                (Check::Enum(values), value) => is_one_of(values, value),
                (Check::All(nodes), value) => nodes.iter().all(|node| self.is_meant(*node, value)),
                (Check::Object(rules), Json::Object(map)) => rules.properties.iter().all(|property| {
                    let (Some(node), Some(value)) = (property.schema, map.get(&*property.name)) else { return true };
                    let checks = &self.nodes[node.0].checks;
                    !checks.iter().any(|check| matches!(check, Check::Enum(known) if !is_one_of(known, value.into())))
                }),
                _ => true,
            })
    }

    /// Only whether `value` is valid under the node, without a report.
    fn quietly(&mut self, id: NodeId, value: Json<'_>, at: &Place<'_>) -> bool {
        let before = std::mem::replace(&mut self.quiet, true);
        let valid = self.node(id, value, at);
        self.quiet = before;
        valid
    }

    /// Reports a fault, and is always false.
    fn fail(&mut self, at: &Place<'_>, message: fmt::Arguments<'_>) -> bool {
        if !self.quiet && self.errors.len() < ERRORS_MAX {
            self.errors.push(FieldError { path: at.pointer(), message: message.to_string() });
        }
        false
    }

    /// True when nothing that is still to come can change the answer.
    fn is_enough(&self, valid: bool) -> bool {
        !valid && (self.quiet || self.stopped.is_some() || self.errors.len() >= ERRORS_MAX)
    }

    fn may_go_on(&mut self, at: &Place<'_>) -> bool {
        if at.depth > PAYLOAD_DEPTH_MAX || self.level > LEVELS_MAX {
            self.stopped = Some("is nested too deeply");
        } else if self.steps_left == 0 {
            self.stopped = Some("is too large or too ambiguous for its schema to be checked");
        }
        self.steps_left = self.steps_left.saturating_sub(1);
        self.stopped.is_none()
    }
}

fn is_one_of(values: &[Value], value: Json<'_>) -> bool {
    values.iter().any(|known| same(known.into(), value))
}

/// Names the values that the schema allows, where they are a few short strings.
struct Choice<'a>(&'a [Value]);

impl fmt::Display for Choice<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |value: &Value| value.as_str().is_some_and(|text| text.len() <= CHOICE_BYTES_MAX);
        if self.0.len() > CHOICES_MAX || !self.0.iter().all(short) {
            return write!(formatter, "must be one of {} fixed values", self.0.len());
        }
        let mut before = if self.0.len() == 1 { "must be" } else { "must be one of" };
        for text in self.0.iter().filter_map(Value::as_str) {
            write!(formatter, "{before} {text:?}")?;
            before = ",";
        }
        Ok(())
    }
}

/// Most errors that one check reports.
const ERRORS_MAX: usize = 16;
/// Most nodes inside each other, so that a check fits on the stack of any browser.
const LEVELS_MAX: u32 = 1_000;
/// Most nodes that one check visits: some milliseconds, where a record of ordinary size takes microseconds.
const STEPS_MAX: u32 = 4_000_000;
/// Most values that a message lists.
const CHOICES_MAX: usize = 8;
/// Longest value that a message lists, in bytes.
const CHOICE_BYTES_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Schema;
    use serde_json::json;

    fn errors(schema: &Value, record: &Value) -> Vec<(String, String)> {
        let schema = Schema::compile(schema, &|_| Ok(Box::new(|text| text.starts_with('a')))).unwrap();
        let errors = schema.check(record.as_object().unwrap());
        errors.into_iter().map(|error| (error.path, error.message)).collect()
    }

    fn check(schema: &Value, value: &Value, path: &str, message: &str) {
        let found = errors(&json!({"properties": {"v": schema}}), &json!({"v": value}));
        assert_eq!(found, [(format!("/v{path}"), message.to_owned())], "{schema} {value}");
    }

    #[test]
    fn each_fault_says_where_it_is_and_what_would_be_right() {
        check(&json!({"type": "string"}), &json!(1), "", "must be of type string");
        check(&json!({"type": ["null", "integer"]}), &json!(1.5), "", "must be of type integer or null");
        check(&json!({"enum": ["kg", "lb"]}), &json!(1), "", r#"must be one of "kg", "lb""#);
        check(&json!({"enum": [1, 2, 3, 4, 5, 6, 7, 8, 9]}), &json!(0), "", "must be one of 9 fixed values");
        check(&json!({"const": "x".repeat(999)}), &json!(0), "", "must be one of 1 fixed values");
        check(&json!({"const": "gym"}), &json!("home"), "", r#"must be "gym""#);
        check(&json!({"minimum": 0.5}), &json!(0), "", "must be at least 0.5");
        check(&json!({"maximum": 5}), &json!(6), "", "must be at most 5");
        check(&json!({"exclusiveMinimum": 5}), &json!(5), "", "must be more than 5");
        check(&json!({"exclusiveMaximum": 5}), &json!(5), "", "must be less than 5");
        check(&json!({"multipleOf": 0.5}), &json!(0.7), "", "must be a multiple of 0.5");
        check(&json!({"minLength": 3}), &json!("ab"), "", "must have at least 3 characters");
        check(&json!({"maxLength": 1}), &json!("ab"), "", "must have at most 1 characters");
        check(&json!({"pattern": "^a"}), &json!("b"), "", "must match the pattern of the schema");
        check(&json!({"minItems": 1}), &json!([]), "", "must have at least 1 items");
        check(&json!({"maxItems": 1}), &json!([1, 2]), "", "must have at most 1 items");
        check(&json!({"uniqueItems": true}), &json!([1, 1]), "", "must not have an item twice");
        check(&json!({"items": {"required": ["reps"]}}), &json!([{"reps": 1}, {}]), "/1/reps", "is required");
        check(&json!({"minProperties": 1}), &json!({}), "", "must have at least 1 properties");
        check(&json!({"maxProperties": 0}), &json!({"a": 1}), "", "must have at most 0 properties");
        check(&json!({"additionalProperties": false}), &json!({"a/b": 1}), "/a~1b", "is not allowed here");
        check(
            &json!({"propertyNames": {"maxLength": 1}}),
            &json!({"ab": 1}),
            "/ab",
            "has a name that is not allowed here",
        );
        check(&json!({"not": {"type": "null"}}), &json!(null), "", "has a form that is excluded");
        check(&json!({"if": {"type": "null"}, "else": {"minimum": 1}}), &json!(0), "", "must be at least 1");
        check(&json!({"oneOf": [{}, {}, {}]}), &json!(0), "", "must have exactly one of 3 forms, and has several");
    }

    #[test]
    fn a_choice_reports_the_faults_of_the_form_that_was_meant() {
        let nullable = json!({"anyOf": [{"type": "string", "minLength": 1}, {"type": "null"}]});
        check(&nullable, &json!(""), "", "must have at least 1 characters");
        check(&nullable, &json!(1), "", "must have one of 2 forms");
        let kinds = json!({"oneOf": [
            {"properties": {"kind": {"const": "reps"}, "reps": {"type": "integer"}}, "required": ["kind", "reps"]},
            {"properties": {"kind": {"const": "time"}}, "required": ["kind", "seconds"]},
            false,
        ]});
        check(&kinds, &json!({"kind": "reps", "reps": 1.5}), "/reps", "must be of type integer");
        check(&kinds, &json!({"kind": "time"}), "/seconds", "is required");
        check(&kinds, &json!({"kind": "other"}), "", "must have one of 3 forms");
        check(&kinds, &json!({}), "", "must have one of 3 forms");
    }

    #[test]
    fn all_faults_are_reported_up_to_a_limit() {
        let schema = json!({"properties": {"a": {"type": "string", "minLength": 3}, "b": {"minimum": 1, "multipleOf": 2}},
            "required": ["c"], "additionalProperties": false});
        let found = errors(&schema, &json!({"a": "x", "b": -1, "d": 1}));
        let paths: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["/a", "/b", "/b", "/d", "/c"]);
        let many = errors(&json!({"properties": {"v": {"items": {"type": "null"}}}}), &json!({"v": vec![1; 1000]}));
        assert_eq!(many.len(), ERRORS_MAX);
    }

    #[test]
    fn no_message_holds_a_value_of_the_record() {
        let schema = json!({"properties": {"v": {"anyOf": [{"const": 1}, {"enum": [2]}, {"type": "string", "maxLength": 2,
            "minLength": 99, "pattern": "^a", "not": {"minLength": 1}, "if": {}, "then": false}]}}});
        let found = errors(&schema, &json!({"v": "secret"}));
        assert!(found.len() >= 5);
        assert!(found.iter().all(|(path, message)| path == "/v" && !message.contains("secret")), "{found:?}");
    }

    #[test]
    fn a_check_ends_whatever_the_schema_and_the_record() {
        let twice = json!({"type": "object", "properties": {"v": {"$ref": "#/$defs/v"}}, "$defs": {"v": {"oneOf": [
            {"properties": {"v": {"$ref": "#/$defs/v"}}, "required": ["a"]},
            {"properties": {"v": {"$ref": "#/$defs/v"}}, "required": ["b"]},
            {"not": {"properties": {"v": {"$ref": "#/$defs/v"}}, "required": ["c"]}},
        ]}}});
        let nested = |depth: usize| (1..depth).fold(json!({}), |inner, _| json!({ "v": inner }));
        assert_eq!(errors(&twice, &nested(5)), []);
        let message = "is too large or too ambiguous for its schema to be checked";
        assert_eq!(errors(&twice, &nested(PAYLOAD_DEPTH_MAX)), [(String::new(), message.to_owned())]);
        let tree = json!({"properties": {"v": {"$ref": "#"}}});
        assert_eq!(errors(&tree, &nested(PAYLOAD_DEPTH_MAX)), []);
        assert_eq!(errors(&tree, &nested(60)), [(String::new(), "is nested too deeply".to_owned())]);
        let tall = (0..50).fold(json!({"properties": {"v": {"$ref": "#"}}}), |inner, _| json!({ "allOf": [inner] }));
        assert_eq!(errors(&tall, &nested(10)), []);
        assert_eq!(errors(&tall, &nested(30)), [(String::new(), "is nested too deeply".to_owned())]);
    }
}
