//! `cargo xtask`: the project's only build script.
//!
//! It never needs more than cargo, rustup, node and npm to begin with; what else a command needs it installs first,
//! saying so. Each subcommand has a file of its own.

mod bench;
mod browsers;
mod build;
mod demo;
mod docs;
mod lockfile;
mod server;
mod setup;
mod sim;
mod size;
mod system;
mod tally;
mod test;
mod tidy;
mod trim;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};
use lexopt::prelude::*;

use build::Mode;
use workspace::Workspace;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode> {
    let mut args = lexopt::Parser::from_env();
    let command = match args.next()? {
        Some(Value(command)) => command.string()?,
        None | Some(Short('h') | Long("help")) => {
            print!("{HELP}");
            return Ok(ExitCode::SUCCESS);
        }
        Some(other) => return Err(other.unexpected().into()),
    };
    let workspace = Workspace::open()?;
    match command.as_str() {
        "setup" if flag(&mut args, "tests")? => setup::for_tests(&workspace)?,
        "setup" => setup::for_build(&workspace)?,
        "build" => build::run(&workspace, if flag(&mut args, "dev")? { Mode::Dev } else { Mode::Release })?,
        "demo" => demo::run(&workspace, &demo::Options::parse(&mut args)?)?,
        "test" | "ci" => return test::run(&workspace, &words(&mut args)?),
        "sim" => sim::run(&workspace, &args.raw_args()?.collect::<Vec<_>>())?,
        "bench" => bench::run(&workspace, &args.raw_args()?.collect::<Vec<_>>())?,
        "docs" => docs::run(&workspace)?,
        "size" => size::run(&workspace)?,
        "tidy" => tidy::run(&workspace)?,
        _ => bail!("there is no command `{command}`\n\n{HELP}"),
    }
    no_more(&mut args)?;
    Ok(ExitCode::SUCCESS)
}

/// Reads the rest of the line as at most one flag, `--name`.
fn flag(args: &mut lexopt::Parser, name: &str) -> Result<bool> {
    let mut given = false;
    while let Some(arg) = args.next()? {
        match arg {
            Long(long) if long == name => given = true,
            other @ (Short(_) | Long(_) | Value(_)) => return Err(other.unexpected().into()),
        }
    }
    Ok(given)
}

/// Reads the rest of the line as plain words.
fn words(args: &mut lexopt::Parser) -> Result<Vec<String>> {
    let mut words = Vec::new();
    while let Some(arg) = args.next()? {
        match arg {
            Value(word) => words.push(word.string()?),
            other @ (Short(_) | Long(_)) => return Err(other.unexpected().into()),
        }
    }
    Ok(words)
}

fn no_more(args: &mut lexopt::Parser) -> Result<()> {
    match args.next()? {
        Some(arg) => Err(arg.unexpected().into()),
        None => Ok(()),
    }
}

const HELP: &str = "\
cargo xtask COMMAND

  setup [--tests]               install what the build needs, or the tests too
  build [--dev]                 build the npm package and the demo page; --dev skips wasm-opt
  demo [--check] [--port N]     run the demo on a fresh database; --check: two real browsers, headless, then exit
  test [STEP...]                run every check and test, or the steps named
  ci                            the same as test
  sim --worlds N --seed S       run simulated worlds
  bench [--quick [--report]] [--rounds N] [--minutes N] [--only A,B] [--workload W] [--more]
                                measure against the peers and write docs/benchmarks.md; --quick: small sizes, --report writes all the same,
                                --more: adds rounds to those that were measured before
  docs                          build the site of the documentation in target/site
  size                          compare the package's size with bench/size-budget.json
  tidy                          check what reviewers should not have to
";
