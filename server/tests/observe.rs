//! What the real process tells its operator: metrics and logs, and nothing personal in either. Invariant I18.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;

use serde_json::{Value, json};
use support::postgres::new_database;
use support::process::{PROGRAM, Process, pull_all, push, serve_arguments, user_key};
use support::{BATCH, LOGS, batch};
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

/// An event stream that has said hello.
async fn open_stream(url: &str, key: &str) -> reqwest::Response {
    let request = reqwest::Client::new().get(format!("{url}/api/v1/events")).bearer_auth(key);
    let mut stream = request.send().await.unwrap();
    assert!(stream.chunk().await.unwrap().unwrap().starts_with(b"event: hello"));
    stream
}

/// Told to stop: event streams end, the exit is clean.
#[tokio::test]
async fn a_told_stop_ends_event_streams() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("test.db").to_string_lossy().into_owned();
    let key = user_key(&database, "ann");
    let server = Process::start(folder.path(), &database);
    let mut stream = open_stream(&server.url, &key).await;
    let stopped = tokio::task::spawn_blocking(move || server.stop());
    assert_eq!(stream.chunk().await.unwrap(), None);
    assert_eq!(stopped.await.unwrap(), Some(0));
}

/// Told to stop in the middle of a request: it is finished, and answered.
#[tokio::test]
async fn a_told_stop_finishes_the_requests_in_flight() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("test.db").to_string_lossy().into_owned();
    let key = user_key(&database, "ann");
    let server = Process::start(folder.path(), &database);
    let mut stream = open_stream(&server.url, &key).await;

    let body = batch(json!([{ "id": "a", "clientUpdatedAt": 1 }])).to_string();
    let head = format!(
        "POST {BATCH} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let address = server.url.strip_prefix("http://").unwrap().to_owned();
    let mut request = TcpStream::connect(&address).unwrap();
    request.write_all(head.as_bytes()).unwrap();
    // The server asks for the body: the request is under way.
    let mut asked = [0; 25];
    request.read_exact(&mut asked).unwrap();
    assert_eq!(String::from_utf8_lossy(&asked), "HTTP/1.1 100 Continue\r\n\r\n");
    let stopped = tokio::task::spawn_blocking(move || server.stop());
    // Its streams end: the server is stopping.
    assert_eq!(stream.chunk().await.unwrap(), None);
    request.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    request.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("applied"), "{answer}");
    assert_eq!(stopped.await.unwrap(), Some(0));
    assert!(TcpStream::connect(&address).is_err(), "and no other was taken");
}

/// Without any configuration: a database beside it, and it says where it listens and with what it runs.
#[tokio::test]
async fn it_starts_without_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(PROGRAM);
    // But for the port: the usual one may be taken here.
    command.arg("serve").env("LASTWORD_LISTEN", "127.0.0.1:0").current_dir(folder.path());
    let server = Process::started(&mut command).expect("the server listens");
    let health = reqwest::get(format!("{}/ready", server.url)).await.unwrap();
    assert_eq!(health.status(), 200);
    assert!(folder.path().join("lastword.db").is_file());
    assert_eq!(server.stop(), Some(0));
}

/// What it runs with is told at start, and the password of the database is not.
#[tokio::test]
async fn the_start_tells_its_settings_without_secrets() {
    let Some(url) = new_database().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let url = url.replace("postgres@", "postgres:hunter2@");
    let arguments = serve_arguments(folder.path(), &url).join(" ");
    let script = format!("exec {PROGRAM} {arguments} --requests-per-second 7 2>{}", log.display());
    let server = Process::started(Command::new("sh").args(["-c", &script])).expect("the server listens");
    assert_eq!(server.stop(), Some(0));
    let log = std::fs::read_to_string(log).unwrap();
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let started = lines.map(|line| line["fields"].clone()).find(|fields| fields["message"] == "started").unwrap();
    let settings: Value = serde_json::from_str(started["configuration"].as_str().unwrap()).unwrap();
    assert_eq!(settings["requests_per_second"], 7);
    assert!(settings["database"].as_str().unwrap().starts_with("postgres://127.0.0.1:"), "{settings}");
    assert!(!log.contains("hunter2"));
}
