//! What the database allows: the same rows into the same tables, with the same durability, by as many clients at once.
//!
//! Never uses the server's code. For each batch one multi-row insert, the answer that is kept, the user's counters, and one
//! commit; nothing is looked up. Then each user's rows in pages, read into values.

use std::time::Instant;

use futures::future::join_all;
use sqlx::pool::PoolOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Postgres, QueryBuilder, Sqlite};
use uuid::Uuid;

use crate::support::process::run;
use crate::{BATCH_RECORDS, PAGE_RECORDS, RECORDS, USERS, record};

/// Records a second.
pub(crate) struct Rates {
    pub(crate) write: f64,
    pub(crate) read: f64,
}

/// One row as the server writes it.
struct Row {
    id: String,
    seq: i64,
    fields: String,
}

/// The rows of each user; `from` goes on where an earlier run stopped.
fn rows(users: usize, from: usize) -> Vec<(Uuid, Vec<Row>)> {
    let row = |n: usize| {
        let mut fields = record(n);
        let object = fields.as_object_mut().unwrap();
        for name in ["id", "clientCreatedAt", "clientUpdatedAt", "isDeleted"] {
            object.remove(name);
        }
        Row { id: Uuid::now_v7().to_string(), seq: n as i64 + 1, fields: fields.to_string() }
    };
    let each = RECORDS / users;
    (0..users).map(|user| (Uuid::from_u128((from + user) as u128), (0..each).map(row).collect())).collect()
}

/// What the server answers to a batch, and keeps.
fn answer(batch: &[Row]) -> String {
    let result = |row: &Row| {
        let (id, seq) = (&row.id, row.seq);
        format!(
            r#"{{"id":"{id}","status":"applied","serverUpdatedAt":{seq:013},"version":1,"serverId":"{SERVER_ID}"}}"#
        )
    };
    format!("[{}]", batch.iter().map(result).collect::<Vec<_>>().join(","))
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

/// Times one user alone, then four at once; `write` is the function that writes a batch.
macro_rules! rates {
    ($writers:expr, $readers:expr, $write:path) => {{
        let mut rates = Vec::new();
        for (users, from) in [(1, 0), (USERS, 1)] {
            let rows = rows(users, from);
            let ids: Vec<Uuid> = rows.iter().map(|(user, _)| *user).collect();
            for user in &ids {
                let query = sqlx::query("INSERT INTO users (id, name, created_ms, epoch) VALUES ($1, $2, 1, 1)");
                query.bind(user).bind(user.to_string()).execute(&$writers).await.unwrap();
            }
            let begun = Instant::now();
            let writes = rows.into_iter().map(|(user, rows)| {
                let pool = $writers.clone();
                tokio::spawn(async move {
                    for batch in rows.chunks(BATCH_RECORDS) {
                        let mut tx = pool.begin().await.unwrap();
                        $write(&mut *tx, user, batch).await;
                        let query = sqlx::query(KEEP).bind(user).bind(Uuid::new_v4().to_string());
                        query.bind(&[0_u8; 32][..]).bind(answer(batch)).execute(&mut *tx).await.unwrap();
                        let query = sqlx::query("UPDATE users SET head_seq = $2, head_ms = $2 WHERE id = $1");
                        query.bind(user).bind(batch.len() as i64).execute(&mut *tx).await.unwrap();
                        tx.commit().await.unwrap();
                    }
                })
            });
            join_all(writes).await.into_iter().for_each(Result::unwrap);
            let write = RECORDS as f64 / begun.elapsed().as_secs_f64();
            let begun = Instant::now();
            let reads = ids.into_iter().map(|user| {
                let pool = $readers.clone();
                tokio::spawn(async move {
                    let mut connection = pool.acquire().await.unwrap();
                    for page in 0..RECORDS / users / PAGE_RECORDS {
                        let query = sqlx::query(READ).bind(user).bind((page * PAGE_RECORDS) as i64);
                        let rows = query.fetch_all(&mut *connection).await.unwrap();
                        assert_eq!(rows.iter().map(values!()).collect::<Vec<_>>().len(), PAGE_RECORDS);
                    }
                })
            });
            join_all(reads).await.into_iter().for_each(Result::unwrap);
            rates.push(Rates { write, read: RECORDS as f64 / begun.elapsed().as_secs_f64() });
        }
        rates.try_into().ok().unwrap()
    }};
}

/// One connection writes, as SQLite has it, and each user reads on one of its own.
pub(crate) async fn sqlite(file: &str) -> [Rates; 2] {
    assert_eq!(run(&["migrate", "--database", file]).0, Some(0));
    let options = SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("cache_size", "-16000");
    let pool = |connections: u32| {
        let pool = PoolOptions::<Sqlite>::new().test_before_acquire(false).max_connections(connections);
        pool.connect_lazy_with(options.clone())
    };
    let (writer, readers) = (pool(1), pool(CONNECTIONS));
    rates!(writer, readers, write_sqlite)
}

/// Each user writes and reads on a connection of its own.
pub(crate) async fn postgres(url: &str) -> [Rates; 2] {
    assert_eq!(run(&["migrate", "--database", url]).0, Some(0));
    let options: PgConnectOptions = url.parse().unwrap();
    let pool = PoolOptions::<Postgres>::new().test_before_acquire(false).max_connections(CONNECTIONS);
    let pool = pool.connect_lazy_with(options);
    rates!(pool, pool, write_postgres)
}

async fn write_sqlite(connection: &mut sqlx::SqliteConnection, user: Uuid, batch: &[Row]) {
    let mut query = QueryBuilder::<Sqlite>::new(INSERT);
    query.push_values(batch, |mut values, row| {
        values.push_bind(user).push_bind("workout-logs").push_bind(&row.id).push_bind(row.seq);
        values.push_bind(1_i64).push_bind(1_i64).push_bind(false).push_bind(row.seq).push_bind(1_i64);
        values.push_bind(SERVER_ID).push_bind(&row.fields);
    });
    query.build().execute(connection).await.unwrap();
}

async fn write_postgres(connection: &mut sqlx::PgConnection, user: Uuid, batch: &[Row]) {
    let sql = format!(
        "{INSERT} SELECT $1, 'workout-logs', id, seq, 1, 1, false, seq, 1, '{SERVER_ID}', fields
        FROM unnest($2::text[], $3::bigint[], $4::text[]) AS new (id, seq, fields)"
    );
    let texts = |column: fn(&Row) -> &str| batch.iter().map(column).collect::<Vec<_>>();
    let query = sqlx::query(&sql).bind(user).bind(texts(|row| &row.id));
    let query = query.bind(batch.iter().map(|row| row.seq).collect::<Vec<_>>());
    query.bind(texts(|row| &row.fields)).execute(connection).await.unwrap();
}

/// One for each user.
const CONNECTIONS: u32 = 4;
const SERVER_ID: &str = "0123456789abcdef";
const INSERT: &str = "INSERT INTO records
    (user_id, entity, id, seq, created_ms, stamp, deleted, server_ms, version, server_id, fields) ";
const KEEP: &str = "INSERT INTO answers (user_id, device_id, name, body_hash, answer, created_ms)
    VALUES ($1, $1, $2, $3, $4, 1)";
const READ: &str = "SELECT entity, id, seq, created_ms, stamp, deleted, server_ms, version, server_id, fields
    FROM records WHERE user_id = $1 AND entity = 'workout-logs' AND seq > $2 ORDER BY seq LIMIT 1000";
