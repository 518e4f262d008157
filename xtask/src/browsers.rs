//! Finds the browser and its driver, or installs them where that is one command (Debian as root). Never downloads a
//! browser by itself.

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

/// Gives Chromium, or another build of it, installing it when neither is there.
pub(crate) fn chromium(workspace: &Workspace) -> Result<Chromium> {
    if let Some(chromium) = find(workspace) {
        setup::present("chromium with its driver");
        return Ok(chromium);
    }
    let root = cmd!(workspace.shell, "id -u").quiet().ignore_stderr().read().is_ok_and(|id| id == "0");
    if workspace.program(&["apt-get"]).is_none() || !root {
        bail!("the browser tests need chromium and chromedriver: {ADVICE}");
    }
    let shell = &workspace.shell;
    setup::install("the list of system packages", cmd!(shell, "apt-get update -qq"))?;
    let install = cmd!(shell, "apt-get install -y -qq --no-install-recommends chromium chromium-driver");
    setup::install("chromium with its driver", install.env("DEBIAN_FRONTEND", "noninteractive"))?;
    match find(workspace) {
        Some(chromium) => Ok(chromium),
        None => bail!("the packages chromium and chromium-driver are installed, but hold no chromium and chromedriver"),
    }
}

fn find(workspace: &Workspace) -> Option<Chromium> {
    Some(Chromium {
        browser: workspace.program(&["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"])?,
        driver: workspace.program(&["chromedriver"])?,
    })
}

const ADVICE: &str = "on Debian or Ubuntu run `sudo apt-get install chromium chromium-driver`, \
    elsewhere install Chrome and the chromedriver of the same version and put both on the path";
