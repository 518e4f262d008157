//! Runs the demo: the page and the server on one port, over a fresh database. Never keeps data between two runs.

use std::process::Command;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Result, bail};
use lexopt::prelude::*;
use xshell::cmd;

use crate::server::{self, Server};
use crate::workspace::Workspace;
use crate::{browsers, build};

/// What the command line may say.
#[derive(Debug, Default)]
pub(crate) struct Options {
    check: bool,
    port: Option<u16>,
}

impl Options {
    /// What the test run wants: the check, on any port.
    pub(crate) fn check() -> Self {
        Self { check: true, port: None }
    }

    /// Reads `--check` and `--port N`.
    pub(crate) fn parse(args: &mut lexopt::Parser) -> Result<Self> {
        let mut options = Self::default();
        while let Some(arg) = args.next()? {
            match arg {
                Long("check") => options.check = true,
                Long("port") => options.port = Some(args.value()?.parse()?),
                other @ (Short(_) | Long(_) | Value(_)) => return Err(other.unexpected().into()),
            }
        }
        Ok(options)
    }
}

/// Sets up, builds, starts, and waits for Ctrl-C, or checks with two system and ends.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let port = match options.port {
        None if options.check => server::free_port()?,
        port => port.unwrap_or(PORT),
    };
    // Asked first: nobody wants to hear it after minutes of building.
    server::require_free(port)?;
    build::run(workspace, build::Mode::Release)?;
    // Not `--release`: that takes minutes more to build, and nobody sees the difference with one user.
    cmd!(workspace.shell, "cargo build --package lastword-server").quiet().run()?;
    if options.check { check(workspace, port) } else { serve(workspace, port) }
}

/// Hears Ctrl-C and what else asks a process to end, from now on: a default handler would leave the server running.
fn told_to_stop() -> Result<Receiver<()>> {
    let (sender, stopped) = mpsc::channel();
    ctrlc::set_handler(move || {
        let _ = sender.send(());
    })?;
    Ok(stopped)
}

fn serve(workspace: &Workspace, port: u16) -> Result<()> {
    let stopped = told_to_stop()?;
    let mut server = Server::start(workspace, port)?;
    println!("\n  The demo runs:  {}", server.url);
    println!("  Your key:       {}\n", server.key);
    println!("  Open the address and paste the key. Open it in a second browser, or a private window,");
    println!("  with the same key: that is your second device. Ctrl-C stops the demo.\n");
    loop {
        match stopped.recv_timeout(WATCH) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => server.check()?,
        }
    }
    server.wait_for_end();
    println!("\n  The demo has stopped.");
    Ok(())
}

/// One create, push and pull between two browser profiles.
fn check(workspace: &Workspace, port: u16) -> Result<()> {
    let chromium = browsers::chromium(workspace)?;
    let stopped = told_to_stop()?;
    let server = Server::start(workspace, port)?;
    let (url, key, browser) = (&server.url, &server.key, &chromium.browser);
    let check = cmd!(workspace.shell, "node tests/e2e/demo-check.mjs {url} {key}").env("LASTWORD_CHROMIUM", browser);
    let mut check = Command::from(check).spawn()?;
    let passed = loop {
        if let Some(status) = check.try_wait()? {
            break status.success();
        }
        if !matches!(stopped.recv_timeout(WATCH), Err(RecvTimeoutError::Timeout)) {
            // It closes its browsers then.
            let id = check.id().to_string();
            let _ = cmd!(workspace.shell, "kill -TERM {id}").quiet().run();
            check.wait()?;
            bail!("told to stop");
        }
    };
    if !passed {
        bail!("the demo does not sync between two browser profiles");
    }
    println!("the demo syncs between two browser profiles");
    Ok(())
}

const PORT: u16 = 8787;
const WATCH: Duration = Duration::from_millis(500);
