//! Finds programs that belong to the system, or installs them where that is one command (Debian as root). Never
//! downloads a database by itself.

use std::fs;

use anyhow::Result;
use xshell::cmd;

use crate::setup;
use crate::workspace::Workspace;

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

/// Tells whether a system package is one command away.
pub(crate) fn debian_as_root(workspace: &Workspace) -> bool {
    let root = cmd!(workspace.shell, "id -u").quiet().ignore_stderr().read().is_ok_and(|id| id == "0");
    root && workspace.program(&["apt-get"]).is_some() && fs::exists("/etc/debian_version").unwrap_or(false)
}

/// Installs packages of the system.
pub(crate) fn install(workspace: &Workspace, what: &str, packages: &[&str]) -> Result<()> {
    let shell = &workspace.shell;
    setup::install("the list of system packages", cmd!(shell, "apt-get update -qq"))?;
    let install = cmd!(shell, "apt-get install -y -qq --no-install-recommends {packages...}");
    setup::install(what, install.env("DEBIAN_FRONTEND", "noninteractive"))
}

/// Installs what some tests can be skipped for: where it is not to be had, it says so and goes on.
pub(crate) fn install_optional(workspace: &Workspace, what: &str, packages: &[&str]) {
    if !debian_as_root(workspace) {
        eprintln!("setup: no {what}, so its tests are skipped; to have them, install {}", packages.join(" "));
    } else if let Err(error) = install(workspace, what, packages) {
        eprintln!("setup: no {what}, so its tests are skipped: {error:#}");
    }
}

const DEBIAN_POSTGRES: &str = "/usr/lib/postgresql";
