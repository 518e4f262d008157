//! Typed values from JSON text, one level of it at a time. Never writes any.
//!
//! serde_json fills a struct from an array too, and a name from a number or from bytes, so every derived reader is compiled for
//! all of that. This one asks serde_json for plain levels alone, and gives objects to structs and texts to names: in a browser,
//! where every byte travels, the same readers are half as large.

use serde::de::value::{MapDeserializer, SeqDeserializer, StringDeserializer};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
    Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::value::RawValue;

/// Reads a typed value.
///
/// # Errors
/// What is wrong with the text, or what the type misses in it.
pub fn from_str<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Fault> {
    T::deserialize(Reader(text.trim()))
}

/// Why a text does not hold a value of the type.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Fault(String);

impl Error for Fault {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }

    /// Without the value, which would take a writer of every kind of number.
    fn invalid_type(_: Unexpected, expected: &dyn Expected) -> Self {
        mismatch("of another type", expected)
    }

    fn invalid_value(_: Unexpected, expected: &dyn Expected) -> Self {
        mismatch("out of range", expected)
    }
}

#[cold]
fn mismatch(found: &str, expected: &dyn Expected) -> Fault {
    Fault(format!("invalid type: {found}, expected {expected}"))
}

/// The outermost level of a text.
enum Level<'de> {
    Null,
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float,
    Text(String),
    Items(Vec<Reader<'de>>),
    Fields(Vec<(String, Reader<'de>)>),
}

impl<'de> Level<'de> {
    #[inline(never)]
    fn of(text: &'de str) -> Result<Self, Fault> {
        let mut parser = serde_json::Deserializer::from_str(text);
        let level = parser.deserialize_any(LevelVisitor).map_err(Fault::custom)?;
        parser.end().map_err(Fault::custom)?;
        Ok(level)
    }

    #[cold]
    fn is_not(&self, expected: &dyn Expected) -> Fault {
        let kind = match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Signed(_) | Self::Unsigned(_) => "integer",
            Self::Float => "floating point",
            Self::Text(_) => "string",
            Self::Items(_) => "sequence",
            Self::Fields(_) => "map",
        };
        mismatch(kind, expected)
    }
}

struct LevelVisitor;

impl<'de> Visitor<'de> for LevelVisitor {
    type Value = Level<'de>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Level::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Level::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Level::Signed(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Level::Unsigned(number))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Level::Float)
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Level::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut read = Vec::new();
        while let Some(item) = items.next_element::<&RawValue>()? {
            read.push(Reader(item.get()));
        }
        Ok(Level::Items(read))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut read = Vec::new();
        while let Some(name) = fields.next_key()? {
            read.push((name, Reader(fields.next_value::<&RawValue>()?.get())));
        }
        Ok(Level::Fields(read))
    }
}

/// The text of one value, with no space around it.
#[derive(Clone, Copy)]
struct Reader<'de>(&'de str);

impl<'de> IntoDeserializer<'de, Fault> for Reader<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[allow(clippy::wildcard_enum_match_arm, reason = "whatever else stands there is not what was asked for")]
impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Fault;

    /// A value of any type is serde_json's to read.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        serde_json::Deserializer::from_str(self.0).deserialize_any(visitor).map_err(Fault::custom)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.0 == "null" { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Fault> {
        // The only newtype that is read as one is a raw value, whose name stands for the text.
        visitor.visit_map(MapDeserializer::new(std::iter::once((name, self.0))))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match Level::of(self.0)? {
            Level::Fields(fields) => visitor.visit_map(Entries { left: fields.into_iter(), value: Reader("") }),
            other => Err(other.is_not(&visitor)),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_map(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match Level::of(self.0)? {
            Level::Items(items) => visitor.visit_seq(SeqDeserializer::new(items.into_iter())),
            other => Err(other.is_not(&visitor)),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match Level::of(self.0)? {
            Level::Text(text) => text.into_deserializer().deserialize_enum(name, variants, visitor),
            other => Err(other.is_not(&visitor)),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match Level::of(self.0)? {
            Level::Text(text) => visitor.visit_string(text),
            other => Err(other.is_not(&visitor)),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match Level::of(self.0)? {
            Level::Bool(flag) => visitor.visit_bool(flag),
            other => Err(other.is_not(&visitor)),
        }
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match Level::of(self.0)? {
            Level::Signed(number) => visitor.visit_i64(number),
            Level::Unsigned(number) => visitor.visit_u64(number),
            other => Err(other.is_not(&visitor)),
        }
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_i64(visitor)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 u8 f32 f64 char str bytes byte_buf unit unit_struct tuple_struct identifier
    }
}

/// The fields of an object, one after the other.
struct Entries<'de> {
    left: std::vec::IntoIter<(String, Reader<'de>)>,
    value: Reader<'de>,
}

impl<'de> Entries<'de> {
    #[inline(never)]
    fn next(&mut self) -> Option<StringDeserializer<Fault>> {
        let (name, value) = self.left.next()?;
        self.value = value;
        Some(name.into_deserializer())
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        self.next().map(|name| seed.deserialize(name)).transpose()
    }

    // Once for each type of field, and not once for each field.
    #[inline(never)]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        seed.deserialize(self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize as Derived;
    use serde_json::Value;

    #[derive(Debug, PartialEq, Derived)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Whole {
        flag: bool,
        count: u16,
        stamp: i64,
        text: String,
        kind: Kind,
        #[serde(default)]
        absent: Option<u64>,
        pairs: Vec<(String, String)>,
        any: Value,
    }

    #[derive(Debug, PartialEq, Derived)]
    #[serde(rename_all = "camelCase")]
    enum Kind {
        OnePart,
    }

    const WHOLE: &str = r#" {"flag":true, "count":7,"stamp":-5,"text":"a\n\u00e9","kind":"onePart","absent":null,
        "pairs":[["a","b"], ["c","d"]],"any":{"deep":[1.5,{"x":null}]}} "#;

    #[test]
    fn reads_what_serde_json_reads() {
        let whole: Whole = from_str(WHOLE).unwrap();
        assert_eq!(whole, serde_json::from_str(WHOLE).unwrap());
    }

    #[test]
    fn keeps_raw_values_as_they_stand() {
        let raw: Vec<Box<RawValue>> = from_str(r#"[{"a" : 1.50}, "x" ]"#).unwrap();
        assert_eq!(raw.iter().map(|raw| raw.get()).collect::<Vec<_>>(), [r#"{"a" : 1.50}"#, r#""x""#]);
    }

    #[test]
    fn says_what_is_wrong() {
        let check = |from: &str, to: &str, said: &str| {
            let fault = from_str::<Whole>(&WHOLE.replace(from, to)).unwrap_err().to_string();
            assert!(fault.contains(said), "{to}: {fault}");
        };
        check("\"flag\":true,", "", "missing field `flag`");
        check("\"flag\":true,", "\"flag\":true,\"flag\":true,", "duplicate field `flag`");
        check("true", "1", "invalid type: integer, expected a boolean");
        check("7", "70000", "invalid type: out of range, expected u16");
        check("-5", "-5.5", "invalid type: floating point, expected i64");
        check("\"a\\n\\u00e9\"", "null", "invalid type: null, expected a string");
        check("onePart", "two", "unknown variant `two`");
        check("absent", "other", "unknown field `other`, expected one of `flag`");
        check("[\"a\",\"b\"]", "[\"a\"]", "invalid length 1");
        for (from, to) in [("[\"a\"", "[[\"a\""), ("}} ", "}"), ("}} ", "}} x"), ("1.5", "1.")] {
            assert!(from_str::<Whole>(&WHOLE.replace(from, to)).is_err(), "{to}");
        }
        assert!(from_str::<Whole>("[]").is_err() && from_str::<Kind>("{}").is_err());
    }
}
