//! App fields as canonical JSON (RFC 8785): one text for one content, whoever writes it. Never reads any.

use serde_json::Value;

use crate::record::Fields;

/// The app fields as canonical JSON.
#[must_use]
pub(crate) fn canonical(fields: &Fields) -> Vec<u8> {
    let mut out = Vec::new();
    write_object(fields, &mut out);
    out
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        // All numbers are JavaScript's, and spelt as it spells them.
        Value::Number(number) => {
            let number = number.as_f64().unwrap_or_default();
            out.extend_from_slice(ryu_js::Buffer::new().format_finite(number).as_bytes());
        }
        Value::Array(items) => {
            out.push(b'[');
            for (place, item) in items.iter().enumerate() {
                separate(place, out);
                write(item, out);
            }
            out.push(b']');
        }
        Value::Object(fields) => write_object(fields, out),
        Value::String(text) => write_text(text, out),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Null => out.extend_from_slice(b"null"),
    }
}

/// Names stand in the order of their UTF-16 units. They come in that of their bytes, which is the same for nearly all of them.
fn write_object(fields: &Fields, out: &mut Vec<u8>) {
    let mut sorted: Vec<(&String, &Value)> = Vec::with_capacity(fields.len());
    for (name, value) in fields {
        let is_before = |(other, _): &(&String, &Value)| other.encode_utf16().lt(name.encode_utf16());
        let place = if sorted.last().is_none_or(is_before) { sorted.len() } else { sorted.partition_point(is_before) };
        sorted.insert(place, (name, value));
    }
    out.push(b'{');
    for (place, (name, value)) in sorted.into_iter().enumerate() {
        separate(place, out);
        write_text(name, out);
        out.push(b':');
        write(value, out);
    }
    out.push(b'}');
}

fn separate(place: usize, out: &mut Vec<u8>) {
    if place > 0 {
        out.push(b',');
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    // Memory takes every text.
    let _ = serde_json::to_writer(out, text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn assert_canonical(fields: &Value) {
        let own = canonical(fields.as_object().unwrap());
        let theirs = serde_json_canonicalizer::to_vec(fields).unwrap();
        assert_eq!(String::from_utf8(own).unwrap(), String::from_utf8(theirs).unwrap());
    }

    #[test]
    fn names_and_texts_are_those_of_the_reference() {
        assert_canonical(&json!({}));
        assert_canonical(
            &json!({"b": [], "a": {}, "": null, "aa": true, "A": [false, [1, [{}]]], "1": {"z": 1, "y": 2}}),
        );
        // The first sorts before the second by UTF-16 and after it by bytes.
        assert_canonical(&json!({"\u{10000}": 1, "\u{ffff}": 2, "é": 3, "e\u{301}": 4, "€": 5, "\r": 6, "\u{80}": 7}));
        let all: String = (0..0x300).filter_map(char::from_u32).chain("\u{2028}\u{2029}\u{feff}😀".chars()).collect();
        assert_canonical(&json!({ "text": all, all.clone(): 1 }));
    }

    #[test]
    fn numbers_are_those_of_the_reference() {
        let edges = [0.0, -0.0, 1.0, -1.5, 1e20, 1e21, 123e18, 1e-6, 1e-7, 0.1 + 0.2, 4.5e-320, f64::MAX, 5e-324];
        assert_canonical(&json!({ "edges": edges, "whole": [i64::MIN, -1, 0, 9_007_199_254_740_993_i64, u64::MAX] }));
        // Every exponent, each with bits that look like chance.
        let bits = (0..0x7ff_u64).map(|exponent| exponent << 52 | exponent.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 12);
        let numbers: Vec<f64> = bits.flat_map(|bits| [f64::from_bits(bits), -f64::from_bits(bits)]).collect();
        assert_canonical(&json!({ "numbers": numbers }));
    }
}
