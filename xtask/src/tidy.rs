//! Checks what reviewers should not have to: module docs, file length, stray `cfg`, stubs, links, machine paths.
//!
//! It never changes a file. Each check is a function from a file to the lines that break its rule.

use std::path::{Component, Path, PathBuf};
use std::{env, fs};

use anyhow::{Result, bail};
use xshell::cmd;

use crate::workspace::Workspace;

/// Prints every broken rule with its place, and fails when there is one.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let shell = &workspace.shell;
    let list = cmd!(shell, "git ls-files --cached --others --exclude-standard --deduplicate").quiet().read()?;
    let local = local_paths(workspace);
    let mut broken = 0;
    for path in list.lines() {
        // What is not there was removed and not yet committed; what is not text has no rules.
        let Ok(text) = fs::read_to_string(workspace.root.join(path)) else { continue };
        let file = File { path, text: &text };
        let exists = |link: &Path| workspace.root.join(link).exists();
        for problem in problems(file, &local, &exists) {
            eprintln!("{path}{problem}");
            broken += 1;
        }
    }
    if broken > 0 {
        bail!("tidy: {broken} broken rules")
    }
    println!("tidy: {} files are in order", list.lines().count());
    Ok(())
}

/// A text file of the checkout.
#[derive(Clone, Copy)]
struct File<'a> {
    path: &'a str,
    text: &'a str,
}

impl File<'_> {
    fn is(self, extensions: &[&str]) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, extension)| extensions.contains(&extension))
    }

    /// A problem for each line that has one of `needles`.
    fn lines_with(self, needles: &[impl AsRef<str>], rule: &str) -> Vec<String> {
        let hit = |line: &str| needles.iter().any(|needle| line.contains(needle.as_ref()));
        let lines = self.text.lines().enumerate().filter(|(_, line)| hit(line));
        lines.map(|(index, _)| format!(":{}: {rule}", index + 1)).collect()
    }
}

/// All that is wrong with one file: each entry is `:line: rule`.
fn problems(file: File, local: &[String], exists: &dyn Fn(&Path) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    if file.is(&["rs"]) {
        found.extend(module_doc(file));
        found.extend(stray_cfg(file));
        found.extend(file.lines_with(STUBS, "no stubs and no ignored tests"));
    }
    if file.is(&["rs", "ts", "tsx", "js", "mjs", "css", "html"]) {
        found.extend(length(file));
    }
    if file.is(&["md"]) {
        found.extend(dead_links(file, exists));
    }
    found.extend(file.lines_with(local, "a path of one machine"));
    found.extend(file.lines_with(HOSTS, "the address of a package registry"));
    found
}

fn module_doc(file: File) -> Option<String> {
    let start = file.text.trim_start();
    (!start.starts_with("//!")).then(|| ":1: a module opens with its doc, `//!`".to_owned())
}

/// The browser half of the client is chosen in one place, its `lib.rs`.
fn stray_cfg(file: File) -> Vec<String> {
    if ["src/lib.rs", "examples/typed/src/lib.rs"].contains(&file.path) {
        return Vec::new();
    }
    file.lines_with(&[concat!("cfg(target", "_family")], "only src/lib.rs chooses by target family")
}

fn length(file: File) -> Option<String> {
    let lines = file.text.lines().count();
    let excused = file.text.lines().take(DOC_LINES).any(|line| line.contains(EXCUSE));
    (lines > LINES_MAX && !excused)
        .then(|| format!(":1: {lines} lines; over {LINES_MAX} the module doc says why: \"{EXCUSE}…\""))
}

/// Links of a Markdown file that point into the checkout, but at nothing.
fn dead_links(file: File, exists: &dyn Fn(&Path) -> bool) -> Vec<String> {
    let folder = Path::new(file.path).parent().unwrap_or(Path::new(""));
    let mut dead = Vec::new();
    for (index, line) in prose(file.text) {
        for link in line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next()) {
            let target = link.split('#').next().unwrap_or_default();
            let elsewhere = link.contains("://") || link.starts_with("mailto:");
            if !target.is_empty() && !elsewhere && !exists(&normal(&folder.join(target))) {
                dead.push(format!(":{}: `{link}` points at no file", index + 1));
            }
        }
    }
    dead
}

/// The lines outside code blocks, with their index.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    text.lines().enumerate().filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !in_code && !fence
    })
}

/// `a/../b` as `b`.
pub(crate) fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(out.pop()),
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => out.push(component),
        }
    }
    out
}

/// What this machine would leak: where the checkout is, and the user's home.
fn local_paths(workspace: &Workspace) -> Vec<String> {
    let home = env::var("HOME").or_else(|_| env::var("USERPROFILE")).unwrap_or_default();
    let root = workspace.root.display().to_string();
    [home, root].into_iter().filter(|path| path.len() > 1).map(|path| format!("{path}/")).collect()
}

const LINES_MAX: usize = 600;
/// Where a module doc has to excuse a long file.
const DOC_LINES: usize = 20;
const EXCUSE: &str = "Long because";

const STUBS: &[&str] = &[concat!("todo", "!("), concat!("unimpl", "emented!("), concat!("#[", "ignore")];
const HOSTS: &[&str] = &[
    concat!("\"resolved\": \"", "http"),
    concat!("registry.", "npmjs.org"),
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("pypi.", "org/simple"),
    concat!("--", "registry"),
    concat!("--", "index-url"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str, expected: &[&str]) {
        let exists = |link: &Path| link == Path::new("docs/here.md");
        assert_eq!(problems(File { path, text }, &["/home/me/".to_owned()], &exists), expected, "{path}");
    }

    #[test]
    fn a_module_opens_with_its_doc() {
        check("src/a.rs", "//! Never waits.\n", &[]);
        check("src/a.rs", "use std::fs;\n", &[":1: a module opens with its doc, `//!`"]);
        check("src/a.ts", "import './b';\n", &[]);
    }

    #[test]
    fn only_the_client_root_chooses_by_target() {
        let text = format!("//! Doc.\n#[{}_family = \"wasm\")]\n", "cfg(target");
        check("src/lib.rs", &text, &[]);
        check("src/driver.rs", &text, &[":2: only src/lib.rs chooses by target family"]);
    }

    #[test]
    fn stubs_are_found() {
        let text = format!("//! Doc.\n\n#[{}]\nfn a() {{ {}!() }}\n", "ignore", "todo");
        let rule = "no stubs and no ignored tests";
        check("src/a.rs", &text, &[&format!(":3: {rule}"), &format!(":4: {rule}")]);
    }

    #[test]
    fn a_long_file_needs_a_reason() {
        let lines = "a\n".repeat(LINES_MAX);
        check(
            "src/a.rs",
            &format!("//! Doc.\n{lines}"),
            &[":1: 601 lines; over 600 the module doc says why: \"Long because…\""],
        );
        check("src/a.rs", &format!("//! Doc. {EXCUSE} of a table.\n{lines}"), &[]);
        check("notes.md", &lines.repeat(2), &[]);
    }

    #[test]
    fn links_point_at_files() {
        check("docs/a.md", "[a](here.md#part) [b](../docs/here.md) [c](https://example.org/x) [d](#own)\n", &[]);
        check("docs/a.md", "text\n[a](gone.md#part)\n", &[":2: `gone.md#part` points at no file"]);
        check("docs/a.md", "```md\n[a](gone.md)\n```\n", &[]);
    }

    #[test]
    fn nothing_tells_of_the_machine() {
        check("a.json", "{\"a\": \"/home/me/x\"}\n", &[":1: a path of one machine"]);
        check("a.json", &format!("\"resolved\": \"{}://x\"\n", "https"), &[":1: the address of a package registry"]);
    }
}
