//! docs/schema.md tells the truth: its example compiles, and each keyword of its table is in the suite.

#![allow(clippy::unwrap_used, reason = "a document that cannot be read fails its test")]

mod schema_support;

use schema_support::{compile, fixtures};

const DOCS: &str = include_str!("../../docs/schema.md");

#[test]
fn the_example_compiles() {
    let (_, rest) = DOCS.split_once("```json\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    compile(&serde_json::from_str(example).unwrap());
}

#[test]
fn each_keyword_of_the_table_has_a_case_in_the_suite() {
    let (_, subset) = DOCS.split_once("## The subset").unwrap();
    let rows = subset.lines().skip_while(|line| !line.starts_with("| ---")).skip(1);
    let cells = rows.take_while(|line| line.starts_with('|')).map(|line| line.split('|').nth(1).unwrap());
    let keywords: Vec<&str> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    let suite: String = fixtures("suite").into_iter().map(|(_, text)| text).collect();
    for keyword in &keywords {
        let used = suite.contains(&format!("\"{keyword}\":")) || suite.contains(&format!("\"schema\": {keyword}"));
        assert!(used, "`{keyword}` has no case");
    }
    assert!(keywords.len() > 40, "the table was not found");
}
