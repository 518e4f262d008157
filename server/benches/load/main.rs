//! What one node carries, beside what its database allows: pushes, pulls and idle event streams over real sockets.
//!
//! `cargo bench -p lastword-server`; prints a table of medians; `-- --json FILE` writes them too. Server, client and
//! database share this machine's cores.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench")]

mod raw;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::time::Instant;

use futures::future::join_all;
use raw::Rates;
use serde_json::{Value, json};
use support::postgres::new_database;
use support::process::{Process, serve_arguments};
use support::{BATCH, LOGS, device};
use uuid::Uuid;

const RECORDS: usize = 100_000;
const BATCH_RECORDS: usize = 500;
const PAGE_RECORDS: usize = 1_000;
const USERS: usize = 4;
const STREAMS: usize = 1_000;
const RECORD_BYTES_MIN: usize = 400;
/// Holds all that follows the records of a page.
const END_BYTES: usize = 300;

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let mut rows = Vec::new();
    for round in 0..rounds() {
        let file = |name: &str| folder.path().join(format!("{name}-{round}.db")).to_string_lossy().into_owned();
        let raw = raw::sqlite(&file("raw")).await;
        measure(&mut rows, "SQLite", folder.path(), &file("server"), raw).await;
        let Some(url) = new_database().await else { continue };
        let raw = raw::postgres(&url).await;
        let Some(url) = new_database().await else { continue };
        measure(&mut rows, "Postgres", folder.path(), &url, raw).await;
    }
    report(&rows);
}

/// How often all is measured, one database after the other; `LASTWORD_BENCH_ROUNDS` for more.
fn rounds() -> usize {
    std::env::var("LASTWORD_BENCH_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(5)
}

/// One measurement, beside the raw rate of the same round where there is one.
struct Measured {
    database: &'static str,
    work: &'static str,
    value: f64,
    raw: Option<f64>,
}

async fn measure(
    rows: &mut Vec<Measured>,
    database_kind: &'static str,
    folder: &std::path::Path,
    database: &str,
    [one, four]: [Rates; 2],
) {
    let keys: Vec<String> = (0..USERS).map(|n| support::process::user_key(database, &format!("user{n}"))).collect();
    let mut command = std::process::Command::new(support::process::PROGRAM);
    command.args(serve_arguments(folder, database)).args(["--requests-per-second", "0", "--log", "warn"]);
    let server = Process::started(&mut command).expect("the server listens");
    let client = reqwest::Client::new();
    let mut row = |work, value, raw| rows.push(Measured { database: database_kind, work, value, raw });
    row("push, 500 a batch, one user", push(&client, &server.url, &keys[..1]).await, Some(one.write));
    row("pull, 1,000 a page, one user", pull(&client, &server.url, &keys[..1]).await, Some(one.read));
    row("push, 500 a batch, four users at once", push(&client, &server.url, &keys).await, Some(four.write));
    row("pull, 1,000 a page, four users at once", pull(&client, &server.url, &keys).await, Some(four.read));
    let (kib, answer_ms) = streams(&client, &server, &keys[0]).await;
    row("1,000 idle event streams, MiB added", kib / 1024.0, None);
    row("1,000 event streams, ms until all heard of a change", answer_ms, None);
    assert_eq!(server.stop(), Some(0));
}

/// Prints the medians as a table, and with `--json FILE` writes them and every round's figures there.
fn report(rows: &[Measured]) {
    println!("| database | work | server | raw SQL | raw / server |\n| --- | --- | --- | --- | --- |");
    let mut works: Vec<(&str, &str)> = Vec::new();
    for row in rows {
        if !works.contains(&(row.database, row.work)) {
            works.push((row.database, row.work));
        }
    }
    let mut medians = Vec::new();
    for (database, work) in works {
        let of_work = || rows.iter().filter(|row| (row.database, row.work) == (database, work));
        let value = median(of_work().map(|row| row.value));
        let raw = median(of_work().filter_map(|row| row.raw));
        let ratio = median(of_work().filter_map(|row| Some(row.raw? / row.value)));
        if raw.is_nan() {
            println!("| {database} | {work} | {value:.0} | | |");
        } else {
            println!("| {database} | {work} | {value:.0}/s | {raw:.0}/s | {ratio:.2} |");
        }
        let rounds: Vec<Value> = of_work().map(|row| json!({ "value": row.value, "raw": row.raw })).collect();
        medians.push(json!({ "database": database, "work": work, "value": value, "raw": raw, "rawToServer": ratio,
            "rounds": rounds }));
    }
    let mut arguments = std::env::args().skip_while(|argument| argument != "--json").skip(1);
    if let Some(file) = arguments.next() {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let report = json!({ "records": RECORDS, "rounds": rounds(), "cores": cores, "rows": medians });
        std::fs::write(file, format!("{report:#}\n")).unwrap();
    }
}

/// NaN, in JSON null, of nothing.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn body(first: usize) -> Vec<Value> {
    (first..first + BATCH_RECORDS).map(record).collect()
}

/// About 450 bytes, as a workout log.
fn record(n: usize) -> Value {
    let sets: Vec<Value> = (0..4).map(|set| json!({ "reps": 5 + set, "weight": 82.5, "rpe": 8 })).collect();
    json!({ "id": Uuid::now_v7(), "clientCreatedAt": 1_700_000_000_000_u64 + n as u64,
        "clientUpdatedAt": 1_700_000_000_000_u64 + n as u64, "isDeleted": false, "name": format!("Squat {n}"),
        "notes": "felt heavy, hip shift on the last set; next time lower the weight and film it from the side",
        "date": "2026-01-31", "sets": sets })
}

/// All users at once push `RECORDS`, each one batch after the other; bodies are made before the clock starts.
async fn push(client: &reqwest::Client, url: &str, keys: &[String]) -> f64 {
    let each = RECORDS / BATCH_RECORDS / keys.len();
    let body = |n| json!({ "deviceId": device(1), "records": body(n * BATCH_RECORDS) }).to_string();
    let bodies: Vec<Vec<String>> = keys.iter().map(|_| (0..each).map(body).collect()).collect();
    let begun = Instant::now();
    let pushes = keys.iter().zip(bodies).map(|(key, bodies)| {
        let (client, url, key) = (client.clone(), format!("{url}{BATCH}"), key.clone());
        tokio::spawn(async move {
            for body in bodies {
                let request = client.post(&url).bearer_auth(&key).header("content-type", "application/json");
                let request = request.header("idempotency-key", Uuid::new_v4().to_string()).body(body);
                let answer = request.send().await.unwrap();
                assert_eq!(answer.status(), 200);
                answer.bytes().await.unwrap();
            }
        })
    });
    join_all(pushes).await.into_iter().for_each(Result::unwrap);
    RECORDS as f64 / begun.elapsed().as_secs_f64()
}

/// Each user pulls all of its records, all users at once.
async fn pull(client: &reqwest::Client, url: &str, keys: &[String]) -> f64 {
    let begun = Instant::now();
    let pulls = keys.iter().map(|key| tokio::spawn(pull_all(client.clone(), format!("{url}{LOGS}"), key.clone())));
    let pulled: usize = join_all(pulls).await.into_iter().map(Result::unwrap).sum();
    pulled as f64 / begun.elapsed().as_secs_f64()
}

async fn pull_all(client: reqwest::Client, url: String, key: String) -> usize {
    let (mut pulled, mut since) = (0, String::new());
    loop {
        let page = client.get(format!("{url}?limit={PAGE_RECORDS}{since}")).bearer_auth(&key);
        let page = page.send().await.unwrap().error_for_status().unwrap().bytes().await.unwrap();
        // Parsing the page is the client's cost: only its end is read. It has as many records as were asked for.
        assert!(page.len() > PAGE_RECORDS * RECORD_BYTES_MIN, "a whole page");
        pulled += PAGE_RECORDS;
        let end = std::str::from_utf8(&page[page.len() - END_BYTES..]).unwrap();
        let cursor = end.rsplit("\"cursor\":\"").next().and_then(|rest| rest.split('"').next()).unwrap();
        since = format!("&since={cursor}");
        if end.contains("\"hasMore\":false") {
            assert!(end.contains("\"remaining\":0"));
            return pulled;
        }
    }
}

/// Memory that idle streams add, in KiB, and how long one change takes to reach all of them.
async fn streams(client: &reqwest::Client, server: &Process, key: &str) -> (f64, f64) {
    let before = resident_kib(server.id());
    let open = (0..STREAMS).map(|_| async {
        let stream = client.get(format!("{}/api/v1/events", server.url)).bearer_auth(key).send().await.unwrap();
        let mut stream = stream.error_for_status().unwrap();
        assert!(stream.chunk().await.unwrap().unwrap().starts_with(b"event: hello"));
        stream
    });
    let mut streams = join_all(open).await;
    let added = resident_kib(server.id()) - before;
    let begun = Instant::now();
    let body = json!({ "deviceId": device(1), "records": [record(0)] });
    client.post(format!("{}{BATCH}", server.url)).bearer_auth(key).json(&body).send().await.unwrap();
    join_all(streams.iter_mut().map(|stream| async { stream.chunk().await.unwrap().unwrap() })).await;
    (added, begun.elapsed().as_secs_f64() * 1000.0)
}

fn resident_kib(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
