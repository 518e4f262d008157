//! docs/seeds.md has every row, and each row names tests that exist. Never runs them: the other suites do.

use std::fs;
use std::path::Path;

/// The rows of each app: a letter, and how many.
const ROWS: [(char, usize); 5] = [('W', 13), ('G', 15), ('S', 5), ('M', 10), ('C', 8)];

#[test]
fn every_requirement_names_tests_that_exist() {
    let page = include_str!("../docs/seeds.md");
    let rows: Vec<(&str, &str)> = page.lines().filter_map(row).collect();
    let ids: Vec<&str> = rows.iter().map(|(id, _)| *id).collect();
    let wanted: Vec<String> =
        ROWS.iter().flat_map(|(letter, count)| (1..=*count).map(move |number| format!("{letter}{number}"))).collect();
    assert_eq!(ids, wanted);
    for (id, shown_by) in rows {
        for test in shown_by.split("<br>") {
            assert!(exists(test), "{id}: there is no test {test}");
        }
    }
}

/// The id and the tests of a line that is a row of an app.
fn row(line: &str) -> Option<(&str, &str)> {
    let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
    let [id, _, _, shown_by] = cells[..] else { return None };
    id.contains(|letter: char| letter.is_ascii_digit()).then_some((id, shown_by))
}

/// Whether `[name](../path) “title”` is a test in the file of that path.
fn exists(test: &str) -> bool {
    let parts = test.split_once("](../").and_then(|(_, rest)| rest.split_once(") “"));
    let Some((path, title)) = parts.and_then(|(path, title)| Some((path, title.strip_suffix('”')?))) else {
        return false;
    };
    let Ok(source) = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)) else { return false };
    match path.ends_with(".rs") {
        true => source.contains(&format!("fn {title}(")),
        false => source.contains(&format!("\"{title}\",")),
    }
}
