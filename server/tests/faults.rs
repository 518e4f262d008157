//! Databases that do not serve, and starts that cannot succeed: one clear answer each.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::net::TcpListener;
use std::process::Command;

use lastword_server::Options;
use lastword_server::store::postgres::PostgresStore;
use serde_json::json;
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use support::postgres::new_database;
use support::process::{PROGRAM, Process, entities_file, pull_all, run, serve_arguments, user_key};
use support::{App, BATCH, batch};

#[tokio::test]
async fn a_locked_database_gives_503_and_serves_reads() {
    let app = App::new().await;
    app.push(json!([{ "id": "a", "clientUpdatedAt": 1 }])).await;
    let options = SqliteConnectOptions::new().filename(app.folder.path().join("test.db"));
    let mut other = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let refused = app.post(BATCH, &batch(json!([{ "id": "b", "clientUpdatedAt": 1 }]))).await;
    let error = refused.refused(503, "unavailable");
    assert_eq!((&error["retryable"], &error["retryAfterMs"]), (&json!(true), &json!(1000)));
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(app.pull(None).await.ok()["records"].as_array().unwrap().len(), 1);
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    assert_eq!(app.push(json!([{ "id": "b", "clientUpdatedAt": 1 }])).await[0]["status"], "applied");
}

/// On Postgres a push waits ten seconds at most for another one of its user.
#[tokio::test]
async fn a_locked_user_gives_503_on_postgres() {
    let Some(url) = new_database().await else { return };
    let app = on_postgres(&url).await;
    let mut other = PgConnection::connect(&url).await.unwrap();
    sqlx::query("BEGIN").execute(&mut other).await.unwrap();
    sqlx::query("SELECT 1 FROM users FOR UPDATE").execute(&mut other).await.unwrap();
    let refused = app.post(BATCH, &batch(json!([{ "id": "b", "clientUpdatedAt": 1 }]))).await;
    refused.refused(503, "unavailable");
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(app.pull(None).await.ok()["records"], json!([]));
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    assert_eq!(app.push(json!([{ "id": "b", "clientUpdatedAt": 1 }])).await[0]["status"], "applied");
}

/// Postgres says that its disk is full, in the middle of a push.
#[tokio::test]
async fn a_full_disk_gives_503_on_postgres() {
    let Some(url) = new_database().await else { return };
    let app = on_postgres(&url).await;
    let mut other = PgConnection::connect(&url).await.unwrap();
    let full = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full'; END $$";
    sqlx::query(full).execute(&mut other).await.unwrap();
    let trigger = "CREATE TRIGGER full_disk BEFORE INSERT ON answers EXECUTE FUNCTION full_disk()";
    sqlx::query(trigger).execute(&mut other).await.unwrap();
    let (name, body) = (uuid::Uuid::from_u128(1), batch(json!([{ "id": "b", "clientUpdatedAt": 1 }])));
    let refused = app.post_named(BATCH, name, &body).await;
    refused.refused(503, "unavailable");
    assert_eq!(refused.headers["retry-after"], "10");
    assert_eq!(app.pull(None).await.ok()["records"], json!([]), "the record went with its answer");
    sqlx::query("DROP TRIGGER full_disk ON answers").execute(&mut other).await.unwrap();
    let answer = app.post_named(BATCH, name, &body).await.ok();
    assert_eq!(answer["results"][0]["version"], 1);
}

async fn on_postgres(url: &str) -> App {
    let store = PostgresStore::open(url, 5).await.unwrap();
    App::on(std::sync::Arc::new(store), tempfile::tempdir().unwrap(), Options::default()).await
}

/// Nodes that start together on an empty database: one migrates, the others wait, all start.
#[tokio::test]
async fn many_nodes_start_together() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.db").to_string_lossy().into_owned();
    for database in [Some(file), new_database().await].into_iter().flatten() {
        let start = || Command::new(PROGRAM).args(["migrate", "--database", &database]).output().unwrap();
        let started: Vec<_> = std::thread::scope(|scope| {
            let nodes: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            nodes.into_iter().map(|node| node.join().unwrap()).collect()
        });
        for output in started {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        user_key(&database, "ann");
    }
}

/// The real process on a file system of its own with little room.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_gives_503_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let small = folder.path().join("small");
    std::fs::create_dir(&small).unwrap();
    let database = small.join("test.db").to_string_lossy().into_owned();
    let script = format!(
        r#"mount -t tmpfs -o size=3m tmpfs {small} || exit 9
        {PROGRAM} user add ann --database {database} >/dev/null
        {PROGRAM} key create --user ann --database {database} 2>/dev/null >{folder}/key
        exec {PROGRAM} {arguments}"#,
        small = small.display(),
        folder = folder.path().display(),
        arguments = serve_arguments(folder.path(), &database).join(" "),
    );
    // A name space of its own, so that the small file system is gone with the process.
    let Some(server) = Process::started(Command::new("unshare").args(["-rm", "sh", "-c", &script])) else {
        support::postgres::say("SKIPPED the full disk: no mount name space can be had here");
        return;
    };
    let key = std::fs::read_to_string(folder.path().join("key")).unwrap().trim().to_owned();
    let client = reqwest::Client::new();
    let note = "x".repeat(50_000);
    let mut accepted = 0;
    let refused = loop {
        let records = json!([{ "id": format!("r{accepted}"), "clientUpdatedAt": 1, "note": note }]);
        let answer = client.post(format!("{}{BATCH}", server.url)).bearer_auth(&key).json(&batch(records));
        let answer = answer.send().await.unwrap();
        if answer.status() != 200 {
            break answer;
        }
        accepted += 1;
        assert!(accepted < 100, "3 MiB hold no 100 records of 50 kB");
    };
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (503, &"10".parse().unwrap()));
    assert_eq!(pull_all(&client, &server.url, &key).await.len(), accepted, "all that was acknowledged, and no more");
}

/// Each start that cannot succeed: exit code 2 and one sentence that says what to do.
#[test]
fn a_start_that_cannot_succeed_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (entities, fresh) = (entities_file(folder.path()).to_string_lossy().into_owned(), path("fresh.db"));
    let check = |listen: &str, database: &str, entities: &str, more: &[&str], parts: &[&str]| {
        let arguments = ["serve", "--listen", listen, "--database", database, "--entities", entities];
        let (code, out, error) = run(&[&arguments[..], more].concat());
        assert_eq!((code, out.as_str()), (Some(2), ""), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(error.starts_with("error: ") && parts.iter().all(|part| error.contains(part)), "{error}");
        assert!(!error.contains("Err(") && !error.contains(" { "), "no Rust value: {error}");
    };
    let any = "127.0.0.1:0";
    let taken = TcpListener::bind(any).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    check(&address, &fresh, &entities, &[], &["is in use", "--listen"]);
    check("192.0.2.1:1", &fresh, &entities, &[], &["cannot listen on 192.0.2.1:1", "--listen"]);
    check(any, &path("none/x.db"), &entities, &[], &["does not exist", "--database"]);
    check(any, &folder.path().to_string_lossy(), &entities, &[], &["is not a SQLite database"]);
    std::fs::write(path("text.db"), "no database, but long enough to be looked at".repeat(50)).unwrap();
    check(any, &path("text.db"), &entities, &[], &["is not a SQLite database"]);
    check(any, &fresh, &path("none.json"), &[], &["cannot read the entities file", "--entities"]);
    std::fs::write(path("bad.json"), r#"{"entities":{"Logs":{}}}"#).unwrap();
    check(any, &fresh, &path("bad.json"), &[], &["`Logs`"]);
    std::fs::write(path("bad.json"), "{").unwrap();
    check(any, &fresh, &path("bad.json"), &[], &["line 1"]);
    check(any, &fresh, &entities, &["--static", &path("none")], &["--static"]);
    let secret = "postgres://ann:hunter2@127.0.0.1:1/none";
    check(any, secret, &entities, &[], &["cannot reach Postgres at 127.0.0.1:1/none"]);
    assert!(!run(&["migrate", "--database", secret]).2.contains("hunter2"));

    user_key(&fresh, "ann");
    let mut mode = std::fs::metadata(&fresh).unwrap().permissions();
    mode.set_readonly(true);
    std::fs::set_permissions(&fresh, mode).unwrap();
    check(any, &fresh, &entities, &[], &["is read-only", "--database"]);
}

#[test]
fn commands_say_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("test.db").to_string_lossy().into_owned();
    let check = |arguments: &[&str], part: &str| {
        let (code, _, error) = run(&[arguments, &["--database", &database]].concat());
        assert_eq!(code, Some(2));
        assert!(error.contains(part), "{error}");
    };
    user_key(&database, "ann");
    check(&["user", "add", "ann"], "already");
    check(&["user", "add", ""], "user name");
    check(&["key", "create", "--user", "bob"], "user add bob");
    check(&["key", "revoke", "00000000-0000-4000-8000-000000000000"], "no key");
    check(&["device", "revoke", "--user", "ann", "00000000-0000-4000-8000-000000000000"], "no device");
    check(&["purge", "--tombstone-days", "29"], "30");
    let backup = folder.path().join("backup.db").to_string_lossy().into_owned();
    assert_eq!(run(&["backup", &backup, "--database", &database]).0, Some(0));
    check(&["backup", &backup], "exists");
    assert_eq!(run(&["user", "list", "--database", &backup]).1.split_whitespace().last(), Some("ann"));
}
