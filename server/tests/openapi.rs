//! The API document: never stale, complete, and true when a fuzzer takes it at its word.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use axum::body::Body;
use serde_json::Value;
use support::postgres::say;
use support::process::{PROGRAM, Process, run, user_key};

const ENTITIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/entities.json");
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");

fn generated() -> String {
    let (code, document, error) = run(&["openapi", "--entities", ENTITIES]);
    assert_eq!(code, Some(0), "{error}");
    document + "\n"
}

#[test]
fn the_document_in_the_repository_is_the_generated_one() {
    let kept = std::fs::read_to_string(DOCUMENT).unwrap_or_default();
    assert!(
        kept == generated(),
        "write it anew: lastword-server openapi --entities server/tests/entities.json > server/openapi.json"
    );
}

#[tokio::test]
async fn the_server_gives_its_document_and_the_page() {
    let app = support::App::new().await;
    let document = app.get("/openapi.json").await.ok();
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"][support::BATCH]["post"].is_object());
    let open = axum::http::Request::builder().uri("/docs").body(Body::empty()).unwrap();
    let page = app.send(open).await;
    assert_eq!(
        (page.status.as_u16(), &page.headers["content-type"]),
        (200, &"text/html; charset=utf-8".parse().unwrap())
    );
    assert!(page.headers["content-security-policy"].to_str().unwrap().contains("connect-src 'self'"));
}

/// Every path that an error can come from says what errors look like, and every one but health needs a token.
#[test]
fn every_path_says_who_may_call_and_how_it_fails() {
    let document: Value = serde_json::from_str(&generated()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            assert!(operation["responses"]["default"].is_object(), "{path}");
            let open = ["/health", "/ready"].contains(&path.as_str());
            assert_eq!(operation["security"].is_array(), !open, "{path}");
            assert!(operation["summary"].is_string(), "{path}");
        }
    }
}

/// Schemathesis (PyPI) tries whatever the document allows, and what it does not, on a live server.
#[test]
fn schemathesis_finds_no_fault() {
    let Some(program) = schemathesis() else {
        say("SKIPPED schemathesis: it needs python3 with venv, and PyPI");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("test.db").to_string_lossy().into_owned();
    let key = user_key(&database, "ann");
    let mut command = Command::new(PROGRAM);
    command.args(["serve", "--listen", "127.0.0.1:0", "--entities", ENTITIES, "--requests-per-second", "0"]);
    let server = Process::started(command.args(["--database", &database])).unwrap();
    let output = Command::new(program)
        .args(["run", &format!("{}/openapi.json", server.url), "--header", &format!("Authorization: Bearer {key}")])
        // The event stream never ends. An invalid record is refused in a 200, one by one; a cursor is valid only if it
        // was given, an idempotency key only with one body: a schema can say neither.
        .args(["--exclude-path", "/api/v1/events"])
        .args(["--exclude-checks", "negative_data_rejection,positive_data_acceptance"])
        .args(["--max-examples", "15", "--seed", "1", "--no-color"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// In an environment of its own, kept between runs.
fn schemathesis() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schemathesis");
    let program = folder.join("bin/schemathesis");
    let works = |program: &Path| {
        let asked = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        asked.is_ok_and(|status| status.success())
    };
    if !works(&program) {
        say("installing schemathesis for the tests");
        let python = |program: &Path, arguments: &[&str]| {
            let status = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
            status.is_ok_and(|status| status.success())
        };
        let made = python(Path::new("python3"), &["-m", "venv", &folder.to_string_lossy()])
            && python(&folder.join("bin/pip"), &["install", "--quiet", "schemathesis==4.32.5"]);
        return (made && works(&program)).then_some(program);
    }
    Some(program)
}
