//! Runs `lastword-server` as a child process on a fresh database. Never leaves it running.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use xshell::{Cmd, cmd};

use crate::workspace::Workspace;

/// A running server; dropping it ends the process and waits for that.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) key: String,
    child: Child,
}

impl Server {
    /// Starts the server on `port` with an empty database, one user and one key, and waits until it answers.
    pub(crate) fn start(workspace: &Workspace, port: u16) -> Result<Self> {
        let program = program(workspace);
        let folder = fresh_folder(workspace, port)?;
        let database = folder.join("demo.sqlite");
        let key = account(workspace, &program, &database)?;

        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let log = fs::File::create(folder.join("server.log"))?;
        let child = Command::new(&program)
            .current_dir(&workspace.root)
            .args(["serve", "--listen", &listen.to_string(), "--entities", "www/entities.json", "--static", "www/dist"])
            .arg("--database")
            .arg(&database)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start lastword-server")?;
        let mut server = Self { url: format!("http://{listen}"), key, child };
        server.wait_until_healthy(listen, &folder.join("server.log"))?;
        Ok(server)
    }

    /// Fails when the process has ended by itself.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) => bail!("the server ended: {status}"),
            None => Ok(()),
        }
    }

    /// Gives the process a moment to end by itself, after a Ctrl-C that reached it too.
    pub(crate) fn wait_for_end(mut self) {
        let deadline = Instant::now() + STOP_MAX;
        while Instant::now() < deadline && self.check().is_ok() {
            thread::sleep(POLL);
        }
    }

    fn wait_until_healthy(&mut self, address: SocketAddr, log: &Path) -> Result<()> {
        let deadline = Instant::now() + START_MAX;
        let said = || fs::read_to_string(log).unwrap_or_default();
        while !healthy(address) {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server did not start ({status}): {}", said().trim());
            }
            if Instant::now() > deadline {
                bail!("the server did not answer /health in {} s: {}", START_MAX.as_secs(), said().trim());
            }
            thread::sleep(POLL);
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The server as cargo builds it for development.
pub(crate) fn program(workspace: &Workspace) -> PathBuf {
    workspace.target.join(format!("debug/lastword-server{}", std::env::consts::EXE_SUFFIX))
}

/// Fails with a sentence that helps when `port` is taken.
pub(crate) fn require_free(port: u16) -> Result<()> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(()),
        Err(error) => bail!("port {port} cannot be used ({error}): choose another with `--port N`"),
    }
}

/// A port that is free now.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// An empty folder of this port's own, so that two demos never share a database.
fn fresh_folder(workspace: &Workspace, port: u16) -> Result<PathBuf> {
    let folder = workspace.target.join("demo").join(port.to_string());
    workspace.shell.remove_path(&folder)?;
    Ok(workspace.shell.create_dir(folder)?)
}

/// Makes the user `demo` and gives a key of his.
fn account(workspace: &Workspace, program: &Path, database: &Path) -> Result<String> {
    let shell = &workspace.shell;
    answer(cmd!(shell, "{program} user add demo --database {database}"))?;
    answer(cmd!(shell, "{program} key create --user demo --database {database}"))
}

/// What a command of the server prints; what it adds for a person is shown only when it fails.
fn answer(command: Cmd<'_>) -> Result<String> {
    let output = command.quiet().ignore_status().output()?;
    if !output.status.success() {
        bail!("lastword-server: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn healthy(address: SocketAddr) -> bool {
    let answer = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&address, POLL)?;
        stream.set_read_timeout(Some(START_MAX))?;
        write!(stream, "GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    };
    answer().is_ok_and(|text| text.starts_with("HTTP/1.1 200"))
}

const START_MAX: Duration = Duration::from_secs(20);
const STOP_MAX: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(50);
