//! What one node carries, beside what its database allows: pushes, pulls and idle event streams over real sockets.
//!
//! `cargo bench -p lastword-server`; prints a table of medians; `-- --json FILE` writes them too. Server, client and
//! database share this machine's cores.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use futures::future::join_all;
use serde_json::{Value, json};
use sqlx::{PgPool, Sqlite, SqlitePool};
use support::postgres::new_database;
use support::process::{Process, run, serve_arguments};
use support::{BATCH, LOGS, device};
use uuid::Uuid;

const RECORDS: usize = 100_000;
const BATCH_RECORDS: usize = 500;
const PAGE_RECORDS: usize = 1_000;
const WRITERS: usize = 4;
const STREAMS: usize = 1_000;

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let mut rows = Vec::new();
    for round in 0..rounds() {
        let file = |name: &str| folder.path().join(format!("{name}-{round}.db")).to_string_lossy().into_owned();
        let raw = raw_sqlite(&file("raw")).await;
        measure(&mut rows, "SQLite", folder.path(), &file("server"), raw).await;
        let Some(url) = new_database().await else { continue };
        let raw = raw_postgres(&url).await;
        let Some(url) = new_database().await else { continue };
        measure(&mut rows, "Postgres", folder.path(), &url, raw).await;
    }
    report(&rows);
}

/// How often all is measured, one database after the other; `LASTWORD_BENCH_ROUNDS` for more.
fn rounds() -> usize {
    std::env::var("LASTWORD_BENCH_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(5)
}

/// Records a second.
struct Rates {
    write: f64,
    read: f64,
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
    raw: Rates,
) {
    let keys: Vec<String> = (0..WRITERS).map(|n| support::process::user_key(database, &format!("user{n}"))).collect();
    let mut command = std::process::Command::new(support::process::PROGRAM);
    command.args(serve_arguments(folder, database)).args(["--requests-per-second", "0", "--log", "warn"]);
    let server = Process::started(&mut command).expect("the server listens");
    let client = reqwest::Client::new();
    let mut row = |work, value, raw| rows.push(Measured { database: database_kind, work, value, raw });
    row("push, 500 a batch, one user", push(&client, &server.url, &keys[..1]).await, Some(raw.write));
    row("pull, 1,000 a page, one user", pull(&client, &server.url, &keys[..1]).await, Some(raw.read));
    row("push, 500 a batch, four users at once", push(&client, &server.url, &keys).await, Some(raw.write));
    row("pull, 1,000 a page, four users at once", pull(&client, &server.url, &keys).await, Some(raw.read));
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

/// All writers together push `RECORDS`; bodies are made before the clock starts.
async fn push(client: &reqwest::Client, url: &str, keys: &[String]) -> f64 {
    let bodies: Vec<String> = (0..RECORDS / BATCH_RECORDS)
        .map(|n| json!({ "deviceId": device(1), "records": body(n * BATCH_RECORDS) }).to_string())
        .collect();
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    join_all((0..WRITERS).map(|writer| {
        let (bodies, next, key) = (&bodies, &next, &keys[writer % keys.len()]);
        async move {
            while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                let request = client.post(format!("{url}{BATCH}")).bearer_auth(key).body(body.clone());
                let request = request.header("content-type", "application/json");
                let answer = request.header("idempotency-key", Uuid::new_v4().to_string()).send().await.unwrap();
                assert_eq!(answer.status(), 200);
                answer.bytes().await.unwrap();
            }
        }
    }))
    .await;
    RECORDS as f64 / begun.elapsed().as_secs_f64()
}

/// Each user pulls all of its records, all users at once.
async fn pull(client: &reqwest::Client, url: &str, keys: &[String]) -> f64 {
    let begun = Instant::now();
    let pulled = join_all(keys.iter().map(|key| async move {
        let (mut pulled, mut since) = (0, String::new());
        loop {
            let page = client.get(format!("{url}{LOGS}?limit={PAGE_RECORDS}{since}")).bearer_auth(key);
            let page = page.send().await.unwrap().error_for_status().unwrap().text().await.unwrap();
            pulled += page.matches("\"clientCreatedAt\"").count();
            // Parsing the page is the client's cost: only its end is read.
            let cursor = page.rsplit("\"cursor\":\"").next().and_then(|rest| rest.split('"').next()).unwrap();
            since = format!("&since={cursor}");
            if page[page.len().saturating_sub(300)..].contains("\"hasMore\":false") {
                return pulled;
            }
        }
    }))
    .await;
    pulled.iter().sum::<usize>() as f64 / begun.elapsed().as_secs_f64()
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

/// Reads a row into values, as anyone who reads rows does.
macro_rules! values {
    () => {
        |row| {
            let text = |column| sqlx::Row::get::<String, _>(row, column);
            let number = |column| sqlx::Row::get::<i64, _>(row, column);
            let numbers = [number(2), number(3), number(4), number(6), number(7)];
            (text(0), text(1), numbers, sqlx::Row::get::<bool, _>(row, 5), text(8), text(9))
        }
    };
}

/// The same rows into the same table, as one multi-row insert and one durable commit for each 500; then read in pages.
async fn raw_sqlite(file: &str) -> Rates {
    assert_eq!(run(&["migrate", "--database", file]).0, Some(0));
    let pool = SqlitePool::connect_with(
        sqlx::sqlite::SqliteConnectOptions::new()
            .filename(file)
            .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
            .synchronous(sqlx::sqlite::SqliteSynchronous::Full)
            .pragma("cache_size", "-16000"),
    )
    .await
    .unwrap();
    let rows: Vec<Row> = (0..RECORDS).map(Row::new).collect();
    let begun = Instant::now();
    for batch in rows.chunks(BATCH_RECORDS) {
        let mut tx = pool.begin().await.unwrap();
        let mut query = sqlx::QueryBuilder::<Sqlite>::new(RAW_INSERT);
        query.push_values(batch, |mut values, row| {
            values.push_bind(Uuid::nil()).push_bind("workout-logs").push_bind(&row.id).push_bind(row.seq);
            values.push_bind(1_i64).push_bind(1_i64).push_bind(false).push_bind(row.seq).push_bind(1_i64);
            values.push_bind("0123456789abcdef").push_bind(&row.fields);
        });
        query.build().execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }
    let write = RECORDS as f64 / begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    for page in 0..RECORDS / PAGE_RECORDS {
        let rows =
            sqlx::query(RAW_READ).bind(Uuid::nil()).bind((page * PAGE_RECORDS) as i64).fetch_all(&pool).await.unwrap();
        assert_eq!(rows.iter().map(values!()).collect::<Vec<_>>().len(), PAGE_RECORDS);
    }
    Rates { write, read: RECORDS as f64 / begun.elapsed().as_secs_f64() }
}

async fn raw_postgres(url: &str) -> Rates {
    assert_eq!(run(&["migrate", "--database", url]).0, Some(0));
    let pool = PgPool::connect(url).await.unwrap();
    let rows: Vec<Row> = (0..RECORDS).map(Row::new).collect();
    let begun = Instant::now();
    for batch in rows.chunks(BATCH_RECORDS) {
        let sql = format!(
            "{RAW_INSERT} SELECT $1, 'workout-logs', id, seq, 1, 1, false, seq, 1, '0123456789abcdef', fields
            FROM unnest($2::text[], $3::bigint[], $4::text[]) AS new (id, seq, fields)"
        );
        let query =
            sqlx::query(&sql).bind(Uuid::nil()).bind(batch.iter().map(|row| row.id.as_str()).collect::<Vec<_>>());
        let query = query.bind(batch.iter().map(|row| row.seq).collect::<Vec<_>>());
        query.bind(batch.iter().map(|row| row.fields.as_str()).collect::<Vec<_>>()).execute(&pool).await.unwrap();
    }
    let write = RECORDS as f64 / begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    for page in 0..RECORDS / PAGE_RECORDS {
        let rows =
            sqlx::query(RAW_READ).bind(Uuid::nil()).bind((page * PAGE_RECORDS) as i64).fetch_all(&pool).await.unwrap();
        assert_eq!(rows.iter().map(values!()).collect::<Vec<_>>().len(), PAGE_RECORDS);
    }
    Rates { write, read: RECORDS as f64 / begun.elapsed().as_secs_f64() }
}

struct Row {
    id: String,
    seq: i64,
    fields: String,
}

impl Row {
    fn new(n: usize) -> Self {
        let mut fields = record(n);
        let object = fields.as_object_mut().unwrap();
        for name in ["id", "clientCreatedAt", "clientUpdatedAt", "isDeleted"] {
            object.remove(name);
        }
        Self { id: Uuid::now_v7().to_string(), seq: n as i64 + 1, fields: fields.to_string() }
    }
}

const RAW_INSERT: &str = "INSERT INTO records
    (user_id, entity, id, seq, created_ms, stamp, deleted, server_ms, version, server_id, fields) ";
const RAW_READ: &str = "SELECT entity, id, seq, created_ms, stamp, deleted, server_ms, version, server_id, fields
    FROM records WHERE user_id = $1 AND entity = 'workout-logs' AND seq > $2 ORDER BY seq LIMIT 1000";
