//! What `$ref` may point to: a place of the same document. Never fetches anything.

use serde_json::Value;

use super::SchemaError;
use super::keyword::Role;
use super::node::{Node, NodeId};
use super::pointer::Place;

/// A schema that has a node of its own because something refers to it. The whole document is the first.
pub(super) struct Target<'a> {
    pub(super) id: NodeId,
    pub(super) value: &'a Value,
    pub(super) pointer: String,
    pub(super) role: Role,
}

/// The schema that `reference` names, with its pointer.
pub(super) fn resolve<'a>(reference: &str, document: &'a Value) -> Option<(String, &'a Value)> {
    let Some(fragment) = reference.strip_prefix('#') else {
        return with_id(reference, document, &Place::start(""));
    };
    let mut found = (String::new(), document);
    let mut segments = fragment.split('/');
    if segments.next() != Some("") {
        return None;
    }
    for segment in segments {
        let key = decoded(segment)?;
        let value = match found.1 {
            Value::Object(map) => map.get(&key)?,
            Value::Array(items) => items.get(key.parse::<usize>().ok()?)?,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return None,
        };
        found = (Place::start(&found.0).key(&key).pointer(), value);
    }
    Some(found)
}

fn with_id<'a>(id: &str, value: &'a Value, at: &Place<'_>) -> Option<(String, &'a Value)> {
    match value {
        Value::Object(map) if map.get("$id").is_some_and(|own| own == id) => Some((at.pointer(), value)),
        Value::Object(map) => map.iter().find_map(|(key, value)| with_id(id, value, &at.key(key))),
        Value::Array(items) => items.iter().enumerate().find_map(|(index, item)| with_id(id, item, &at.item(index))),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// The key that a segment of a URI fragment spells.
fn decoded(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let [first, after @ ..] = rest {
        let (byte, after) = match (first, after) {
            (b'%', [high, low, after @ ..]) => (hex(*high)? << 4 | hex(*low)?, after),
            (b'~', [b'0', after @ ..]) => (b'~', after),
            (b'~', [b'1', after @ ..]) => (b'/', after),
            (b'%' | b'~', _) => return None,
            (byte, after) => (*byte, after),
        };
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Refuses a schema that applies itself to the same value again, which no check could end.
pub(super) fn refuse_loops(nodes: &[Node], targets: &[Target<'_>]) -> Result<(), SchemaError> {
    let mut heights = vec![None; nodes.len()];
    for target in targets {
        if height(nodes, target.id, 0, &mut heights).is_none() {
            return Err(SchemaError {
                path: target.pointer.clone(),
                message: format!(
                    "this schema applies itself, or more than {IN_PLACE_MAX} others, to one value: \
                     refer to it from inside `properties` or `items`"
                ),
            });
        }
    }
    Ok(())
}

/// The longest chain of nodes that look at the same value as `id`; none when it is over [`IN_PLACE_MAX`].
fn height(nodes: &[Node], id: NodeId, above: usize, heights: &mut [Option<usize>]) -> Option<usize> {
    if let Some(height) = heights[id.0] {
        return Some(height);
    }
    if above >= IN_PLACE_MAX {
        return None;
    }
    let mut tallest = 0;
    for below in nodes[id.0].checks.iter().flat_map(|check| check.in_place()) {
        tallest = tallest.max(height(nodes, below, above + 1, heights)? + 1);
    }
    heights[id.0] = Some(tallest);
    (tallest <= IN_PLACE_MAX).then_some(tallest)
}

/// Longest chain of schemas that look at one value through `$ref`, `allOf`, `anyOf`, `oneOf`, `not` and `if`.
const IN_PLACE_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn references_are_pointers_or_ids_of_the_same_document() {
        let document = json!({"$defs": {"a b": {"$id": "T0"}, "c/d": true, "é": 1}});
        let check = |reference: &str, place: Option<&str>| {
            let found = resolve(reference, &document);
            assert_eq!(found.map(|found| found.0).as_deref(), place, "{reference}");
        };
        check("#", Some(""));
        check("#/$defs/a b", Some("/$defs/a b"));
        check("#/$defs/a%20b", Some("/$defs/a b"));
        check("#/%24defs/c~1d", Some("/$defs/c~1d"));
        check("#/$defs/%C3%A9", Some("/$defs/é"));
        check("T0", Some("/$defs/a b"));
        check("#/$defs/x", None);
        check("#/$defs/%2", None);
        check("#/$defs/%zz", None);
        check("#/$defs/%ff", None);
        check("#/$defs/~2", None);
        check("#/$defs/a b/$id/x", None);
        check("#anchor", None);
        check("https://example.com/schema.json", None);
    }
}
