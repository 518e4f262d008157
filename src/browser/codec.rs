//! Records to stored values and back. Never lets a value through that JSON would change.

use js_sys::{Array, JSON, JsString, Number, Object, Reflect};
use lastword_protocol::json;
use lastword_protocol::limits::{INTEGER_MAX, OBJECT_KEYS_MAX, PAYLOAD_DEPTH_MAX};
use lastword_protocol::strict::parse_object;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

use super::stores::SYNCED;
use crate::columns::{ColumnNames, Columns};
use crate::mapping::FieldNames;
use crate::record::{Fields, Record, Row, StoredRow, Synced};

/// Any serializable value as JSON.
///
/// # Errors
/// What cannot be held.
pub fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<String, String> {
    held(serde_json::to_string(value))
}

/// Once for all types.
#[inline(never)]
fn held(json: serde_json::Result<String>) -> Result<String, String> {
    json.map_err(|error| without_place(error.to_string()))
}

/// Any serializable value as a plain JavaScript value. Goes through JSON text: smaller than a second serializer, and
/// the browser's own parser builds objects faster than calls from here do.
///
/// # Errors
/// What cannot be held.
pub fn to_js<T: Serialize + ?Sized>(value: &T) -> Result<JsValue, String> {
    to_json(value).and_then(|json| parse(&json))
}

/// A typed value from a plain JavaScript value that JSON can hold.
///
/// # Errors
/// What is missing or of the wrong type.
pub fn from_js<T: DeserializeOwned>(value: &JsValue) -> Result<T, String> {
    json::from_str(&text_of(value)?).map_err(|error| without_place(error.to_string()))
}

/// The value that JSON text stands for.
///
/// # Errors
/// That it is none.
pub fn parse(json: &str) -> Result<JsValue, String> {
    JSON::parse(json).map_err(|_| "it is no JSON".to_owned())
}

/// What stands for a value that cannot be read, for a person.
#[must_use]
pub fn raw(value: &JsValue) -> String {
    text_of(value).unwrap_or_else(|reason| reason)
}

fn text_of(value: &JsValue) -> Result<String, String> {
    let text = JSON::stringify(value).map_err(|_| "it is not a plain value".to_owned())?;
    // Undefined and functions have no JSON.
    Ok(text.as_string().unwrap_or_else(|| "null".to_owned()))
}

/// What is wrong, without the place in a text that nobody sees.
fn without_place(mut said: String) -> String {
    said.truncate(said.rfind(" at line ").unwrap_or(said.len()));
    said
}

/// A row as the app stores it, as JSON.
///
/// # Errors
/// What cannot be held.
pub fn row_to_json(row: Row, columns: Option<Columns>, names: &FieldNames) -> Result<String, String> {
    let mut object = names.object(row.record);
    if let Some(columns) = columns {
        columns.add_to(&mut object, names);
    }
    if let Some(synced) = row.synced {
        object.insert(SYNCED.to_owned(), Value::String(synced.to_string()));
    }
    to_json(&object)
}

/// A record as the app sees it: the row without lastword's own mark.
///
/// # Errors
/// What cannot be held.
pub fn record_to_js(record: Record, names: &FieldNames) -> Result<JsValue, String> {
    to_js(&names.object(record))
}

/// What stands where a row should be. Where the rows are `own` ones, nothing is looked for that JSON cannot hold.
#[must_use]
pub fn row_from_js(value: &JsValue, names: &FieldNames, own: bool) -> StoredRow {
    let fields = if own { text_of(value).and_then(|json| fields_from_json(&json)) } else { object_from_js(value) };
    row_of(fields, names)
}

/// What the fields of a stored row stand for.
#[must_use]
pub fn row_of(fields: Result<Fields, String>, names: &FieldNames) -> StoredRow {
    let decoded = fields.and_then(|mut object| {
        let synced = object.remove(SYNCED);
        let synced = synced.and_then(|mark| Synced::parse(mark.as_str()?));
        let record = names.record(object)?;
        Ok(Row { record, synced })
    });
    match decoded {
        Ok(row) => StoredRow::Row(row),
        Err(reason) => StoredRow::Unreadable(reason),
    }
}

/// True for the row of a tombstone.
#[must_use]
pub fn is_deleted(row: &JsValue, names: &FieldNames) -> bool {
    let field = |name: &str| Reflect::get(row, &name.into()).unwrap_or(JsValue::UNDEFINED);
    match &names.deleted_at {
        Some(name) => !field(name).loose_eq(&JsValue::NULL),
        None => field(&names.is_deleted).is_truthy(),
    }
}

/// Takes lastword's own mark off a row that was read.
pub fn take_mark(row: &JsValue) {
    // A plain object lets any field go.
    let _ = Reflect::delete_property(row.unchecked_ref::<Object>(), &SYNCED.into());
}

/// The status columns of a row, where it has any.
#[must_use]
pub fn columns_from_js(value: &JsValue, names: &FieldNames) -> Option<Columns> {
    if names.columns == ColumnNames::default() {
        return None;
    }
    let shown = Object::new();
    show_columns(value, &shown, names);
    Some(Columns::of(&object_from_js(&shown).ok()?, names))
}

/// Copies the status columns of a row to what the app is shown.
pub fn show_columns(row: &JsValue, shown: &JsValue, names: &FieldNames) {
    for name in names.columns.iter().map(JsValue::from) {
        if let Some(value) = Reflect::get(row, &name).ok().filter(|value| !value.is_undefined()) {
            // A plain object takes any field.
            let _ = Reflect::set(shown, &name, &value);
        }
    }
}

/// A JSON object from a JavaScript object.
///
/// # Errors
/// The path of the first value that JSON cannot hold, and what it is.
pub fn object_from_js(value: &JsValue) -> Result<Fields, String> {
    // Every step from here into a JavaScript value costs more than the browser takes for the whole of one.
    let is_plain = is_plain_json(value, PAYLOAD_DEPTH_MAX).is_ok_and(|is_plain| is_plain);
    let text = if is_plain { text_of(value) } else { Err("it is no plain value".to_owned()) };
    let object = text.and_then(|text| parse_object(&text).map_err(|error| error.reason));
    object.map_err(|reason| fault_of(value, &mut String::new(), 0).err().unwrap_or(reason))
}

/// The fields of a row of ours from its JSON.
///
/// # Errors
/// What is wrong with it.
pub fn fields_from_json(json: &str) -> Result<Fields, String> {
    match serde_json::from_str(json).map_err(|error| without_place(error.to_string()))? {
        Value::Object(fields) => Ok(fields),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err("a record must be an object".into())
        }
    }
}

/// Fails with the first value that JSON cannot hold.
fn fault_of(value: &JsValue, path: &mut String, depth: usize) -> Result<(), String> {
    if value.is_null() || value.as_bool().is_some() {
        return Ok(());
    }
    if let Some(text) = value.dyn_ref::<JsString>() {
        // A lone surrogate would silently become U+FFFD on its way into wasm.
        return if text.is_well_formed() { Ok(()) } else { Err(format!("{path}: {LONE}")) };
    }
    if let Some(number) = value.as_f64() {
        return number_fault(number).map_or(Ok(()), |reason| Err(format!("{path}: {reason}")));
    }
    // What is left holds others, even where it is empty.
    if depth >= PAYLOAD_DEPTH_MAX {
        return Err(format!("{path}: nested deeper than {PAYLOAD_DEPTH_MAX}"));
    }
    if let Some(array) = value.dyn_ref::<Array>() {
        let mut items = array.iter().enumerate();
        return items.try_for_each(|(index, item)| fault_at(&item, &index.to_string(), path, depth));
    }
    if is_plain(value) {
        return field_fault(value.unchecked_ref(), path, depth);
    }
    Err(format!("{path}: {} cannot be held by JSON", kind(value)))
}

fn fault_at(value: &JsValue, name: &str, path: &mut String, depth: usize) -> Result<(), String> {
    let length = path.len();
    path.push('/');
    path.push_str(name);
    fault_of(value, path, depth + 1)?;
    path.truncate(length);
    Ok(())
}

fn number_fault(number: f64) -> Option<&'static str> {
    #[allow(clippy::cast_precision_loss, reason = "2^53 - 1 is exact")]
    let integer_max = INTEGER_MAX as f64;
    if !number.is_finite() {
        Some("a number that is not finite")
    } else if number == 0.0 && number.is_sign_negative() {
        Some("-0, which JSON would change to 0")
    } else if number.fract() == 0.0 && number.abs() > integer_max && number.abs() < NUMBER_WRITTEN_AS_INTEGER_MAX {
        Some("an integer beyond 2^53 - 1")
    } else {
        None
    }
}

fn field_fault(object: &Object, path: &mut String, depth: usize) -> Result<(), String> {
    let keys = Object::keys(object);
    if keys.length() as usize > OBJECT_KEYS_MAX {
        return Err(format!("{path}: more than {OBJECT_KEYS_MAX} keys"));
    }
    for key in keys.iter() {
        let value = Reflect::get(object, &key).map_err(|_| format!("{path}: a field that cannot be read"))?;
        // An absent field and an undefined one read the same.
        if value.is_undefined() {
            continue;
        }
        let Some(name) = key.dyn_ref::<JsString>().filter(|name| name.is_well_formed()).map(String::from) else {
            return Err(format!("{path}: {LONE} in a field name"));
        };
        if lastword_protocol::strict::FORBIDDEN_KEYS.contains(&name.as_str()) {
            return Err(format!("{path}: a field called {name}"));
        }
        fault_at(&value, &name, path, depth)?;
    }
    Ok(())
}

fn is_plain(value: &JsValue) -> bool {
    if !value.is_object() {
        return false;
    }
    let prototype = Object::get_prototype_of(value);
    // The base prototype of any realm has none of its own.
    prototype.is_null() || Object::get_prototype_of(&prototype).is_null()
}

fn kind(value: &JsValue) -> String {
    if value.is_undefined() {
        return "undefined".into();
    }
    if !value.is_object() {
        return value.js_typeof().as_string().unwrap_or_default();
    }
    let constructor = Object::get_prototype_of(value).constructor();
    String::from(constructor.name())
}

/// The array key of a record in lastword's own stores.
#[must_use]
pub fn key_to_js(entity: &str, id: &str) -> JsValue {
    Array::of2(&entity.into(), &id.into()).into()
}

/// A number that IndexedDB takes as a key.
#[allow(clippy::cast_precision_loss, reason = "times count below 2^53")]
#[must_use]
pub fn time_to_js(time: i64) -> JsValue {
    Number::from(time as f64).into()
}

#[wasm_bindgen(module = "/src/browser/bulk.js")]
extern "C" {
    /// False where JSON would change the value, and where it may. Throws where a field of it does.
    #[wasm_bindgen(js_name = isPlain, catch)]
    fn is_plain_json(value: &JsValue, depth: usize) -> Result<bool, JsValue>;
}

const LONE: &str = "a lone surrogate, which is no Unicode text";
/// `JSON.stringify` writes integers below 10^21 in full, and a strict reader refuses those beyond 2^53 - 1.
const NUMBER_WRITTEN_AS_INTEGER_MAX: f64 = 1e21;
