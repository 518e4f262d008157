//! Runs every check and test there is and ends with one line: `N passed, N failed`. Never retries a test, and never
//! stops at the first failure.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use xshell::{Cmd, cmd};

use crate::setup::{PACKAGING, WASM_TARGET};
use crate::tally::Tally;
use crate::workspace::Workspace;
use crate::{browsers, build, demo, server, setup, sim, size, system, tidy};

/// Sets up, then runs the steps named, or all; the exit code tells whether anything failed.
pub(crate) fn run(workspace: &Workspace, names: &[String]) -> Result<ExitCode> {
    if let Some(unknown) = names.iter().find(|name| STEPS.iter().all(|step| step.name != *name)) {
        let known: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        bail!("there is no step `{unknown}`; the steps are {}", known.join(", "));
    }
    let chosen = |step: &&Step| names.is_empty() || names.iter().any(|name| name == step.name);
    let mut done = vec![SETUP.run(workspace)];
    if done[0].tally.failed == 0 {
        done.extend(STEPS.iter().filter(chosen).map(|step| step.run(workspace)));
    }
    for missing in skipped(workspace) {
        println!("\nSKIPPED: {missing} to have them");
    }
    Ok(report(&done))
}

/// One part of the whole.
struct Step {
    name: &'static str,
    work: fn(&Workspace) -> Result<Tally>,
}

/// What became of a step.
struct Done {
    name: &'static str,
    tally: Tally,
    took: Duration,
}

impl Step {
    /// Runs the step. One that fails without counting, a check say, is one failed test.
    fn run(&self, workspace: &Workspace) -> Done {
        eprintln!("\n==> {}", self.name);
        let start = Instant::now();
        let tally = (self.work)(workspace).unwrap_or_else(|error| {
            eprintln!("error: {error:#}");
            Tally::one(false)
        });
        Done { name: self.name, tally, took: start.elapsed() }
    }
}

/// What fails soonest comes first; what needs the built package comes after `build`.
const STEPS: &[Step] = &[
    Step { name: "tidy", work: |w| check(tidy::run(w)) },
    Step { name: "format", work: |w| check(run_one(cmd!(w.shell, "cargo fmt --all --check"))) },
    Step {
        name: "clippy",
        work: |w| check(run_one(cmd!(w.shell, "cargo clippy --workspace --all-targets -- -D warnings"))),
    },
    Step { name: "clippy-wasm", work: |w| check(run_one(clippy_wasm(w))) },
    Step { name: "deny", work: |w| check(run_one(cmd!(w.shell, "cargo deny check licenses bans sources"))) },
    Step { name: "rust", work: |w| Tally::of_runner(cmd!(w.shell, "cargo test --workspace --no-fail-fast")) },
    Step { name: "sim", work: |w| check(sim::run(w, &["--worlds", "60000", "--seed", "1"].map(OsString::from))) },
    Step { name: "mutations", work: |w| Tally::of_runner(mutations(w)) },
    Step { name: "build", work: |w| check(build_all(w)) },
    Step { name: "size", work: |w| check(size::run(w)) },
    Step { name: "types", work: |w| check(run_one(cmd!(w.shell, "npm run check --workspaces --if-present"))) },
    Step { name: "worker", work: |w| Tally::of_runner(cmd!(w.shell, "npm test --workspace worker")) },
    Step { name: "wasm", work: wasm },
    Step { name: "e2e", work: e2e },
    Step { name: "engines", work: engines },
    Step { name: "counts", work: |w| check(counts(w)) },
    Step { name: "packaging", work: packaging },
    Step { name: "demo", work: |w| check(demo::run(w, &demo::Options::check())) },
];

const SETUP: Step = Step { name: "setup", work: |w| check(setup::for_tests(w)) };

fn clippy_wasm(workspace: &Workspace) -> Cmd<'_> {
    cmd!(
        workspace.shell,
        "cargo clippy --package lastword --package lastword-example-typed --target {WASM_TARGET} --all-targets -- -D warnings"
    )
}

/// Deliberate mistakes, each of which the simulation must notice.
fn mutations(workspace: &Workspace) -> Cmd<'_> {
    cmd!(workspace.shell, "cargo test --release --package lastword-sim --features mutations --test mutations")
}

/// The package, the page, the wasm of the Rust example, and the server that the end-to-end tests start.
fn build_all(workspace: &Workspace) -> Result<()> {
    build::run(workspace, build::Mode::Release)?;
    build::typed(workspace)?;
    run_one(cmd!(workspace.shell, "cargo build --package lastword-server"))
}

/// The tests that run inside a browser, in a page and in workers; without Firefox, in Chromium alone.
fn wasm(workspace: &Workspace) -> Result<Tally> {
    let shell = &workspace.shell;
    let in_browser = |flags: &[&str], driver: &Path| {
        let test = cmd!(shell, "wasm-pack test --headless {flags...} {driver}");
        // The whole of a suite has to end in this time, in seconds, and the driver to start: both on a busy machine.
        Tally::of_runner(test.env("WASM_BINDGEN_TEST_TIMEOUT", "300").env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", "60"))
    };
    let mut tally = in_browser(&["--chrome", "--chromedriver"], &browsers::chromium(workspace)?.driver)?;
    if let Some(firefox) = browsers::firefox(workspace) {
        tally += in_browser(&["--firefox", "--geckodriver"], &firefox.driver)?;
    }
    Ok(tally)
}

/// The tests that drive the whole system against the server process.
fn e2e(workspace: &Workspace) -> Result<Tally> {
    browser_tests(workspace, cmd!(workspace.shell, "npm test --workspace tests/e2e"))
}

/// The core scenarios on each engine that is there.
fn engines(workspace: &Workspace) -> Result<Tally> {
    let chromium = browsers::chromium(workspace)?;
    let mut tests = cmd!(workspace.shell, "npm run engines --workspace tests/e2e")
        .env("LASTWORD_SERVER", server::program(workspace))
        .env("LASTWORD_CHROMIUM", chromium.browser)
        .env("LASTWORD_CHROMEDRIVER", chromium.driver);
    if let Some(firefox) = browsers::firefox(workspace) {
        tests = tests.env("LASTWORD_FIREFOX", firefox.browser).env("LASTWORD_GECKODRIVER", firefox.driver);
    }
    if let Some(webkit) = browsers::webkit(workspace) {
        tests = tests.env("LASTWORD_WEBKIT", webkit.browser).env("LASTWORD_WEBKIT_DRIVER", webkit.driver);
        tests = tests.env("LASTWORD_XVFB", webkit.display);
    }
    Tally::of_runner(tests)
}

/// The tarball as it would be published, in apps of several bundlers.
fn packaging(workspace: &Workspace) -> Result<Tally> {
    browser_tests(workspace, cmd!(workspace.shell, "npm test --prefix {PACKAGING}"))
}

fn browser_tests(workspace: &Workspace, tests: Cmd<'_>) -> Result<Tally> {
    let browser = browsers::chromium(workspace)?.browser;
    let server = server::program(workspace);
    Tally::of_runner(tests.env("LASTWORD_CHROMIUM", browser).env("LASTWORD_SERVER", server))
}

/// What the built package asks of IndexedDB and of the network, against `bench/counts-budget.json`.
fn counts(workspace: &Workspace) -> Result<()> {
    let browser = browsers::chromium(workspace)?.browser;
    run_one(cmd!(workspace.shell, "node bench/counts.mjs").env("LASTWORD_CHROMIUM", browser))
}

fn run_one(command: Cmd<'_>) -> Result<()> {
    Ok(command.run()?)
}

/// A step that is no test runner counts as one test.
fn check(outcome: Result<()>) -> Result<Tally> {
    outcome.map(|()| Tally::one(true))
}

/// Which tests the steps leave out on this machine, and what would bring them back.
fn skipped(workspace: &Workspace) -> Vec<&'static str> {
    let mut skipped = Vec::new();
    if !system::has_postgres(workspace) {
        skipped.push("the server's tests on Postgres; install postgresql");
    }
    if browsers::firefox(workspace).is_none() {
        skipped.push("the tests in Firefox; install firefox and geckodriver");
    }
    if browsers::webkit(workspace).is_none() {
        skipped.push("the tests in WebKit; install Debian's webkit2gtk-driver and xvfb");
    }
    skipped
}

/// Prints a line for each step, and the sum last.
fn report(done: &[Done]) -> ExitCode {
    println!();
    let mut sum = Tally::default();
    for Done { name, tally, took } in done {
        println!("{name:<12} {:>6} passed {:>4} failed {:>6.1} s", tally.passed, tally.failed, took.as_secs_f64());
        sum += *tally;
    }
    println!("{} passed, {} failed", sum.passed, sum.failed);
    if sum.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
