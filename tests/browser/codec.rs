//! What crosses between JavaScript and JSON unchanged does cross; everything else is refused by its path.

use lastword::browser::codec::{object_from_js, record_to_js, row_from_js, row_to_json};
use lastword::mapping::FieldNames;
use lastword::protocol::limits::{OBJECT_KEYS_MAX, PAYLOAD_DEPTH_MAX};
use lastword::record::{Row, Stamp, StoredRow, Synced};
use wasm_bindgen_test::wasm_bindgen_test;

use super::js;
use crate::contract::record;

fn refused(source: &str, path: &str, reason: &str) {
    match object_from_js(&js::value(source)) {
        Ok(object) => panic!("{source} was taken as {object:?}"),
        Err(error) => assert!(error.starts_with(&format!("{path}: ")) && error.contains(reason), "{source}: {error}"),
    }
}

fn taken(source: &str, json: &str) {
    let object = object_from_js(&js::value(source)).unwrap_or_else(|error| panic!("{source}: {error}"));
    assert_eq!(serde_json::Value::Object(object).to_string(), json, "{source}");
}

#[wasm_bindgen_test]
fn what_json_cannot_hold_is_refused_by_its_path() {
    refused("{a: {b: [1, new Date(0)]}}", "/a/b/1", "Date");
    refused("{a: NaN}", "/a", "not finite");
    refused("{a: [-Infinity]}", "/a/0", "not finite");
    refused("{a: -0}", "/a", "-0");
    refused("{a: 9007199254740992}", "/a", "2^53");
    refused("{a: -1e20}", "/a", "2^53");
    refused("{a: 1n}", "/a", "bigint");
    refused("{a: Symbol('x')}", "/a", "symbol");
    refused("{a: () => 1}", "/a", "function");
    refused("{a: new Map()}", "/a", "Map");
    refused("{a: new Set([1])}", "/a", "Set");
    refused("{a: new Blob(['x'])}", "/a", "Blob");
    refused("{a: new Uint8Array(2)}", "/a", "Uint8Array");
    refused("{a: new Float64Array(2)}", "/a", "Float64Array");
    refused("{a: new ArrayBuffer(2)}", "/a", "ArrayBuffer");
    refused("{a: /x/}", "/a", "RegExp");
    refused("{a: new (class Point { x = 1 })}", "/a", "Point");
    refused("{a: new Number(1)}", "/a", "Number");
    refused("{a: [1, undefined]}", "/a/1", "undefined");
    refused("{a: [1,,2]}", "/a/1", "undefined");
    refused("{a: {get b() { throw new Error('no') }}}", "/a", "cannot be read");
}

#[wasm_bindgen_test]
fn text_that_is_no_unicode_is_refused() {
    refused(r"{a: '\ud800'}", "/a", "lone surrogate");
    refused(r"{a: ['x\udc00y']}", "/a/0", "lone surrogate");
    refused(r"{a: {'\ud800': 1}}", "/a", "lone surrogate");
}

#[wasm_bindgen_test]
fn keys_that_reach_a_prototype_are_refused() {
    refused("JSON.parse('{\"a\": {\"__proto__\": 1}}')", "/a", "__proto__");
    refused("{constructor: 1}", "", "constructor");
    refused("{a: [{prototype: 1}]}", "/a/0", "prototype");
}

#[wasm_bindgen_test]
fn depth_and_breadth_have_limits() {
    let nested = |depth: usize| format!("{}1{}", "{a: ".repeat(depth), "}".repeat(depth));
    taken(&nested(PAYLOAD_DEPTH_MAX), &nested(PAYLOAD_DEPTH_MAX).replace("a: ", "\"a\":"));
    for inmost in ["{}", "[]", "{a: 1}"] {
        let error = object_from_js(&js::value(&nested(PAYLOAD_DEPTH_MAX).replace('1', inmost))).unwrap_err();
        assert!(error.contains("deeper"), "{inmost}: {error}");
    }
    // A value that holds itself ends at the same limit.
    let error = object_from_js(&js::value("(() => { const a = {}; a.a = a; return a })()")).unwrap_err();
    assert!(error.contains("deeper"), "{error}");
    let broad = |keys: usize| format!("Object.fromEntries(Array.from({{length: {keys}}}, (_, i) => ['k' + i, i]))");
    assert_eq!(object_from_js(&js::value(&broad(OBJECT_KEYS_MAX))).unwrap().len(), OBJECT_KEYS_MAX);
    assert!(object_from_js(&js::value(&broad(OBJECT_KEYS_MAX + 1))).unwrap_err().contains("keys"));
}

#[wasm_bindgen_test]
fn what_is_no_object_is_no_record() {
    for source in ["null", "undefined", "1", "'x'", "[]", "true"] {
        assert!(object_from_js(&js::value(source)).is_err(), "{source}");
    }
}

#[wasm_bindgen_test]
fn what_json_holds_is_taken_as_it_is() {
    taken("{}", "{}");
    taken("{a: null, b: true, c: [], d: {}}", r#"{"a":null,"b":true,"c":[],"d":{}}"#);
    taken("{a: undefined, b: 1}", r#"{"b":1}"#);
    taken("{a: 1.0, b: 0.1, c: 1e21, d: -9007199254740991}", r#"{"a":1,"b":0.1,"c":1e+21,"d":-9007199254740991}"#);
    taken(r"{a: '\ud83d\ude00', 'é\u0000': '\uffff'}", "{\"a\":\"\u{1f600}\",\"\u{e9}\\u0000\":\"\u{ffff}\"}");
    taken("Object.assign(Object.create(null), {a: 1})", r#"{"a":1}"#);
    taken("Object.freeze({a: Object.freeze([1])})", r#"{"a":[1]}"#);
    // Only what is the object's own, and only by text.
    taken("Object.assign({[Symbol('s')]: 1}, {a: 1})", r#"{"a":1}"#);
}

#[wasm_bindgen_test]
fn a_row_is_shown_without_our_mark() {
    let names = FieldNames { id: "key".into(), ..FieldNames::default() };
    let mark = Synced { stamp: Stamp(7), hash: Some(9) };
    let row = row_to_json(Row { record: record("a", 7), synced: Some(mark) }, None, &names).unwrap();
    let row = js_sys::JSON::parse(&row).unwrap();
    assert!(js_sys::Reflect::has(&row, &"_synced".into()).unwrap());
    assert_eq!(js_sys::Reflect::get(&row, &"key".into()).unwrap(), "a");
    for own in [true, false] {
        let StoredRow::Row(read) = row_from_js(&row, &names, own) else { panic!("it was written by us") };
        assert_eq!((read.record, read.synced), (record("a", 7), Some(mark)));
    }
    let shown = record_to_js(record("a", 7), &names).unwrap();
    assert!(!js_sys::Reflect::has(&shown, &"_synced".into()).unwrap());
}

#[wasm_bindgen_test]
fn a_row_that_is_no_record_says_why() {
    for (source, reason) in [
        ("{id: 'a', clientUpdatedAt: 1, when: new Date(0)}", "/when"),
        ("{id: 'a'}", "clientUpdatedAt"),
        ("{id: 7, clientUpdatedAt: 1}", "id"),
        ("'text'", "object"),
    ] {
        match row_from_js(&js::value(source), &FieldNames::default(), false) {
            StoredRow::Row(row) => panic!("{source}: {row:?}"),
            StoredRow::Unreadable(said) => assert!(said.contains(reason), "{source}: {said}"),
        }
    }
}
