//! What the schema tests share: the pattern engine of a backend, and reading fixtures. Asserts nothing of schemas.

use std::fs;
use std::path::Path;

use lastword_protocol::schema::{PatternTest, Schema};
use serde_json::Value;

/// Compiles with `regress`, an engine of the dialect that browsers have.
pub(crate) fn pattern(pattern: &str) -> Result<PatternTest, String> {
    let regex = regress::Regex::with_flags(pattern, "u").map_err(|error| error.to_string())?;
    Ok(Box::new(move |text| regex.find(text).is_some()))
}

/// Compiles `schema`, or says why it cannot.
pub(crate) fn compile(schema: &Value) -> Schema {
    Schema::compile(schema, &pattern).unwrap_or_else(|error| panic!("{error}\n{schema}"))
}

/// The JSON files of a folder of fixtures, with their names.
pub(crate) fn fixtures(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder);
    let mut files: Vec<(String, String)> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
        .collect();
    files.sort();
    files
}
