//! Builds the site of the documentation with mdBook, from `docs/` into `target/site`. Never part of the tests: it installs
//! mdBook first, which takes some minutes.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use xshell::cmd;

use crate::setup;
use crate::tidy::normal;
use crate::workspace::Workspace;

/// Makes the site anew.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    setup::cargo_tool(workspace, "mdbook", MDBOOK, &["--locked", "--no-default-features", "--features", "search"])?;
    let site = workspace.root.join(SITE);
    if site.exists() {
        fs::remove_dir_all(&site)?;
    }
    cmd!(workspace.shell, "mdbook build").run()?;
    let copied = copy_linked(workspace, &site)?;
    fs::write(site.join("index.html"), TO_THE_BOOK)?;
    println!("{} is the site; {copied} linked files are beside it", site.join("index.html").display());
    Ok(())
}

/// Puts the sources that pages link to where the links point: the book stands in the site as `docs/` does in the checkout.
fn copy_linked(workspace: &Workspace, site: &Path) -> Result<usize> {
    let mut copied = 0;
    let pages = cmd!(workspace.shell, "git ls-files --cached --others --exclude-standard docs/*.md").quiet().read()?;
    for page in pages.lines() {
        let folder = Path::new(page).parent().unwrap_or(Path::new(""));
        for link in links(&workspace.read(page)?) {
            let target = normal(&folder.join(link));
            let (from, mut to) = (workspace.root.join(&target), site.join(&target));
            let is_page = to.extension().is_some_and(|extension| extension == "md");
            if is_page {
                // mdBook has made the link so.
                to.set_extension("html");
            }
            if target.starts_with("docs") || !from.is_file() || to.exists() {
                continue;
            }
            fs::create_dir_all(to.parent().unwrap_or(site))?;
            if is_page {
                let text = fs::read_to_string(&from)?.replace('&', "&amp;").replace('<', "&lt;");
                fs::write(&to, format!("<!doctype html><meta charset=utf-8><pre>{text}</pre>\n"))?;
            } else {
                fs::copy(&from, &to).with_context(|| format!("cannot copy {}", target.display()))?;
            }
            copied += 1;
        }
    }
    Ok(copied)
}

/// The relative links of a page, without their fragments.
fn links(page: &str) -> impl Iterator<Item = &str> {
    let targets = page.split("](").skip(1).filter_map(|rest| rest.split([')', ' ', '#']).next());
    targets.filter(|link| !link.is_empty() && !link.contains("://"))
}

const MDBOOK: &str = "0.5.4";
const SITE: &str = "target/site";
const TO_THE_BOOK: &str =
    "<!doctype html><meta http-equiv=\"refresh\" content=\"0; url=docs/index.html\"><title>lastword</title>\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_relative_and_without_fragments() {
        let page = "[a](../x.rs#L1) [b](https://example.org/y) [c](#own) ![d](images/e.png \"t\")";
        assert_eq!(links(page).collect::<Vec<_>>(), ["../x.rs", "images/e.png"]);
    }
}
