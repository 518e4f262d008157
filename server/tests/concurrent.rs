//! Many writers and a reader on two nodes: every change arrives once, in order. Invariants I2 and I6.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::collections::HashMap;

use futures::future::join_all;
use lastword_server::Options;
use serde_json::{Value, json};
use support::{App, batch, databases, device};

const WRITERS: usize = 16;
const PUSHES: usize = 20;
/// Each push: two records of its own, and one that all writers share.
const RECORDS: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_change_of_sixteen_writers_arrives_once() {
    for database in databases().await {
        let kind = database.kind;
        let one = App::on(
            database.nodes[0].clone(),
            database.folder,
            Options { requests_per_second: 0, ..Options::default() },
        )
        .await;
        let two = one.beside(database.nodes[1].clone());
        let writers = join_all((0..WRITERS).map(|writer| write(if writer % 2 == 0 { &one } else { &two }, writer)));
        let (accepted, seen) = tokio::join!(writers, read(&two));
        let accepted: Vec<(String, i64)> = accepted.into_iter().flatten().collect();
        assert_eq!(accepted.len(), WRITERS * PUSHES * RECORDS, "{kind}");

        // What the reader was given, all pages together.
        let mut newest: HashMap<&str, i64> = HashMap::new();
        for (id, time) in &accepted {
            let newest = newest.entry(id).or_default();
            *newest = (*time).max(*newest);
        }
        for (id, time) in newest {
            let times: Vec<i64> = seen.iter().filter(|(seen, _)| seen == id).map(|(_, time)| *time).collect();
            assert_eq!(times.last(), Some(&time), "{kind}: the newest copy of {id} arrived last");
        }
        let times: Vec<i64> = seen.iter().map(|(_, time)| *time).collect();
        assert!(times.is_sorted_by(|a, b| a < b), "{kind}: in commit order, nothing twice");
    }
}

/// Pushes with stamps that always win; gives what was acknowledged.
async fn write(app: &App, writer: usize) -> Vec<(String, i64)> {
    let mut accepted = Vec::new();
    for push in 0..PUSHES {
        let stamp = push * WRITERS + writer + 1;
        let records = json!([
            { "id": format!("{writer}-{push}-a"), "clientUpdatedAt": 1 },
            { "id": format!("{writer}-{push}-b"), "clientUpdatedAt": 1 },
            { "id": format!("shared-{writer}"), "clientUpdatedAt": stamp },
        ]);
        for result in app.push(records).await {
            assert_eq!(result["status"], "applied", "{result}");
            accepted.push((result["id"].as_str().unwrap().into(), result["serverUpdatedAt"].as_i64().unwrap()));
        }
    }
    // The reader stops when each writer has said that it ends.
    app.push(json!([{ "id": format!("end-{writer}"), "clientUpdatedAt": 1 }])).await;
    accepted
}

/// Pulls small pages until every writer has ended and nothing waits.
async fn read(app: &App) -> Vec<(String, i64)> {
    let (mut since, mut ended, mut seen) = (None, 0, Vec::new());
    loop {
        let query = since.map_or(String::new(), |cursor: String| format!("&since={cursor}"));
        let page = app.get(&format!("{}?limit=7{query}", support::LOGS)).await.ok();
        for record in page["records"].as_array().unwrap() {
            let id = record["id"].as_str().unwrap();
            ended += usize::from(id.starts_with("end-"));
            seen.push((id.to_owned(), record["serverUpdatedAt"].as_i64().unwrap()));
        }
        since = page["cursor"].as_str().map(str::to_owned);
        if ended == WRITERS && page["hasMore"] == Value::Bool(false) {
            return seen;
        }
    }
}

/// A body sent to both nodes at once is applied once, and both give the one answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_body_sent_twice_at_once_is_applied_once() {
    for database in databases().await {
        let one = App::on(
            database.nodes[0].clone(),
            database.folder,
            Options { requests_per_second: 0, ..Options::default() },
        )
        .await;
        let two = one.beside(database.nodes[1].clone());
        for round in 0..20u128 {
            let body = batch(json!([{ "id": "a", "clientUpdatedAt": round + 1, "by": device(round) }]));
            let name = uuid::Uuid::from_u128(round);
            let (first, second) =
                tokio::join!(one.post_named(support::BATCH, name, &body), two.post_named(support::BATCH, name, &body));
            assert_eq!(first.ok()["results"], second.ok()["results"]);
            assert_eq!(first.ok()["results"][0]["version"], u64::try_from(round + 1).unwrap());
        }
    }
}

/// A change on one node pokes the listeners of the other, but for the device that made it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_change_on_one_node_pokes_the_other() {
    // On SQLite there is one node.
    let Some(database) = databases().await.into_iter().find(|database| database.kind == "postgres") else { return };
    let heartbeat = std::time::Duration::from_millis(20);
    let options = Options { requests_per_second: 0, heartbeat, ..Options::default() };
    let one = App::on(database.nodes[0].clone(), database.folder, options).await;
    let two = one.beside(database.nodes[1].clone());
    let upkeep = tokio::spawn(lastword_server::upkeep::upkeep(two.state.clone(), i64::MAX));
    let (mut phone, mut laptop) = (two.events_of(1).await, two.events_of(2).await);
    assert!(phone.next().await.starts_with("event: hello"));
    assert!(laptop.next().await.starts_with("event: hello"));
    // The other node may not be listening yet: pokes before that are lost, so push until one arrives.
    let mut stamps = 1..;
    while !laptop.next().await.starts_with("event: change") {
        one.push_by(1, stamps.next().unwrap()).await;
    }
    // What woke the laptop has been told to the phone by now, or never will be.
    assert!(phone.next().await.starts_with(':'), "the phone's own push did not poke it");
    while !phone.next().await.starts_with("event: change") {
        one.push_by(2, stamps.next().unwrap()).await;
    }
    upkeep.abort();
}
