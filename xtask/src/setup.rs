//! Installs what the build and the tests need, where it is missing. Never touches a tool that is there and right, and
//! takes about a second when nothing is missing.

use std::fs;

use anyhow::{Context, Result, bail};
use xshell::{Cmd, cmd};

use crate::workspace::Workspace;
use crate::{browsers, lockfile, system};

/// What `build` and `demo` need.
pub(crate) fn for_build(workspace: &Workspace) -> Result<()> {
    node(workspace)?;
    wasm_target(workspace)?;
    wasm_bindgen(workspace)?;
    npm_packages(workspace, ".")
}

/// What `test` needs: the same, and browsers, databases and checkers.
pub(crate) fn for_tests(workspace: &Workspace) -> Result<()> {
    for_build(workspace)?;
    components(workspace)?;
    cargo_tool(workspace, "wasm-pack", WASM_PACK, &["--locked"])?;
    cargo_tool(workspace, "cargo-deny", CARGO_DENY, &["--locked", "--no-default-features"])?;
    npm_packages(workspace, PACKAGING)?;
    browsers::chromium(workspace)?;
    browsers::set_up_firefox(workspace)?;
    browsers::set_up_webkit(workspace);
    system::postgres(workspace)
}

/// Says that a thing is there already. One line for each step, so that a person sees what set-up looked at.
pub(crate) fn present(what: &str) {
    eprintln!("setup: found {what}");
}

/// Runs one installing command, saying first what it is for.
pub(crate) fn install(what: &str, command: Cmd<'_>) -> Result<()> {
    eprintln!("setup: installing {what}: {command}");
    command.quiet().run().with_context(|| format!("could not install {what}"))
}

fn node(workspace: &Workspace) -> Result<()> {
    let found = cmd!(workspace.shell, "node --version").quiet().ignore_stderr().read().unwrap_or_default();
    let major = found.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    match major {
        Some(major) if major >= NODE_MAJOR => {}
        Some(_) => bail!("node is {found}: install node {NODE_MAJOR} or newer"),
        None => bail!("node is missing: install node {NODE_MAJOR} or newer, with npm"),
    }
    if workspace.program(&["npm", "npm.cmd"]).is_none() {
        bail!("npm is missing: install it beside node");
    }
    present(&format!("node {found}"));
    Ok(())
}

fn wasm_target(workspace: &Workspace) -> Result<()> {
    let shell = &workspace.shell;
    let libraries = cmd!(shell, "rustc --print target-libdir --target {WASM_TARGET}").quiet().read()?;
    if fs::exists(libraries)? {
        present(WASM_TARGET);
        return Ok(());
    }
    if workspace.program(&["rustup"]).is_none() {
        bail!("this Rust has no {WASM_TARGET} target, and there is no rustup to add it: install Rust with rustup");
    }
    install(WASM_TARGET, cmd!(shell, "rustup target add {WASM_TARGET}"))
}

fn components(workspace: &Workspace) -> Result<()> {
    let shell = &workspace.shell;
    for (name, command) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if cmd!(shell, "cargo {command} --version").quiet().ignore_stdout().ignore_stderr().run().is_ok() {
            present(name);
        } else {
            install(name, cmd!(shell, "rustup component add {name}"))?;
        }
    }
    Ok(())
}

/// The tool must be of exactly the version of the library, which Cargo.lock decides.
///
/// Without `--locked`: the lock file that is published with the tool names a yanked crate.
fn wasm_bindgen(workspace: &Workspace) -> Result<()> {
    let lock = workspace.read("Cargo.lock")?;
    cargo_tool_named(workspace, "wasm-bindgen", "wasm-bindgen-cli", lockfile::version(&lock, "wasm-bindgen")?, &[])
}

/// Installs a program of crates.io under its package's name.
pub(crate) fn cargo_tool(workspace: &Workspace, name: &str, version: &str, options: &[&str]) -> Result<()> {
    cargo_tool_named(workspace, name, name, version, options)
}

/// Installs a program from crates.io. One that the user has in another version stays; ours then goes under `target/`.
fn cargo_tool_named(workspace: &Workspace, name: &str, package: &str, version: &str, options: &[&str]) -> Result<()> {
    let shell = &workspace.shell;
    let installed = || cmd!(shell, "{name} --version").quiet().ignore_stderr().read().unwrap_or_default();
    let right =
        |found: &str| found.split_whitespace().nth(1).map(|found| found.trim_start_matches('v')) == Some(version);
    let found = installed();
    if right(&found) {
        present(&format!("{name} {version}"));
        return Ok(());
    }
    // One build folder for all tools: they share crates, and an install that was cut off goes on where it stopped.
    let build = workspace.tools().join("build");
    let mut command = cmd!(shell, "cargo install {package} --version {version} {options...} --target-dir {build}");
    if !found.is_empty() {
        command = command.arg("--root").arg(workspace.tools());
    }
    install(&format!("{name} {version}, which takes some minutes"), command)?;
    if !right(&installed()) {
        bail!("{name} is installed but not on the path: add the folder that cargo named above to PATH");
    }
    Ok(())
}

/// Installs the npm packages of a folder's package-lock.json, unless this very lock file was installed before.
fn npm_packages(workspace: &Workspace, folder: &str) -> Result<()> {
    let lock = workspace.read(&format!("{folder}/package-lock.json"))?;
    let stamp = workspace.root.join(folder).join("node_modules/.lastword-lock");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock) {
        present(&format!("npm packages of {folder}"));
        return Ok(());
    }
    install("npm packages", cmd!(workspace.shell, "npm ci --prefix {folder} --no-audit --no-fund"))?;
    fs::write(&stamp, lock).context("cannot note the installed npm packages")
}

/// Where the bundlers are that the package is tried with: not in the workspace, which would resolve it to its sources.
pub(crate) const PACKAGING: &str = "tests/packaging";
pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";
const NODE_MAJOR: u32 = 20;
const WASM_PACK: &str = "0.15.1";
const CARGO_DENY: &str = "0.20.2";
