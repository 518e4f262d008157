//! Where the checkout is and how commands run in it. Knows nothing of what they do.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result};
use serde_json::Value;
use xshell::{Shell, cmd};

/// The checkout, with a shell in its root.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) shell: Shell,
}

impl Workspace {
    /// Finds the checkout and puts its own tools first on the path.
    pub(crate) fn open() -> Result<Self> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR").context("start this with `cargo xtask`")?;
        let root = Path::new(&manifest).parent().context("xtask has no parent folder")?.to_path_buf();
        let shell = Shell::new()?;
        shell.change_dir(&root);

        let metadata = cmd!(shell, "cargo metadata --format-version 1 --no-deps").quiet().read()?;
        let metadata: Value = serde_json::from_str(&metadata)?;
        let target = metadata["target_directory"].as_str().context("cargo metadata names no target directory")?;
        let workspace = Self { root, target: PathBuf::from(target), shell };

        let mut path = vec![workspace.tools().join("bin"), workspace.root.join("node_modules/.bin")];
        path.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        workspace.shell.set_var("PATH", env::join_paths(path)?);
        Ok(workspace)
    }

    /// Where tools go whose version would clash with one the user has.
    pub(crate) fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    /// Reads a file of the checkout.
    pub(crate) fn read(&self, path: &str) -> Result<String> {
        fs::read_to_string(self.root.join(path)).with_context(|| format!("cannot read {path}"))
    }

    /// Tells whether the checkout has this file or folder.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    /// Finds the first of these programs on the path.
    pub(crate) fn program(&self, names: &[&str]) -> Option<PathBuf> {
        let path: OsString = self.shell.var_os("PATH")?;
        let folders: Vec<PathBuf> = env::split_paths(&path).collect();
        names
            .iter()
            .flat_map(|name| {
                folders.iter().map(move |folder| folder.join(format!("{name}{}", env::consts::EXE_SUFFIX)))
            })
            .find(|file| file.is_file())
    }
}
