//! The compiled form: nodes that refer to each other by number, so that a schema may be recursive. Holds no JSON text.

use std::fmt;

use serde_json::{Number, Value};

use super::PatternTest;
use super::value::Json;

/// Names a node of one schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeId(pub(super) usize);

/// One compiled schema object.
pub(super) struct Node {
    pub(super) types: Types,
    pub(super) checks: Vec<Check>,
}

impl Node {
    /// The node of the schema `true`.
    pub(super) fn any() -> Self {
        Self { types: Types::ANY, checks: Vec::new() }
    }

    /// The node of the schema `false`.
    pub(super) fn never() -> Self {
        Self { types: Types::ANY, checks: vec![Check::Never] }
    }
}

/// One assertion. Each passes for values of a type it does not speak of.
pub(super) enum Check {
    Never,
    Enum(Vec<Value>),
    Minimum(Number),
    Maximum(Number),
    ExclusiveMinimum(Number),
    ExclusiveMaximum(Number),
    MultipleOf(Number),
    MinLength(usize),
    MaxLength(usize),
    Pattern(PatternTest),
    Array(Box<ArrayRules>),
    Object(Box<ObjectRules>),
    All(Vec<NodeId>),
    Any(Vec<NodeId>),
    One(Vec<NodeId>),
    Not(NodeId),
    If { condition: NodeId, then: Option<NodeId>, otherwise: Option<NodeId> },
}

impl Check {
    /// The nodes that look at the same value as this check does.
    pub(super) fn in_place(&self) -> Vec<NodeId> {
        match self {
            Self::All(nodes) | Self::Any(nodes) | Self::One(nodes) => nodes.to_vec(),
            Self::Not(node) => vec![*node],
            Self::If { condition, then, otherwise } => {
                [Some(*condition), *then, *otherwise].into_iter().flatten().collect()
            }
            Self::Never
            | Self::Enum(_)
            | Self::Minimum(_)
            | Self::Maximum(_)
            | Self::ExclusiveMinimum(_)
            | Self::ExclusiveMaximum(_)
            | Self::MultipleOf(_)
            | Self::MinLength(_)
            | Self::MaxLength(_)
            | Self::Pattern(_)
            | Self::Array(_)
            | Self::Object(_) => Vec::new(),
        }
    }
}

/// The array keywords of one schema object.
pub(super) struct ArrayRules {
    pub(super) prefix: Vec<NodeId>,
    /// For the items after `prefix`.
    pub(super) items: Option<NodeId>,
    pub(super) min: usize,
    pub(super) max: usize,
    pub(super) unique: bool,
}

/// The object keywords of one schema object.
pub(super) struct ObjectRules {
    /// Sorted by name.
    pub(super) properties: Vec<Property>,
    /// How many of `properties` are required.
    pub(super) required: usize,
    pub(super) patterns: Vec<(PatternTest, NodeId)>,
    /// For properties that neither `properties` nor `patterns` speak of.
    pub(super) additional: Option<NodeId>,
    pub(super) names: Option<NodeId>,
    pub(super) min: usize,
    pub(super) max: usize,
}

/// One name of `properties` or `required`.
pub(super) struct Property {
    pub(super) name: Box<str>,
    /// Absent when only `required` names it.
    pub(super) schema: Option<NodeId>,
    pub(super) required: bool,
}

impl ObjectRules {
    pub(super) fn property(&self, name: &str) -> Option<&Property> {
        self.properties.binary_search_by(|property| (*property.name).cmp(name)).ok().map(|at| &self.properties[at])
    }
}

/// A set of JSON types, one bit each; `number` is the bits of whole and fractional numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Types(u8);

impl Types {
    pub(super) const ANY: Self = Self(0b111_1111);

    /// The set of the one type that `name` names.
    pub(super) fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(bits, _)| Self(*bits))
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn admits(self, value: Json<'_>) -> bool {
        let bit = match value {
            Json::Null => NULL,
            Json::Bool(_) => BOOLEAN,
            Json::Number(number) if number.is_f64() && !number.as_f64().is_some_and(|n| n.fract() == 0.0) => FRACTION,
            Json::Number(_) => WHOLE,
            Json::String(_) => STRING,
            Json::Array(_) => ARRAY,
            Json::Object(_) => OBJECT,
        };
        self == Self::ANY || self.0 & bit != 0
    }
}

impl fmt::Display for Types {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        let mut between = "";
        for (bits, name) in NAMES {
            if rest & bits == bits {
                rest &= !bits;
                write!(formatter, "{between}{name}")?;
                between = " or ";
            }
        }
        Ok(())
    }
}

const NULL: u8 = 1;
const BOOLEAN: u8 = 1 << 1;
const WHOLE: u8 = 1 << 2;
const FRACTION: u8 = 1 << 3;
const STRING: u8 = 1 << 4;
const ARRAY: u8 = 1 << 5;
const OBJECT: u8 = 1 << 6;
/// `number` stands before `integer`, which it includes.
const NAMES: [(u8, &str); 7] = [
    (STRING, "string"),
    (WHOLE | FRACTION, "number"),
    (WHOLE, "integer"),
    (BOOLEAN, "boolean"),
    (OBJECT, "object"),
    (ARRAY, "array"),
    (NULL, "null"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_type_admits_its_own_values() {
        let check = |name: &str, good: &Value, bad: &Value| {
            let types = Types::named(name).unwrap();
            assert!(types.admits(good.into()), "{name} {good}");
            assert!(!types.admits(bad.into()), "{name} {bad}");
        };
        check("integer", &json!(1), &json!(1.5));
        check("integer", &json!(1.0), &json!("1"));
        check("integer", &json!(-1e15), &json!(1e-15));
        check("number", &json!(1.5), &json!(null));
        check("number", &json!(1), &json!(true));
        check("string", &json!(""), &json!(0));
        check("boolean", &json!(false), &json!(0));
        check("null", &json!(null), &json!(false));
        check("array", &json!([]), &json!({}));
        check("object", &json!({}), &json!([]));
        assert_eq!(Types::named("float"), None);
    }

    #[test]
    fn a_set_names_its_types() {
        let set = |names: &[&str]| names.iter().map(|name| Types::named(name).unwrap()).reduce(Types::or).unwrap();
        assert_eq!(set(&["null", "string"]).to_string(), "string or null");
        assert_eq!(set(&["integer", "number"]).to_string(), "number");
        assert_eq!(set(&["integer"]).to_string(), "integer");
    }
}
