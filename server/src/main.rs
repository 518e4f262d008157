//! The command line of the server. Holds no rule of the protocol.

mod cli;

use std::process::ExitCode;

use clap::Parser as _;

/// JSON is many small allocations, and a push of many records spent a third of the server's time on them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match cli::run(cli::Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(START_FAILED)
        }
    }
}

/// What a command that could not do its work exits with, as clap does for wrong arguments.
const START_FAILED: u8 = 2;
