//! Finds the browsers of the tests with their drivers, or installs them where that is one command (Debian as root). Never
//! downloads a browser by itself. Chromium must be there; without another engine its tests are skipped, and say so.

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::workspace::Workspace;
use crate::{setup, system};

/// A browser and the driver that belongs to it.
pub(crate) struct Browser {
    pub(crate) browser: PathBuf,
    pub(crate) driver: PathBuf,
}

/// Gives Chromium, or another build of it, installing it when it is not there.
pub(crate) fn chromium(workspace: &Workspace) -> Result<Browser> {
    if let Some(chromium) = find_chromium(workspace) {
        setup::present("chromium with its driver");
        return Ok(chromium);
    }
    if !system::debian_as_root(workspace) {
        bail!("the browser tests need chromium and chromedriver: {CHROMIUM_ADVICE}");
    }
    system::install(workspace, "chromium with its driver", &["chromium", "chromium-driver"])?;
    match find_chromium(workspace) {
        Some(chromium) => Ok(chromium),
        None => bail!("the packages chromium and chromium-driver are installed, but hold no chromium and chromedriver"),
    }
}

/// Sees to Firefox, and builds its driver where none is on the path.
pub(crate) fn set_up_firefox(workspace: &Workspace) -> Result<()> {
    if workspace.program(FIREFOX).is_none() {
        system::install_optional(workspace, "firefox", &["firefox-esr"]);
    }
    if workspace.program(FIREFOX).is_none() {
        return Ok(());
    }
    if workspace.program(&["geckodriver"]).is_none() {
        setup::cargo_tool(workspace, "geckodriver", GECKODRIVER, GECKODRIVER_BUILD)?;
    }
    setup::present("firefox with its driver");
    Ok(())
}

/// Firefox, where set-up found or installed it.
pub(crate) fn firefox(workspace: &Workspace) -> Option<Browser> {
    Some(Browser { browser: workspace.program(FIREFOX)?, driver: workspace.program(&["geckodriver"])? })
}

/// WebKitGTK's small browser with its driver, and a display in memory: it has no headless mode.
pub(crate) struct Webkit {
    pub(crate) browser: PathBuf,
    pub(crate) driver: PathBuf,
    pub(crate) display: PathBuf,
}

/// Sees to WebKitGTK.
pub(crate) fn set_up_webkit(workspace: &Workspace) {
    if webkit(workspace).is_none() {
        system::install_optional(workspace, "webkit with its driver", &["webkit2gtk-driver", "xvfb"]);
    }
    if webkit(workspace).is_some() {
        setup::present("webkit with its driver");
    }
}

/// WebKitGTK, where set-up found or installed it.
pub(crate) fn webkit(workspace: &Workspace) -> Option<Webkit> {
    let libraries = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    Some(Webkit {
        browser: libraries.map(|folder| folder.path().join(MINI_BROWSER)).find(|file| file.is_file())?,
        driver: workspace.program(&["WebKitWebDriver"])?,
        display: workspace.program(&["Xvfb"])?,
    })
}

fn find_chromium(workspace: &Workspace) -> Option<Browser> {
    Some(Browser {
        browser: workspace.program(&["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"])?,
        driver: workspace.program(&["chromedriver"])?,
    })
}

const FIREFOX: &[&str] = &["firefox", "firefox-esr"];

/// Below the folder of the machine's libraries, as Debian has it.
const MINI_BROWSER: &str = "webkit2gtk-4.1/MiniBrowser";

/// Mozilla's driver is on crates.io; any version of this year drives any Firefox of it.
const GECKODRIVER: &str = "0.37.1";

/// It only passes messages on: built without optimisation, it is there in a third of the time.
const GECKODRIVER_BUILD: &[&str] = &["--locked", "--debug", "--config", "profile.dev.debug=false"];

const CHROMIUM_ADVICE: &str = "on Debian or Ubuntu run `sudo apt-get install chromium chromium-driver`, \
    elsewhere install Chrome and the chromedriver of the same version and put both on the path";
