//! Runs simulated worlds; the options go to `tests/sim` as they are.

use std::ffi::OsString;

use anyhow::Result;
use xshell::cmd;

use crate::workspace::Workspace;

/// Runs the simulation in release mode with these options.
pub(crate) fn run(workspace: &Workspace, options: &[OsString]) -> Result<()> {
    Ok(cmd!(workspace.shell, "cargo run --quiet --release --package lastword-sim -- {options...}").quiet().run()?)
}
