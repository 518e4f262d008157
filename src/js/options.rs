//! The options object to a checked configuration, every default stated. Never opens anything.

use std::collections::BTreeMap;
use std::rc::Rc;

use js_sys::{Reflect, RegExp};
use lastword_protocol::entity::EntityDef;
use lastword_protocol::json;
use lastword_protocol::limits::{BATCH_BYTES_MAX, BATCH_RECORDS_MAX, PAGE_RECORDS_MAX};
use lastword_protocol::record::{SERVER_ID, SERVER_UPDATED_AT, VERSION};
use lastword_protocol::schema::PatternTest;
use send_wrapper::SendWrapper;
use serde::Deserialize;
use serde_json::Value;
use wasm_bindgen::JsValue;

use crate::browser::{EntityLayout, Layout, codec};
use crate::columns::ColumnNames;
use crate::config::{
    BATCH_BYTES_MIN, Config, DEBOUNCE_MS, Detect, EntityConfig, EntityDeclaration, INTERVAL_MS, Policy, Since, Style,
};
use crate::engine::state::Pace;
use crate::error::Error;
use crate::mapping::{FieldNames, Times};

/// What the app gives.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Options {
    database: String,
    #[serde(default)]
    attached: bool,
    /// Whose records these are; none where the app has no accounts.
    #[serde(default)]
    pub(super) account: Option<String>,
    /// May be absent where the app's types declare them.
    #[serde(default)]
    entities: BTreeMap<String, EntityOptions>,
    pub(super) backend: BackendOptions,
    /// 30,000 when absent.
    #[serde(default)]
    interval_ms: Option<i64>,
    /// 500 when absent.
    #[serde(default)]
    debounce_ms: Option<i64>,
    /// The protocol's 10 when absent.
    #[serde(default)]
    tries: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EntityOptions {
    /// The object store; the entity's name when absent.
    #[serde(default)]
    store: Option<String>,
    /// `/api/v1/{name}` when absent.
    #[serde(default)]
    path: Option<String>,
    /// The path and `/batch` when absent.
    #[serde(default)]
    push_path: Option<String>,
    #[serde(default)]
    query: BTreeMap<String, String>,
    #[serde(default)]
    schema: Option<Value>,
    #[serde(default)]
    references: BTreeMap<String, String>,
    #[serde(default)]
    fields: FieldNames,
    /// How its rows are kept: one by one when absent.
    #[serde(default)]
    layout: LayoutOption,
    /// The form of the times in those fields: milliseconds when absent.
    #[serde(default)]
    times: Times,
    /// The columns of its rows that show their sync; none when absent.
    #[serde(default)]
    status_fields: Option<Value>,
    #[serde(default)]
    detect: Detect,
    #[serde(default)]
    conflicts: Policy,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum LayoutOption {
    /// A value for each row.
    #[default]
    Rows,
    /// Many rows to a value.
    Packed,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct BackendOptions {
    /// Absent only in custom style.
    #[serde(default)]
    pub(super) url: Option<String>,
    #[serde(default)]
    pub(super) style: StyleOption,
    #[serde(default)]
    since: SinceOption,
    /// 30,000 when absent.
    #[serde(default)]
    overlap_ms: Option<i64>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    /// Sends large bodies as gzip.
    #[serde(default)]
    gzip: bool,
    /// The protocol's 100 when absent.
    #[serde(default)]
    batch_records: Option<usize>,
    /// The protocol's 1 MiB when absent.
    #[serde(default)]
    batch_bytes: Option<usize>,
    /// The protocol's 1,000 when absent.
    #[serde(default)]
    page_records: Option<usize>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum StyleOption {
    #[default]
    Resource,
    Changeset,
    /// The app's own functions.
    Custom,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
enum SinceOption {
    #[default]
    Cursor,
    Time,
}

impl BackendOptions {
    /// The base URL of a backend that has one.
    ///
    /// # Errors
    /// [`Error::Config`] where it is missing.
    pub(super) fn base(&self) -> Result<&str, Error> {
        self.url.as_deref().ok_or_else(|| config("`backend.url` must be the base URL of the backend".into()))
    }

    fn since(&self) -> Result<Since, Error> {
        match (self.since, self.style) {
            (SinceOption::Cursor, _) => Ok(Since::Cursor),
            (SinceOption::Time, StyleOption::Resource) => {
                let overlap_ms = self.overlap_ms.unwrap_or(OVERLAP_MS);
                Ok(Since::Time { overlap_ms: within("backend.overlapMs", overlap_ms, 0, OVERLAP_MAX_MS)? })
            }
            (SinceOption::Time, StyleOption::Changeset | StyleOption::Custom) => {
                Err(config("`backend.since: \"time\"` is for backends of style `resource`".into()))
            }
        }
    }
}

/// Everything that the options lead to.
pub(super) struct Parsed {
    pub(super) config: Rc<Config>,
    pub(super) layout: Layout,
    pub(super) options: Options,
}

/// The entities that an app's own types declare.
pub type Types = Vec<(String, EntityDeclaration)>;

/// Reads and checks the options object; `types` are declared already, and the options may say more of them.
///
/// # Errors
/// [`Error::Config`] with one sentence that says what to change.
pub(super) fn parse(given: &JsValue, mut types: Types) -> Result<Parsed, Error> {
    let mut options: Options =
        codec::from_js(given).map_err(|error| config(format!("the options are not valid: {error}")))?;
    let mut declared_by_app = std::mem::take(&mut options.entities);
    for (name, _) in &types {
        declared_by_app.entry(name.clone()).or_default();
    }
    let mut declared = Vec::new();
    let mut layouts: Vec<EntityLayout> = Vec::new();
    for (name, entity) in declared_by_app {
        let store = entity.store.unwrap_or_else(|| name.clone());
        if let Some(other) = layouts.iter().find(|layout| layout.store == store) {
            return Err(config(format!(
                "the entities `{}` and `{name}` share the store `{store}`: give each its own",
                other.name
            )));
        }
        let packed = entity.layout == LayoutOption::Packed;
        if packed && (options.attached || entity.detect == Detect::Scan) {
            return Err(config(format!(
                "entity `{name}`: layout \"packed\" keeps rows that only lastword reads and writes: leave out `attached` and `detect`, or the layout"
            )));
        }
        let columns = entity.status_fields.map(column_names).transpose()?.unwrap_or_default();
        let write_back = columns != ColumnNames::default() || names_server_field(given, &name);
        let names = FieldNames { times: entity.times, columns, ..entity.fields };
        let own_rows = !options.attached && entity.detect == Detect::Exact;
        layouts.push(EntityLayout { name: name.clone(), store, names: names.clone(), own_rows, packed });
        let place = types.iter().position(|(typed, _)| *typed == name);
        let typed = place.map(|place| types.swap_remove(place).1).unwrap_or_default();
        let mut references = typed.def.references;
        references.extend(entity.references);
        let def = EntityDef { path: entity.path.or(typed.def.path), schema: entity.schema, references };
        let declaration = EntityDeclaration {
            def,
            accepts: typed.accepts,
            names,
            push_path: entity.push_path,
            query: entity.query,
            detect: entity.detect,
            policy: entity.conflicts,
            write_back,
        };
        declared.push((name, declaration));
    }
    let style = match options.backend.style {
        StyleOption::Resource | StyleOption::Custom => Style::Resource,
        StyleOption::Changeset => Style::Changeset,
    };
    let mut checked = Config::new(declared, style, &compile_pattern)?;
    checked.since = options.backend.since()?;
    checked.gzip = options.backend.gzip;
    let pace = pace(options.interval_ms, options.debounce_ms)?;
    checked.interval_ms = pace.interval_ms.unwrap_or(INTERVAL_MS);
    checked.debounce_ms = pace.debounce_ms.unwrap_or(DEBOUNCE_MS);
    if let Some(records) = options.backend.batch_records {
        checked.batch_records = within("backend.batchRecords", records, 1, BATCH_RECORDS_MAX)?;
    }
    if let Some(bytes) = options.backend.batch_bytes {
        checked.batch_bytes = within("backend.batchBytes", bytes, BATCH_BYTES_MIN, BATCH_BYTES_MAX)?;
    }
    if let Some(tries) = options.tries {
        checked.tries_max = within("tries", tries, 1, TRIES_MAX)?;
    }
    if let Some(records) = options.backend.page_records {
        checked.page_records = within("backend.pageRecords", records, 1, PAGE_RECORDS_MAX)?;
    }
    let layout_of = |entity: &EntityConfig| layouts.iter().find(|layout| layout.name == entity.name).cloned();
    let entities = checked.entities.iter().filter_map(layout_of).collect();
    let layout = Layout { database: options.database.clone(), attached: options.attached, entities };
    Ok(Parsed { config: Rc::new(checked), layout, options })
}

/// True where the app names a field that the backend fills, be it by its own name: its rows then show what an
/// acknowledgement says.
fn names_server_field(options: &JsValue, entity: &str) -> bool {
    let at = |value: JsValue, name: &str| Reflect::get(&value, &name.into()).unwrap_or(JsValue::UNDEFINED);
    let fields = at(at(at(options.clone(), "entities"), entity), "fields");
    [SERVER_UPDATED_AT, SERVER_ID, VERSION].into_iter().any(|name| !at(fields.clone(), name).is_undefined())
}

/// All five columns under the names of one style, or names for some.
fn column_names(option: Value) -> Result<ColumnNames, Error> {
    match option.as_str() {
        Some("snake_case") => Ok(ColumnNames::snake_case()),
        Some("camelCase") => Ok(ColumnNames::camel_case()),
        _ => json::from_str(&option.to_string()).map_err(|error| {
            config(format!(
                "the options are not valid: `statusFields` must be \"snake_case\", \"camelCase\" or names: {error}"
            ))
        }),
    }
}

/// Checks how often to sync by itself.
///
/// # Errors
/// [`Error::Config`] names the option and its range.
pub(super) fn pace(interval_ms: Option<i64>, debounce_ms: Option<i64>) -> Result<Pace, Error> {
    let checked = |name, value: Option<i64>, min| value.map(|value| within(name, value, min, PACE_MAX_MS)).transpose();
    Ok(Pace {
        interval_ms: checked("intervalMs", interval_ms, INTERVAL_MIN_MS)?,
        debounce_ms: checked("debounceMs", debounce_ms, 0)?,
    })
}

/// Compiles a schema's `pattern` with the browser's own engine, in Unicode mode.
fn compile_pattern(pattern: &str) -> Result<PatternTest, String> {
    // The constructor throws on a bad pattern, which a direct call would not catch.
    let regexp = Reflect::get(&js_sys::global(), &"RegExp".into())
        .and_then(|class| Reflect::construct(&class.into(), &js_sys::Array::of2(&pattern.into(), &"u".into())))
        .map_err(|_| format!("`{pattern}` is not a regular expression"))?;
    let regexp = SendWrapper::new(RegExp::from(regexp));
    Ok(Box::new(move |text| regexp.test(text)))
}

fn within<T: PartialOrd + std::fmt::Display + Copy>(name: &str, value: T, min: T, max: T) -> Result<T, Error> {
    if min <= value && value <= max { Ok(value) } else { Err(config(format!("`{name}` must be from {min} to {max}"))) }
}

fn config(message: String) -> Error {
    Error::Config { message }
}

/// More would hide a fault.
const TRIES_MAX: u32 = 100;
/// Syncing by itself more often would be noise.
const INTERVAL_MIN_MS: i64 = 1_000;
/// How far a pull by time looks back.
const OVERLAP_MS: i64 = 30_000;
const OVERLAP_MAX_MS: i64 = 3_600_000;
/// A day.
const PACE_MAX_MS: i64 = 86_400_000;
