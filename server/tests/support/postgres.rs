//! A private Postgres for one test process: its own folder, a free port, gone when the process ends.
//!
//! Installs nothing, and says so when it cannot run.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// A program of the Postgres that [`new_database`] started.
pub fn tool(name: &str) -> Command {
    Command::new(binaries().expect("Postgres is there").join(name))
}

/// The URL of a fresh, empty database; `None`, and a line on the terminal, where Postgres cannot be had.
pub async fn new_database() -> Option<String> {
    let server = SERVER.get_or_init(|| start().map_err(|reason| say(&format!("SKIPPED on Postgres: {reason}"))).ok());
    let port = (*server)?;
    let name = format!("t{}", uuid::Uuid::new_v4().simple());
    let admin = format!("postgres://postgres@127.0.0.1:{port}/postgres");
    let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(&admin).await.unwrap();
    sqlx::query(&format!("CREATE DATABASE {name}")).execute(&mut connection).await.unwrap();
    Some(format!("postgres://postgres@127.0.0.1:{port}/{name}"))
}

static SERVER: OnceLock<Option<u16>> = OnceLock::new();

fn start() -> Result<u16, String> {
    let bin = binaries().ok_or("not installed; `cargo xtask setup --tests` installs it on Debian")?;
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).map_err(|e| e.to_string())?.port();
    // Postgres refuses to run as root. The shell ends it, and its folder, when this process ends in whatever way: then
    // the pipe closes and `read` returns.
    let script = format!(
        r#"set -e; d=$(mktemp -d); p={bin}
        "$p/initdb" -D "$d/data" -A trust -U postgres --no-sync -E UTF8 --locale=C >/dev/null
        "$p/pg_ctl" -D "$d/data" -w -l "$d/log" -o "-p {port} -k $d -c listen_addresses=127.0.0.1 -c max_connections=200" start >/dev/null
        echo started
        read line || true
        "$p/pg_ctl" -D "$d/data" -m immediate stop >/dev/null; rm -rf "$d""#,
        bin = bin.display(),
    );
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0"));
    let mut command = if root { Command::new("runuser") } else { Command::new("sh") };
    if root {
        command.args(["-u", "postgres", "--", "sh"]);
    }
    let child = command.args(["-c", &script]).current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = child.stderr(Stdio::inherit()).spawn().map_err(|error| error.to_string())?;
    let mut line = String::new();
    let stdout = child.stdout.take().ok_or("no output")?;
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).map_err(|e| e.to_string())?;
    // Never dropped: its pipe must stay open until the process ends.
    std::mem::forget(child);
    if line.starts_with("started") { Ok(port) } else { Err("it did not start; see above".into()) }
}

fn binaries() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<PathBuf> = versions.flatten().map(|version| version.path().join("bin")).collect();
    found.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect::<Vec<_>>());
    let bin = found.into_iter().rfind(|bin| bin.join("initdb").is_file() && bin.join("postgres").is_file())?;
    // Where the programs are, not where links to some of them are.
    bin.join("initdb").canonicalize().ok()?.parent().map(Path::to_owned)
}

/// Past the test runner's capture: a skipped test must be seen.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "\nlastword-server tests: {line}");
}
