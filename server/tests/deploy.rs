//! What the files for running it say is what the program knows: Dockerfile, compose file, systemd unit, settings' table.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use yaml_rust2::{Yaml, YamlLoader};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// Each setting of `serve`: its environment variable to its flag and default.
fn settings() -> BTreeMap<String, (String, Option<String>)> {
    let output = Command::new(env!("CARGO_BIN_EXE_lastword-server")).args(["serve", "--help"]).env_clear().output();
    let help = String::from_utf8(output.unwrap().stdout).unwrap();
    let (mut settings, mut flag) = (BTreeMap::new(), String::new());
    let between = |line: &str, open: &str| Some(line.split_once(open)?.1.split(']').next()?.to_owned());
    for line in help.lines().map(str::trim) {
        if line.starts_with("--") || line.starts_with("-h, --") {
            flag = line.split([' ', ',']).find(|word| word.starts_with("--")).unwrap().to_owned();
        }
        if let Some(name) = between(line, "[env: ") {
            settings.insert(name.trim_end_matches('=').to_owned(), (flag.clone(), None));
        }
        if let Some(default) = between(line, "[default: ") {
            settings.values_mut().find(|(known, _)| *known == flag).unwrap().1 = Some(default);
        }
    }
    assert!(settings.len() > 10, "{help}");
    settings
}

/// The `LASTWORD_*` names in a text.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_uppercase() && c != '_');
    words.filter(|word| word.starts_with("LASTWORD_")).map(str::to_owned).collect()
}

#[test]
fn the_table_of_settings_is_complete_and_true() {
    let page = text("docs/server.md");
    let settings = settings();
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| `--"))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    let mut told = BTreeSet::new();
    for row in &rows {
        let [flags, variables, default] = row[..] else { panic!("{row:?}") };
        let each =
            |cell: &str| cell.split(", ").map(|word| word.trim().trim_matches('`').to_owned()).collect::<Vec<_>>();
        for (flag, variable) in each(flags).into_iter().zip(each(variables)) {
            let (known, known_default) = settings.get(&variable).unwrap_or_else(|| panic!("no setting {variable}"));
            assert_eq!(&flag, known);
            if let Some(known_default) = known_default {
                assert!(default.contains(known_default.as_str()), "{flag}: {default} is {known_default}");
            }
            told.insert(variable);
        }
    }
    assert_eq!(told, settings.into_keys().collect());
}

#[test]
fn the_dockerfile_copies_what_there_is_and_sets_what_is_known() {
    let file = text("Dockerfile");
    assert_eq!(file.lines().filter(|line| line.starts_with("FROM ")).count(), 2);
    for line in file.lines().filter_map(|line| line.strip_prefix("COPY ")) {
        let mut words: Vec<&str> = line.split(' ').filter(|word| !word.starts_with("--chown")).collect();
        words.pop();
        match words.first().and_then(|word| word.strip_prefix("--from=")) {
            Some(stage) => assert!(file.contains(&format!(" AS {stage}\n")), "{line}"),
            None => words.iter().for_each(|path| assert!(root().join(path).exists(), "{line}")),
        }
    }
    let settings = settings();
    names(&file).iter().for_each(|name| assert!(settings.contains_key(name), "{name}"));
    let port = file.lines().find_map(|line| line.strip_prefix("EXPOSE ")).unwrap();
    assert!(file.contains(&format!("LASTWORD_LISTEN=0.0.0.0:{port} ")));
    assert!(file.contains(&format!("http://127.0.0.1:{port}/ready")));
    assert!(file.contains("cargo build --release --locked -p lastword-server\n"));
    assert!(file.contains("/target/release/lastword-server /usr/local/bin/\n"));
    // What is built elsewhere does not go into the image's build.
    let ignored = text(".dockerignore");
    assert!([".git", "target", "**/node_modules"].iter().all(|path| ignored.lines().any(|line| line == *path)));
    // The program is built from the sources of every member of the workspace.
    assert!(ignored.lines().all(|line| !text("Cargo.toml").contains(&format!("\"{line}"))));
}

#[test]
fn the_compose_file_starts_the_server_beside_its_database() {
    let file = text("docker-compose.yml");
    let compose = &YamlLoader::load_from_str(&file).unwrap()[0];
    let known = ["services", "volumes"];
    assert!(compose.as_hash().unwrap().keys().all(|key| known.contains(&key.as_str().unwrap())));
    let (server, postgres) = (&compose["services"]["server"], &compose["services"]["postgres"]);
    assert_eq!(server["build"].as_str(), Some("."));
    assert_eq!(server["depends_on"]["postgres"]["condition"].as_str(), Some("service_healthy"));
    assert!(postgres["healthcheck"]["test"].as_vec().is_some());
    let settings = settings();
    for name in server["environment"].as_hash().unwrap().keys().filter_map(Yaml::as_str) {
        assert!(settings.contains_key(name), "{name}");
    }
    // Database, user and password are those that the database is made with.
    let made = |name: &str| postgres["environment"][name].as_str().unwrap();
    let url = server["environment"]["LASTWORD_DATABASE"].as_str().unwrap();
    let password = "${POSTGRES_PASSWORD}";
    assert_eq!(url, format!("postgres://{}:{password}@postgres/{}", made("POSTGRES_USER"), made("POSTGRES_DB")));
    assert!(made("POSTGRES_PASSWORD").starts_with("${POSTGRES_PASSWORD:?"), "no start without one");
    // The entities are mounted where the image looks for them, and are there.
    let mount = server["volumes"][0].as_str().unwrap();
    let (from, to) = mount.strip_suffix(":ro").unwrap().rsplit_once(':').unwrap();
    assert!(text("Dockerfile").contains(&format!("LASTWORD_ENTITIES={to} ")));
    assert!(root().join(from.split(":-").nth(1).unwrap().trim_end_matches('}')).exists(), "{from}");
    let port = server["ports"][0].as_str().unwrap().rsplit(':').next().unwrap();
    assert!(text("Dockerfile").contains(&format!("EXPOSE {port}\n")));
    for volume in [server, postgres].iter().flat_map(|s| s["volumes"].as_vec().unwrap()).filter_map(Yaml::as_str) {
        let source = volume.split(':').next().unwrap();
        assert!(source.starts_with(['$', '.', '/']) || !compose["volumes"][source].is_badvalue(), "{volume}");
    }
    // Every variable that it reads without a fallback is in the example.
    assert!(text("deploy/.env.example").contains("POSTGRES_PASSWORD="));
}

#[test]
fn the_unit_starts_the_server_with_settings_it_knows() {
    let unit = text("deploy/lastword-server.service");
    let settings = settings();
    names(&unit).iter().for_each(|name| assert!(settings.contains_key(name), "{name}"));
    assert!(unit.contains("\nExecStart=/usr/local/bin/lastword-server serve\n"));
    let section = |line: &&str| line.starts_with('[') && line.ends_with(']');
    assert_eq!(unit.lines().filter(section).collect::<Vec<_>>(), ["[Unit]", "[Service]", "[Install]"]);
    let odd = |line: &&str| !(line.is_empty() || line.starts_with(['#', '[']) || line.contains('='));
    assert_eq!(unit.lines().find(odd), None);
}
