//! Builds the npm package in `pkg/dist` and the demo page in `www/dist`. Installs what is missing first.

use std::env;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::cmd;

use crate::setup::{self, WASM_TARGET};
use crate::trim;
use crate::workspace::Workspace;

/// What the wasm is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Mode {
    /// Quick: cargo's own optimisation only.
    Dev,
    /// Small and fast: through wasm-opt too.
    Release,
}

/// Builds everything, leaving out what did not change.
pub(crate) fn run(workspace: &Workspace, mode: Mode) -> Result<()> {
    setup::for_build(workspace)?;
    core(workspace, mode)?;
    for part in ["worker", "www"] {
        if workspace.has(&format!("{part}/package.json")) {
            cmd!(workspace.shell, "npm run --silent build --workspace {part}").quiet().run()?;
            eprintln!("build: {part} is built");
        }
    }
    Ok(())
}

/// Rust to wasm, its JavaScript side, and wasm-opt, into `pkg/dist`.
fn core(workspace: &Workspace, mode: Mode) -> Result<()> {
    let shell = &workspace.shell;
    // The library alone: link-time optimisation is left out where an rlib is made beside it.
    let library = ["--lib", "--crate-type", "cdylib"];
    cmd!(shell, "cargo rustc --profile wasm --target {WASM_TARGET} --package lastword {library...}")
        .env("CARGO_ENCODED_RUSTFLAGS", rustflags()?)
        .quiet()
        .run()?;
    let wasm = workspace.target.join(WASM_TARGET).join("wasm/lastword.wasm");

    let dist = workspace.root.join("pkg/dist");
    let stamp = dist.join(".core");
    let key = key(workspace, &wasm, mode)?;
    if fs::read_to_string(&stamp).is_ok_and(|built| built == key) {
        eprintln!("build: pkg/dist/lastword_bg.wasm is up to date");
        return Ok(());
    }
    // A build that stops half-way must not look finished.
    shell.remove_path(&stamp)?;
    shell.create_dir(&dist)?;
    cmd!(shell, "wasm-bindgen {wasm} --target web --out-dir {dist} --out-name lastword").quiet().run()?;
    let glue = dist.join("lastword.js");
    let mut minify: &[&str] = &[];
    if mode == Mode::Release {
        let wasm = dist.join("lastword_bg.wasm");
        // Before wasm-opt, which sees what it leads to, and takes the names of functions away.
        trim::run(&wasm, &glue)?;
        cmd!(shell, "wasm-opt {WASM_OPT...} {wasm} -o {wasm}").quiet().run()?;
        minify = MINIFY;
    }
    cmd!(shell, "esbuild {glue} {BUNDLE...} {minify...} --outfile={glue}").quiet().run()?;
    shell.remove_path(dist.join("snippets"))?;
    fs::write(&stamp, key)?;
    eprintln!("build: pkg/dist/lastword_bg.wasm is built");
    Ok(())
}

/// The wasm of the app in Rust, `examples/typed`, into `target/typed`. Quick, not small: only tests load it.
pub(crate) fn typed(workspace: &Workspace) -> Result<()> {
    let shell = &workspace.shell;
    cmd!(shell, "cargo build --lib --target {WASM_TARGET} --package lastword-example-typed").quiet().run()?;
    let wasm = workspace.target.join(WASM_TARGET).join("debug/lastword_example_typed.wasm");
    let out = workspace.root.join("target/typed");
    cmd!(shell, "wasm-bindgen {wasm} --target web --out-dir {out} --out-name typed").quiet().run()?;
    eprintln!("build: the wasm of examples/typed is built");
    Ok(())
}

/// Leaves the folders of this machine out of the places that panics name: a smaller file, and the same one everywhere.
fn rustflags() -> Result<String> {
    let own = env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = own.or_else(|| Some(env::home_dir()?.join(".cargo"))).context("there is no home folder")?;
    Ok(format!("--remap-path-prefix={}=", cargo_home.join("registry/src").display()))
}

/// What the files in `pkg/dist` were made from.
fn key(workspace: &Workspace, wasm: &Path, mode: Mode) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    fs::read(wasm).with_context(|| format!("cargo made no {}", wasm.display()))?.hash(&mut hasher);
    workspace.read("package-lock.json")?.hash(&mut hasher);
    (mode, WASM_OPT, BUNDLE, MINIFY).hash(&mut hasher);
    Ok(format!("{:016x}", hasher.finish()))
}

/// The features are those that rustc turns on for the target, and no more: wasm-opt may then use no newer one.
const WASM_OPT: &[&str] = &[
    // Flat first, and little put inline: repeated code is cheap after gzip. 6 kB after gzip, against -Os.
    "--one-caller-inline-max-function-size=30",
    "--flatten",
    "--rereloop",
    // Twice: the second pass finds what the first laid open.
    "-Oz",
    "-Oz",
    // What is called alike looks alike, and compresses better side by side. 2 kB after gzip.
    "--reorder-functions-by-name",
    // The lowest kibibyte is the far end of the stack, so no address is made of a small number. 2 kB after gzip.
    "--low-memory-unused",
    "--zero-filled-memory",
    "--strip-producers",
    "--strip-target-features",
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-call-indirect-overlong",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// The scripts that the Rust code calls go into the one file.
const BUNDLE: &[&str] = &["--bundle", "--format=esm", "--log-level=warning", "--allow-overwrite"];
/// What wasm-bindgen writes is for reading; small, it saves 3.6 kB after gzip.
const MINIFY: &[&str] = &["--minify"];
