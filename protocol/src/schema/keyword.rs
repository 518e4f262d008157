//! The values that keywords may have, and what to say of a keyword outside the subset. Compiles no schema.

use serde_json::{Number, Value};

use super::SchemaError;
use super::node::{Check, NodeId, Types};
use super::pointer::Place;

/// Where a keyword stands in the schema.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) place: Place<'a>,
    pub(super) role: Role,
}

/// What the schema at a place speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The record itself: what is said of the sync fields is left out.
    Record,
    /// The record itself, under `not` or `if`, where leaving something out would change the meaning.
    Condition,
    /// A value inside the record.
    Inside,
}

impl<'a> At<'a> {
    pub(super) fn key(&'a self, key: &'a str) -> Self {
        Self { place: self.place.key(key), ..*self }
    }

    pub(super) fn item(&'a self, index: usize) -> Self {
        Self { place: self.place.item(index), ..*self }
    }

    pub(super) fn inside(self) -> Self {
        Self { role: Role::Inside, ..self }
    }

    pub(super) fn condition(self) -> Self {
        Self { role: if self.role == Role::Record { Role::Condition } else { self.role }, ..self }
    }

    #[cold]
    pub(super) fn error(&self, message: &str) -> SchemaError {
        SchemaError { path: self.place.pointer(), message: message.to_owned() }
    }
}

pub(super) fn types(value: &Value, at: &At<'_>) -> Result<Types, SchemaError> {
    let names = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    let types: Option<Vec<Types>> = names.iter().map(|name| name.as_str().and_then(Types::named)).collect();
    types
        .and_then(|types| types.into_iter().reduce(Types::or))
        .ok_or_else(|| at.error(&format!("must be one of {TYPE_NAMES}, or a list of them")))
}

pub(super) fn number(value: &Value, at: &At<'_>) -> Result<Number, SchemaError> {
    value.as_number().cloned().ok_or_else(|| at.error("must be a number"))
}

pub(super) fn divisor(value: &Value, at: &At<'_>) -> Result<Number, SchemaError> {
    let number = number(value, at)?;
    if number.as_f64() > Some(0.0) { Ok(number) } else { Err(at.error("must be a number greater than 0")) }
}

pub(super) fn count(value: &Value, at: &At<'_>) -> Result<usize, SchemaError> {
    let number = value.as_f64().filter(|number| *number >= 0.0 && number.fract() == 0.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole, not negative, and `as` saturates"
    )]
    let count = number.map(|number| number as usize);
    count.ok_or_else(|| at.error("must be a whole number, 0 or more"))
}

pub(super) fn flag(value: &Value, at: &At<'_>) -> Result<bool, SchemaError> {
    value.as_bool().ok_or_else(|| at.error("must be true or false"))
}

pub(super) fn text<'a>(value: &'a Value, at: &At<'_>) -> Result<&'a str, SchemaError> {
    value.as_str().ok_or_else(|| at.error("must be a string"))
}

pub(super) fn list<'a>(value: &'a Value, at: &At<'_>) -> Result<&'a [Value], SchemaError> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| at.error("must be a list"))
}

pub(super) fn filled_list<'a>(value: &'a Value, at: &At<'_>) -> Result<&'a [Value], SchemaError> {
    list(value, at).and_then(|list| if list.is_empty() { Err(at.error("must not be empty")) } else { Ok(list) })
}

pub(super) fn map<'a>(value: &'a Value, at: &At<'_>) -> Result<&'a serde_json::Map<String, Value>, SchemaError> {
    value.as_object().ok_or_else(|| at.error("must be an object"))
}

/// The error for a keyword outside the subset.
pub(super) fn unsupported(keyword: &str, at: &At<'_>) -> SchemaError {
    let advice = match keyword {
        "definitions" => "call it `$defs`, and point to it with `#/$defs/…`",
        "additionalItems" => "call it `items`, beside `prefixItems`",
        "nullable" => "write `type` as a list with \"null\" in it",
        "unevaluatedProperties" | "unevaluatedItems" => {
            "join the parts into one schema and use `additionalProperties` or `items`"
        }
        "dependencies" | "dependentRequired" | "dependentSchemas" => "use `if` and `then`",
        "$anchor" | "$dynamicAnchor" | "$dynamicRef" | "$recursiveAnchor" | "$recursiveRef" => {
            "use `$ref` with a pointer into this schema, `#/…`"
        }
        _ => "remove it, or say it with the keywords listed in docs/schema.md",
    };
    at.error(&format!("this keyword is not supported: {advice}"))
}

/// The entry of a table of keywords.
pub(super) fn named<T: Copy>(table: &[(&str, T)], word: &str) -> Option<T> {
    table.iter().find(|(name, _)| *name == word).map(|(_, entry)| *entry)
}

/// True for a keyword that has no check of its own.
pub(super) fn is_silent(word: &str) -> bool {
    ANNOTATIONS.contains(&word) || OBJECT.contains(&word) || ARRAY.contains(&word)
}

type Of<T> = fn(T) -> Check;
pub(super) const BOUNDS: [(&str, Of<Number>); 4] = [
    ("minimum", Check::Minimum),
    ("maximum", Check::Maximum),
    ("exclusiveMinimum", Check::ExclusiveMinimum),
    ("exclusiveMaximum", Check::ExclusiveMaximum),
];
pub(super) const LENGTHS: [(&str, Of<usize>); 2] = [("minLength", Check::MinLength), ("maxLength", Check::MaxLength)];
pub(super) const CHOICES: [(&str, Of<Vec<NodeId>>); 3] =
    [("allOf", Check::All), ("anyOf", Check::Any), ("oneOf", Check::One)];
/// Says something to people or tools, never to a check. `then` and `else` are compiled with their `if`.
const ANNOTATIONS: [&str; 15] = [
    "$comment",
    "$id",
    "$schema",
    "contentEncoding",
    "contentMediaType",
    "default",
    "deprecated",
    "description",
    "else",
    "examples",
    "format",
    "readOnly",
    "then",
    "title",
    "writeOnly",
];
/// Compiled together, because they depend on each other.
pub(super) const OBJECT: [&str; 7] = [
    "additionalProperties",
    "maxProperties",
    "minProperties",
    "patternProperties",
    "properties",
    "propertyNames",
    "required",
];
/// Compiled together, because they depend on each other.
pub(super) const ARRAY: [&str; 5] = ["items", "maxItems", "minItems", "prefixItems", "uniqueItems"];
const TYPE_NAMES: &str = "\"string\", \"number\", \"integer\", \"boolean\", \"object\", \"array\", \"null\"";
