//! Runs the benchmark of `bench/` in a headless browser. Never judges what it measured: the report shows it.

use std::ffi::OsString;
use std::fs;

use anyhow::{Context, Result};
use xshell::cmd;

use crate::workspace::Workspace;
use crate::{browsers, build, setup};

/// Builds the package, installs the contenders, measures, and writes the report.
pub(crate) fn run(workspace: &Workspace, options: &[OsString]) -> Result<()> {
    build::run(workspace, build::Mode::Release)?;
    contenders(workspace)?;
    let browser = browsers::chromium(workspace)?.browser;
    let bench = cmd!(workspace.shell, "node bench/run.mjs {options...}").env("LASTWORD_CHROMIUM", browser);
    bench.run().context("the benchmark did not end")
}

/// Installs the packages of `bench/package-lock.json`, which no other command needs, unless they are there.
fn contenders(workspace: &Workspace) -> Result<()> {
    let lock = workspace.read("bench/package-lock.json")?;
    let stamp = workspace.root.join("bench/node_modules/.lastword-lock");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock) {
        setup::present("the contenders' npm packages");
        return Ok(());
    }
    let install = cmd!(workspace.shell, "npm ci --prefix bench --no-audit --no-fund");
    setup::install("the contenders' npm packages", install)?;
    fs::write(&stamp, lock).context("cannot note the installed contenders")
}
