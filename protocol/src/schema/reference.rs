//! What `$ref` may point to: a place of the same document. Never fetches anything.

use std::collections::BTreeMap;

use serde_json::Value;

use super::SchemaError;
use super::node::{Node, NodeId};
use super::pointer;

/// The schemas of a document that have an `$id`, with their places.
pub(super) type Ids<'a> = BTreeMap<&'a str, (String, &'a Value)>;

/// Finds every `$id` of `document`.
pub(super) fn ids(document: &Value) -> Ids<'_> {
    let mut ids = Ids::new();
    let mut rest = vec![(String::new(), document)];
    while let Some((path, value)) = rest.pop() {
        if let Some(id) = value.get("$id").and_then(Value::as_str) {
            ids.insert(id, (path.clone(), value));
        }
        let under = |key: &str| {
            let mut path = path.clone();
            pointer::push(&mut path, key);
            path
        };
        match value {
            Value::Object(map) => rest.extend(map.iter().map(|(key, value)| (under(key), value))),
            Value::Array(items) => {
                rest.extend(items.iter().enumerate().map(|(index, value)| (under(&index.to_string()), value)));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    ids
}

/// The schema that `reference` names, with its place.
pub(super) fn resolve<'a>(reference: &str, document: &'a Value, ids: &Ids<'a>) -> Option<(String, &'a Value)> {
    let Some(fragment) = reference.strip_prefix('#') else { return ids.get(reference).cloned() };
    let path = percent_decoded(fragment)?;
    let value = document.pointer(&path)?;
    Some((path, value))
}

fn percent_decoded(fragment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut parts = fragment.split('%');
    bytes.extend_from_slice(parts.next()?.as_bytes());
    for part in parts {
        bytes.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).ok()
}

/// Refuses a schema that applies itself to the same value again, which no check could end.
pub(super) fn refuse_loops(nodes: &[Node], paths: &[String]) -> Result<(), SchemaError> {
    let mut heights = vec![None; nodes.len()];
    for (id, path) in paths.iter().enumerate() {
        if height(nodes, NodeId(id), 0, &mut heights).is_none() {
            return Err(SchemaError {
                path: path.clone(),
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
            let found = resolve(reference, &document, &ids(&document));
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
        check("#anchor", None);
        check("https://example.com/schema.json", None);
    }
}
