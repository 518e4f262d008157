//! kill -9 of the real process, between and within requests: nothing acknowledged is lost. Invariant I2.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use serde_json::{Value, json};
use support::postgres::new_database;
use support::process::{Process, pull_all, push, user_key};
use tokio::sync::Notify;
use uuid::Uuid;

const WRITERS: usize = 8;
const RECORDS: usize = 20;
/// Each user's history grows for so many rounds.
const ROUNDS_OF_A_USER: usize = 20;
/// Pushes of each writer in a round that is killed when all is quiet.
const QUIET_PUSHES: usize = 2;

/// Rounds of start, push, kill; `LASTWORD_KILL_ROUNDS` for more.
fn rounds() -> usize {
    std::env::var("LASTWORD_KILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(6)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("test.db").to_string_lossy().into_owned();
    kill_and_check(folder, &database).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_on_postgres() {
    if let Some(database) = new_database().await {
        kill_and_check(tempfile::tempdir().unwrap(), &database).await;
    }
}

async fn kill_and_check(folder: tempfile::TempDir, database: &str) {
    let client = reqwest::Client::new();
    let mut key = user_key(database, "user");
    let mut acknowledged: HashMap<String, i64> = HashMap::new();
    let mut unanswered: Vec<(Uuid, Value)> = Vec::new();
    for round in 0..rounds() {
        let server = Process::start(folder.path(), database);
        // What was under way at the last kill goes first, the same body under the same name.
        for (name, records) in unanswered.drain(..) {
            let answer = push(&client, &server.url, &key, name, &records).await.unwrap();
            note(&mut acknowledged, &answer);
        }
        check(&client, &server.url, &key, &acknowledged).await;
        if round % ROUNDS_OF_A_USER == ROUNDS_OF_A_USER - 1 {
            (key, acknowledged) = (user_key(database, &format!("user{round}")), HashMap::new());
        }

        // Killed at an answer in the middle of the others' requests, a different one each time; every third round when
        // all is answered.
        let quiet = round % 3 == 2;
        let (answers, kill_at) = (Arc::new(AtomicUsize::new(0)), if quiet { usize::MAX } else { 3 + round * 7 % 45 });
        let now = Notify::new();
        let url = server.url.clone();
        let writers = join_all((0..WRITERS).map(|writer| {
            let (answers, now, client, url, key) = (&answers, &now, &client, &url, &key);
            async move {
                let mut done = Vec::new();
                for number in 0..if quiet { QUIET_PUSHES } else { usize::MAX } {
                    let name = Uuid::new_v4();
                    let records = records(round, writer, number);
                    let Ok(answer) = push(client, url, key, name, &records).await else {
                        return (done, Some((name, records)));
                    };
                    done.push(answer);
                    if answers.fetch_add(1, Ordering::SeqCst) + 1 == kill_at {
                        now.notify_one();
                    }
                }
                (done, None)
            }
        }));
        let killer = async {
            if !quiet {
                now.notified().await;
                server.kill();
                return None;
            }
            Some(server)
        };
        // A server that nobody killed meanwhile is killed when it is dropped.
        let (outcomes, _quiet) = tokio::join!(writers, killer);
        for (done, cut_off) in outcomes {
            done.iter().for_each(|answer| note(&mut acknowledged, answer));
            unanswered.extend(cut_off);
        }
    }
    let server = Process::start(folder.path(), database);
    check(&client, &server.url, &key, &acknowledged).await;
    assert_eq!(server.stop(), Some(0), "a told stop is clean");
}

/// Own records of each writer, and one that all edit.
fn records(round: usize, writer: usize, number: usize) -> Value {
    let own = (0..RECORDS).map(|n| json!({ "id": format!("{round}-{writer}-{number}-{n}"), "clientUpdatedAt": 1 }));
    let stamp = (round * 100_000 + number) * WRITERS + writer + 1;
    own.chain([json!({ "id": "shared", "clientUpdatedAt": stamp })]).collect()
}

fn note(acknowledged: &mut HashMap<String, i64>, answer: &Value) {
    for result in answer["results"].as_array().unwrap() {
        if let Some(time) = result["serverUpdatedAt"].as_i64() {
            let newest = acknowledged.entry(result["id"].as_str().unwrap().into()).or_default();
            *newest = time.max(*newest);
        }
    }
}

async fn check(client: &reqwest::Client, url: &str, key: &str, acknowledged: &HashMap<String, i64>) {
    let all = pull_all(client, url, key).await;
    let found: HashMap<&str, i64> =
        all.iter().map(|r| (r["id"].as_str().unwrap(), r["serverUpdatedAt"].as_i64().unwrap())).collect();
    assert_eq!(found.len(), all.len(), "no record twice");
    for (id, time) in acknowledged {
        assert!(found.get(id.as_str()).is_some_and(|found| found >= time), "{id} was acknowledged at {time}");
    }
    assert_eq!(found.len().saturating_sub(usize::from(found.contains_key("shared"))) % RECORDS, 0, "batches are whole");
}
