//! Finds programs that belong to the system, or installs them where that is one command (Debian as root). Never
//! downloads a browser or a database by itself.

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, bail};
use xshell::cmd;

use crate::setup;
use crate::workspace::Workspace;

/// Chromium and the driver that belongs to it.
pub(crate) struct Chromium {
    pub(crate) browser: PathBuf,
    pub(crate) driver: PathBuf,
}

/// Gives Chromium, or another build of it, installing it when it is not there.
pub(crate) fn chromium(workspace: &Workspace) -> Result<Chromium> {
    if let Some(chromium) = find_chromium(workspace) {
        setup::present("chromium with its driver");
        return Ok(chromium);
    }
    if !debian_as_root(workspace) {
        bail!("the browser tests need chromium and chromedriver: {CHROMIUM_ADVICE}");
    }
    install(workspace, "chromium with its driver", &["chromium", "chromium-driver"])?;
    match find_chromium(workspace) {
        Some(chromium) => Ok(chromium),
        None => bail!("the packages chromium and chromium-driver are installed, but hold no chromium and chromedriver"),
    }
}

/// Sees to Postgres. Without it the server's tests run on SQLite alone and say so.
pub(crate) fn postgres(workspace: &Workspace) -> Result<()> {
    if has_postgres(workspace) {
        setup::present("postgres");
    } else if debian_as_root(workspace) {
        install(workspace, "postgres", &["postgresql"])?;
    } else {
        eprintln!("setup: no postgres, so its tests are skipped; to have them, install postgresql");
    }
    Ok(())
}

/// Looks where the server's tests look.
pub(crate) fn has_postgres(workspace: &Workspace) -> bool {
    let versions = fs::read_dir(DEBIAN_POSTGRES).into_iter().flatten().flatten();
    versions.into_iter().any(|version| version.path().join("bin/initdb").is_file())
        || workspace.program(&["initdb"]).is_some()
}

fn find_chromium(workspace: &Workspace) -> Option<Chromium> {
    Some(Chromium {
        browser: workspace.program(&["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"])?,
        driver: workspace.program(&["chromedriver"])?,
    })
}

fn debian_as_root(workspace: &Workspace) -> bool {
    let root = cmd!(workspace.shell, "id -u").quiet().ignore_stderr().read().is_ok_and(|id| id == "0");
    root && workspace.program(&["apt-get"]).is_some() && fs::exists("/etc/debian_version").unwrap_or(false)
}

fn install(workspace: &Workspace, what: &str, packages: &[&str]) -> Result<()> {
    let shell = &workspace.shell;
    setup::install("the list of system packages", cmd!(shell, "apt-get update -qq"))?;
    let install = cmd!(shell, "apt-get install -y -qq --no-install-recommends {packages...}");
    setup::install(what, install.env("DEBIAN_FRONTEND", "noninteractive"))
}

const DEBIAN_POSTGRES: &str = "/usr/lib/postgresql";

const CHROMIUM_ADVICE: &str = "on Debian or Ubuntu run `sudo apt-get install chromium chromium-driver`, \
    elsewhere install Chrome and the chromedriver of the same version and put both on the path";
