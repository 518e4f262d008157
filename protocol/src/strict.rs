//! JSON values that every party can hold without loss: finite numbers, safe integers, bounded depth, no key twice.
//!
//! Never accepts a value that JavaScript would round or that could reach an object's prototype.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::limits::{INTEGER_MAX, OBJECT_KEYS_MAX, PAYLOAD_DEPTH_MAX};

/// Why a JSON text is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct StrictError {
    /// What is wrong, without any of the content.
    pub reason: String,
}

/// Parses a JSON object under the rules of this module.
///
/// # Errors
/// [`StrictError`] says which rule was broken and at which column.
pub fn parse_object(json: &str) -> Result<Map<String, Value>, StrictError> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let object = deserialize_object(&mut deserializer).map_err(|error| strict(&error))?;
    deserializer.end().map_err(|error| strict(&error))?;
    Ok(object)
}

/// Reads an object from any deserializer under the rules of this module.
///
/// # Errors
/// The deserializer's own error, or the rule that was broken.
pub fn deserialize_object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
    match (StrictValue { depth: 0 }).deserialize(deserializer)? {
        Value::Object(object) => Ok(object),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(D::Error::custom("expected a JSON object"))
        }
    }
}

fn strict(error: &serde_json::Error) -> StrictError {
    StrictError { reason: error.to_string() }
}

struct StrictValue {
    depth: usize,
}

impl StrictValue {
    fn deeper<E: serde::de::Error>(&self) -> Result<Self, E> {
        if self.depth >= PAYLOAD_DEPTH_MAX {
            return Err(E::custom(format_args!("nested deeper than {PAYLOAD_DEPTH_MAX}")));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for StrictValue {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for StrictValue {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        if (-INTEGER_MAX..=INTEGER_MAX).contains(&value) { Ok(value.into()) } else { Err(E::custom(UNSAFE_INTEGER)) }
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        i64::try_from(value).map_err(|_| E::custom(UNSAFE_INTEGER)).and_then(|value| self.visit_i64(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        // JavaScript has one kind of number: 1.0 and -0 are stored and written there as 1 and 0.
        if value.fract() == 0.0 && value.abs() < WRITTEN_AS_INTEGER_BELOW {
            #[allow(clippy::cast_possible_truncation, reason = "out of range saturates, and is refused")]
            return self.visit_i64(value as i64);
        }
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number is not finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self.deeper()?)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if FORBIDDEN_KEYS.contains(&key.as_str()) {
                return Err(A::Error::custom("a key that could reach an object's prototype"));
            }
            let value = map.next_value_seed(self.deeper()?)?;
            if object.insert(key, value).is_some() {
                return Err(A::Error::custom("a key stands twice in one object"));
            }
            if object.len() > OBJECT_KEYS_MAX {
                return Err(A::Error::custom(format_args!("more than {OBJECT_KEYS_MAX} keys in one object")));
            }
        }
        Ok(Value::Object(object))
    }
}

/// `JSON.stringify` writes whole numbers below 10^21 in full.
const WRITTEN_AS_INTEGER_BELOW: f64 = 1e21;
const UNSAFE_INTEGER: &str = "integer beyond 2^53 - 1, which JavaScript would round";
/// Keys that no payload may hold, at any depth.
pub const FORBIDDEN_KEYS: [&str; 3] = ["__proto__", "constructor", "prototype"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_cannot_round_trip() {
        let deep = format!("{}1{}", r#"{"a":"#.repeat(33), "}".repeat(33));
        for bad in [
            r#"{"a":9007199254740992}"#,
            r#"{"a":-9007199254740992}"#,
            r#"{"a":18446744073709551615}"#,
            r#"{"a":9007199254740992.0}"#,
            r#"{"a":-1e20}"#,
            r#"{"a":1e999}"#,
            r#"{"a":NaN}"#,
            r#"{"a":1,"a":2}"#,
            r#"{"b":{"__proto__":1}}"#,
            r#"{"constructor":1}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":1} x"#,
            r#"{"a":"#,
            "[1]",
            "",
            &deep,
        ] {
            assert!(parse_object(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_number_has_one_form() {
        for (written, held) in
            [("1.0", "1"), ("-0", "0"), ("-0.0", "0"), ("1e3", "1000"), ("1.50", "1.5"), ("1e21", "1e+21")]
        {
            let object = parse_object(&format!(r#"{{"a":{written}}}"#)).unwrap();
            assert_eq!(Value::Object(object).to_string(), format!(r#"{{"a":{held}}}"#), "{written}");
        }
    }

    #[test]
    fn accepts_what_does() {
        for good in [r#"{"a":9007199254740991,"b":[null,true,1.5,"\ud83d\ude00",{"c":{}}]}"#, "{}"] {
            assert!(parse_object(good).is_ok(), "{good}");
        }
    }
}
