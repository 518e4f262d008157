//! A real backup, restored: every reader of what was lost hears of it, and no row is skipped. Invariants I2 and I6.
//!
//! Source: docs/protocol.md, section 9.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lastword_server::Options;
use lastword_server::store::ServerStore;
use lastword_server::store::postgres::PostgresStore;
use lastword_server::store::sqlite::SqliteStore;
use serde_json::{Value, json};
use support::postgres::{new_database, tool};
use support::process::run;
use support::{App, LOGS};

/// A database, by how `--database` names it.
struct Named(String);

impl Named {
    /// A fresh one of each kind that can be had here.
    async fn each(folder: &Path) -> Vec<Self> {
        let file = folder.join("test.db").to_string_lossy().into_owned();
        [Some(file), new_database().await].into_iter().flatten().map(Self).collect()
    }

    fn is_postgres(&self) -> bool {
        self.0.starts_with("postgres:")
    }

    async fn open(&self) -> Arc<dyn ServerStore> {
        if self.is_postgres() {
            Arc::new(PostgresStore::open(&self.0, 5).await.unwrap())
        } else {
            Arc::new(SqliteStore::open(Path::new(&self.0)).await.unwrap())
        }
    }

    /// As docs/backup.md says.
    fn back_up(&self, folder: &Path) -> PathBuf {
        let file = folder.join(format!("{}.backup", uuid::Uuid::new_v4()));
        if self.is_postgres() {
            assert!(tool("pg_dump").args(["-Fc", "-f"]).arg(&file).arg(&self.0).status().unwrap().success());
        } else {
            assert_eq!(run(&["backup", &file.to_string_lossy(), "--database", &self.0]).0, Some(0));
        }
        file
    }

    /// The backup as a database of its own.
    async fn restored(&self, backup: &Path) -> Self {
        if !self.is_postgres() {
            return Self(backup.to_string_lossy().into_owned());
        }
        let fresh = new_database().await.unwrap();
        assert!(tool("pg_restore").args(["-d", &fresh]).arg(backup).status().unwrap().success());
        Self(fresh)
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

async fn push(app: &App, ids: &[&str], stamp: i64) {
    let records: Vec<Value> = ids.iter().map(|id| json!({ "id": id, "clientUpdatedAt": stamp })).collect();
    app.push(records.into()).await;
}

fn ids(page: &Value) -> Vec<&str> {
    page["records"].as_array().unwrap().iter().map(|record| record["id"].as_str().unwrap()).collect()
}

async fn next(app: &App, page: &Value) -> support::Answer {
    app.get(&format!("{LOGS}?limit=3&since={}", page["cursor"].as_str().unwrap())).await
}

/// A record moves past a reader between two of its pages, and stands before it again in the restored history.
#[tokio::test]
async fn a_reader_in_the_middle_of_its_pages_skips_nothing() {
    let folder = folder();
    for database in Named::each(folder.path()).await {
        let app = App::on(database.open().await, self::folder(), Options::default()).await;
        push(&app, &["a", "b", "c", "d", "e", "f"], 1).await;
        let known = app.get(&format!("{LOGS}?limit=3")).await.ok();
        let backup = database.back_up(folder.path());
        push(&app, &["b"], 2).await;
        let lost = app.get(&format!("{LOGS}?limit=3")).await.ok();
        assert_eq!((ids(&known), ids(&lost)), (vec!["a", "b", "c"], vec!["a", "c", "d"]));
        assert_eq!(ids(&next(&app, &lost).await.ok()), ["e", "f", "b"], "left to a later page");

        let restored = app.beside(database.restored(&backup).await.open().await);
        let kept = next(&restored, &known).await.ok();
        assert_eq!((ids(&kept), &kept["epoch"]), (vec!["d", "e", "f"], &known["epoch"]), "of what the backup holds");
        // The new history grows past the lost one: only its mark tells.
        push(&restored, &["g", "h"], 1).await;
        let error = next(&restored, &lost).await.refused(410, "epoch_changed");
        let anew = restored.pull(None).await.ok();
        assert_eq!((ids(&anew).len(), &anew["epoch"]), (8, &error["details"]["epoch"]));
        assert_ne!(anew["epoch"], lost["epoch"]);
    }
}

/// A reader at the end of its pages, in a history that has grown past it again.
#[tokio::test]
async fn a_restored_backup_is_another_epoch() {
    let folder = folder();
    for database in Named::each(folder.path()).await {
        let app = App::on(database.open().await, self::folder(), Options::default()).await;
        push(&app, &["a"], 1).await;
        let before = app.pull(None).await.ok();
        let backup = database.back_up(folder.path());
        push(&app, &["b"], 1).await;
        let lost = app.pull(None).await.ok();

        let restored = app.beside(database.restored(&backup).await.open().await);
        let kept = restored.pull(before["cursor"].as_str()).await.ok();
        assert_eq!(kept["epoch"], before["epoch"], "what the backup holds goes on");
        push(&restored, &["c", "d"], 1).await;
        let error = restored.pull(lost["cursor"].as_str()).await.refused(410, "epoch_changed");
        let epoch = error["details"]["epoch"].clone();
        assert_ne!(epoch, before["epoch"]);
        let again = restored.pull(lost["cursor"].as_str()).await.refused(410, "epoch_changed");
        assert_eq!(again["details"]["epoch"], epoch, "renewed once");
        let anew = restored.pull(None).await.ok();
        assert_eq!((anew["epoch"].clone(), ids(&anew).len()), (epoch, 3));
    }
}

/// A reader beyond the head of a restored history that nobody has written to yet.
#[tokio::test]
async fn a_cursor_beyond_the_head_is_another_epoch() {
    let folder = folder();
    for database in Named::each(folder.path()).await {
        let app = App::on(database.open().await, self::folder(), Options::default()).await;
        push(&app, &["a"], 1).await;
        let backup = database.back_up(folder.path());
        push(&app, &["b"], 1).await;
        let lost = app.pull(None).await.ok();
        let restored = app.beside(database.restored(&backup).await.open().await);
        restored.pull(lost["cursor"].as_str()).await.refused(410, "epoch_changed");
    }
}

/// Postgres is restored in place while the node goes on running: the same process writes another history.
#[tokio::test]
async fn a_restore_under_a_running_node_is_noticed() {
    let Some(database) = new_database().await.map(Named) else { return };
    let folder = folder();
    let app = App::on(database.open().await, self::folder(), Options::default()).await;
    push(&app, &["a", "b", "c", "d"], 1).await;
    let backup = database.back_up(folder.path());
    push(&app, &["b"], 2).await;
    let lost = app.get(&format!("{LOGS}?limit=3")).await.ok();
    let restore = tool("pg_restore").args(["--clean", "--if-exists", "-d", &database.0]).arg(&backup).status();
    assert!(restore.unwrap().success());
    push(&app, &["e", "f"], 1).await;
    next(&app, &lost).await.refused(410, "epoch_changed");
    assert_eq!(ids(&app.pull(None).await.ok()).len(), 6);
}
