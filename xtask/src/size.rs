//! Compares the size of the built package, as it travels, with `bench/size-budget.json`. Never builds it.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use xshell::cmd;

use crate::workspace::Workspace;

/// Prints the sizes and fails when a group of files is over its budget.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let budget: Value = serde_json::from_str(&workspace.read(BUDGET)?).context(BUDGET)?;
    let mut over = Vec::new();
    for group in budget["groups"].as_array().context("the budget has no groups")? {
        let name = group["name"].as_str().context("a group has no name")?;
        let max = group["gzip_bytes_max"].as_u64().context("a group has no gzip_bytes_max")?;
        let mut total = Size::default();
        for file in group["files"].as_array().context("a group has no files")? {
            let file = file.as_str().context("a file is not a string")?;
            let size = measure(workspace, file)?;
            println!("{:>8} gzip {:>8} brotli  {file}", size.gzip, size.brotli);
            total.gzip += size.gzip;
            total.brotli += size.brotli;
        }
        println!("{:>8} gzip {:>8} brotli  {name}, at most {max} gzip", total.gzip, total.brotli);
        if total.gzip > max {
            over.push(format!("{name} is {} bytes over", total.gzip - max));
        }
    }
    if over.is_empty() { Ok(()) } else { bail!("over the budget of {BUDGET}: {}", over.join(", ")) }
}

/// Bytes after compression at the highest level, as a static host would send them.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    gzip: u64,
    brotli: u64,
}

/// Node has both compressors, and is there anyway.
fn measure(workspace: &Workspace, file: &str) -> Result<Size> {
    let output = cmd!(workspace.shell, "node --eval {COMPRESS} {file}").quiet().ignore_stderr().read();
    let output = output.with_context(|| format!("cannot measure {file}: run `cargo xtask build` first"))?;
    let (gzip, brotli) = output.split_once(' ').context("node gave no two sizes")?;
    Ok(Size { gzip: gzip.parse()?, brotli: brotli.parse()? })
}

const BUDGET: &str = "bench/size-budget.json";

const COMPRESS: &str = "\
const zlib = require('node:zlib'), bytes = require('node:fs').readFileSync(process.argv[1]);
console.log(zlib.gzipSync(bytes, { level: 9 }).length, zlib.brotliCompressSync(bytes).length)";
