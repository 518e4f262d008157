//! The real server as a process, and a client over a real socket.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// A running server process; killed when dropped.
pub struct Process {
    child: Child,
    pub url: String,
}

/// The server's program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_lastword-server");

impl Process {
    /// Starts `serve` on a free port and waits until it listens.
    pub fn start(folder: &Path, database: &str) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(serve_arguments(folder, database));
        Self::started(&mut command).expect("the server listens")
    }

    /// Waits until `command` says where it listens; `None` when it ends before.
    pub fn started(command: &mut Command) -> Option<Self> {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut started = Self { child, url: String::new() };
        let mut lines = BufReader::new(started.child.stdout.take().unwrap()).lines();
        started.url = lines.next()?.unwrap().rsplit(' ').next().unwrap().to_owned();
        Some(started)
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// As a power cut would: no warning, nothing finished.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Tells it to stop, as systemd does, and gives its exit code.
    pub fn stop(mut self) -> Option<i32> {
        Command::new("kill").args(["-TERM", &self.id().to_string()]).status().unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Arguments of `serve` with the test's entities.
pub fn serve_arguments(folder: &Path, database: &str) -> Vec<String> {
    let entities = entities_file(folder);
    ["serve", "--listen", "127.0.0.1:0", "--database", database, "--entities", &entities.to_string_lossy()]
        .map(str::to_owned)
        .to_vec()
}

/// Writes the entities file.
pub fn entities_file(folder: &Path) -> PathBuf {
    let file = folder.join("entities.json");
    std::fs::write(&file, json!({ "entities": { "workout-logs": {}, "plans": {} } }).to_string()).unwrap();
    file
}

/// Runs a command; gives exit code, output and error output.
pub fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(PROGRAM).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap().trim().to_owned();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Adds a user; gives a key.
pub fn user_key(database: &str, name: &str) -> String {
    assert_eq!(run(&["user", "add", name, "--database", database]).0, Some(0));
    let (code, key, _) = run(&["key", "create", "--user", name, "--database", database]);
    assert_eq!(code, Some(0));
    key
}

/// Pushes workout logs over the socket; an error when the connection breaks.
pub async fn push(
    client: &reqwest::Client,
    url: &str,
    key: &str,
    name: uuid::Uuid,
    records: &Value,
) -> Result<Value, reqwest::Error> {
    let request =
        client.post(format!("{url}{}", super::BATCH)).bearer_auth(key).header("idempotency-key", name.to_string());
    request.json(&super::batch(records.clone())).send().await?.error_for_status()?.json().await
}

/// Pulls every workout log over the socket.
pub async fn pull_all(client: &reqwest::Client, url: &str, key: &str) -> Vec<Value> {
    let (mut all, mut since) = (Vec::new(), String::new());
    loop {
        let page = client.get(format!("{url}{}?limit=1000{since}", super::LOGS)).bearer_auth(key);
        let page: Value = page.send().await.unwrap().error_for_status().unwrap().json().await.unwrap();
        all.extend(page["records"].as_array().unwrap().iter().cloned());
        if page["hasMore"] == json!(false) {
            return all;
        }
        since = format!("&since={}", page["cursor"].as_str().unwrap());
    }
}
