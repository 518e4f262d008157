//! What the real process tells its operator: metrics and logs, and nothing personal in either. Invariant I18.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::net::TcpListener;
use std::process::Command;

use serde_json::{Value, json};
use support::process::{PROGRAM, Process, pull_all, push, serve_arguments, user_key};
use support::{BATCH, LOGS};
use uuid::Uuid;

#[tokio::test]
async fn logs_and_metrics_tell_what_happened_and_nothing_personal() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("test.db").to_string_lossy().into_owned();
    let key = user_key(&database, "ann-of-the-secret-name");
    let log = folder.path().join("log");
    // The process tells the port it listens on, but of the metrics only in its log: so take a free one.
    let metrics = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let arguments = serve_arguments(folder.path(), &database).join(" ");
    let script =
        format!("exec {PROGRAM} {arguments} --metrics-listen {metrics} --log trace,h2=off 2>{}", log.display());
    let server = Process::started(Command::new("sh").args(["-c", &script])).expect("the server listens");

    let client = reqwest::Client::new();
    let secret = json!([{ "id": "secret-id", "clientUpdatedAt": 1, "note": "secret-note" }, { "id": "secret-id-2" }]);
    push(&client, &server.url, &key, Uuid::new_v4(), &secret).await.unwrap();
    let cursor = pull_all(&client, &server.url, &key).await.len();
    assert_eq!(cursor, 1);
    let refused = [
        client.get(format!("{}{LOGS}?since=secret-cursor", server.url)).bearer_auth(&key),
        client.get(format!("{}/secret-path?a=secret-query", server.url)),
        client.get(format!("{}{LOGS}", server.url)).bearer_auth("lastword_secret-key"),
        client
            .post(format!("{}{BATCH}", server.url))
            .bearer_auth(&key)
            .body("{\"secret-body")
            .header("content-type", "application/json"),
    ];
    for request in refused {
        let answer = request.header("x-request-id", "named-by-the-client").send().await.unwrap();
        assert!(answer.status().is_client_error());
        assert_eq!(answer.headers()["x-request-id"], "named-by-the-client");
    }
    let text = client.get(format!("http://{metrics}/metrics")).send().await.unwrap().text().await.unwrap();
    assert_eq!(
        client.get(format!("{}/metrics", server.url)).send().await.unwrap().status(),
        404,
        "not on the public address"
    );
    assert_eq!(server.stop(), Some(0));

    for line in [
        r#"lastword_pushed_records_total{outcome="applied"} 1"#,
        r#"lastword_pushed_records_total{outcome="rejected"} 1"#,
        "lastword_pulled_records_total 1",
        r#"route="/api/v1/workout-logs/batch",status="200"} 1"#,
        r#"status="401"} 1"#,
        "lastword_request_seconds_bucket",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    let log = std::fs::read_to_string(log).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    let answered = lines.iter().filter(|line| line["fields"]["message"] == "answered");
    let seen: Vec<_> =
        answered.map(|line| (&line["fields"]["route"], &line["fields"]["status"], &line["span"]["id"])).collect();
    assert!(seen.contains(&(&json!(LOGS), &json!(401), &json!("named-by-the-client"))), "{seen:?}");
    assert!(lines.iter().any(|line| line["fields"]["message"] == "started"));
    for told in [&text, &log] {
        let personal = [key.as_str(), "secret-"].iter().any(|word| told.contains(word));
        assert!(
            !personal,
            "{}",
            told.lines().find(|line| line.contains("secret-") || line.contains(&key)).unwrap_or_default()
        );
    }
}

/// Told to stop: event streams end, the exit is clean.
#[tokio::test]
async fn a_told_stop_ends_event_streams() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("test.db").to_string_lossy().into_owned();
    let key = user_key(&database, "ann");
    let server = Process::start(folder.path(), &database);
    let client = reqwest::Client::new();
    let mut stream = client.get(format!("{}/api/v1/events", server.url)).bearer_auth(&key).send().await.unwrap();
    assert!(stream.chunk().await.unwrap().unwrap().starts_with(b"event: hello"));
    let stopped = tokio::task::spawn_blocking(move || server.stop());
    assert_eq!(stream.chunk().await.unwrap(), None);
    assert_eq!(stopped.await.unwrap(), Some(0));
}
