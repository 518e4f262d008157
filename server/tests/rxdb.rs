//! A client that is not ours: RxDB (npm) replicates with the real process by pull and push handlers over our REST.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::postgres::say;
use support::process::{PROGRAM, Process, user_key};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rxdb");
const ENTITIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/entities.json");

#[test]
fn rxdb_replicates_through_this_server() {
    let Some(script) = installed() else {
        say("SKIPPED the RxDB replication: it needs node, and npm with its registry");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("test.db").to_string_lossy().into_owned();
    let key = user_key(&database, "ann");
    let mut command = Command::new(PROGRAM);
    command.args(["serve", "--listen", "127.0.0.1:0", "--entities", ENTITIES, "--database", &database]);
    let server = Process::started(&mut command).expect("the server listens");
    let output = Command::new("node").arg(script).args([&server.url, &key]).output().unwrap();
    let shown = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && shown.ends_with("equal\n"), "{shown}");
}

/// In a folder beside the build, kept between runs; `npm ci` again when what it is made from changed.
fn installed() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rxdb");
    let mut same = folder.join("node_modules/rxdb").is_dir();
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["package.json", "package-lock.json", "replicate.mjs"] {
        let (from, to) = (Path::new(SOURCE).join(name), folder.join(name));
        let text = std::fs::read(from).unwrap();
        same &= name == "replicate.mjs" || std::fs::read(&to).is_ok_and(|kept| kept == text);
        std::fs::write(to, text).unwrap();
    }
    if !same {
        say("installing RxDB for the tests");
        let mut npm = Command::new("npm");
        npm.args(["ci", "--silent", "--no-audit", "--no-fund"]).current_dir(&folder);
        npm.stdin(Stdio::null()).status().ok().filter(std::process::ExitStatus::success)?;
    }
    Some(folder.join("replicate.mjs"))
}
