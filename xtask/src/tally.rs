//! Counts passed and failed tests from what test runners print. Never decides what to run.

use std::io::{BufRead, BufReader, Write};
use std::ops::AddAssign;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

/// How many tests passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Tally {
    /// One check that is not a test runner.
    pub(crate) fn one(passed: bool) -> Self {
        if passed { Self { passed: 1, failed: 0 } } else { Self { passed: 0, failed: 1 } }
    }

    /// Runs a test runner, shows what it prints as it comes, and counts.
    ///
    /// A runner that fails without counting a failure, or succeeds without counting a test, counts as one failed: a
    /// suite that silently ran nothing must not look green.
    pub(crate) fn of_runner(command: impl Into<Command>) -> Result<Self> {
        Self::of_runner_shown(command.into(), &mut std::io::stdout())
    }

    fn of_runner_shown(mut command: Command, shown: &mut impl Write) -> Result<Self> {
        let name = format!("{command:?}");
        let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot start {name}"))?;
        let output = child.stdout.take().context("the runner has no output")?;
        let mut tally = Self::default();
        let mut line = Vec::new();
        let mut reader = BufReader::new(output);
        while reader.read_until(b'\n', &mut line)? > 0 {
            shown.write_all(&line)?;
            tally += Self::of_line(&String::from_utf8_lossy(&line));
            line.clear();
        }
        let status = child.wait()?;
        if !status.success() && tally.failed == 0 {
            eprintln!("{name}: {status}, with no failed test counted");
            tally.failed = 1;
        }
        if status.success() && tally == Self::default() {
            eprintln!("{name}: ran no test");
            tally.failed = 1;
        }
        Ok(tally)
    }

    /// Counts what one line of output says: a summary of libtest, of wasm-bindgen's runner (the same), or of node's.
    fn of_line(line: &str) -> Self {
        let line = plain(line);
        let line = line.trim_end();
        if let Some(result) = line.strip_prefix("test result: ") {
            return Self { passed: before(result, " passed"), failed: before(result, " failed") };
        }
        // Node sums up as `# pass 3` (TAP) or `ℹ pass 3` (spec), one count a line.
        let Some(sum) = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ ")) else { return Self::default() };
        match sum.split_once(' ').map(|(word, count)| (word, count.parse::<u64>())) {
            Some(("pass", Ok(passed))) => Self { passed, failed: 0 },
            Some(("fail" | "cancelled", Ok(failed))) => Self { passed: 0, failed },
            _ => Self::default(),
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// The number that stands before `word`, or 0.
fn before(text: &str, word: &str) -> u64 {
    let Some((head, _)) = text.split_once(word) else { return 0 };
    head.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// `line` without terminal colours.
fn plain(line: &str) -> String {
    let mut parts = line.split('\x1b');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(part.split_once('m').map_or("", |(_, rest)| rest));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, passed: u64, failed: u64) {
        assert_eq!(Tally::of_line(line), Tally { passed, failed }, "{line:?}");
    }

    #[test]
    fn counts_the_summaries_of_each_runner() {
        check("test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s\n", 12, 0);
        check("test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 filtered out\n", 3, 2);
        check("test result: \x1b[32mok\x1b[0m. 4 passed; 0 failed; 1 ignored\r\n", 4, 0);
        check("# pass 7\n", 7, 0);
        check("# fail 1\n", 0, 1);
        check("ℹ pass 20\n", 20, 0);
        check("\x1b[34mℹ fail 2\x1b[39m\n", 0, 2);
        check("ℹ cancelled 1\n", 0, 1);
    }

    #[test]
    fn counts_nothing_else() {
        for line in
            ["running 3 tests", "test a ... ok", "# tests 9", "ℹ duration_ms 12.5", "# pass the salt", "", "pass 3"]
        {
            check(line, 0, 0);
        }
    }

    fn sh(script: &str) -> Tally {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Tally::of_runner_shown(command, &mut std::io::sink()).unwrap()
    }

    #[test]
    fn adds_up_the_summaries_of_a_run() {
        let script = "echo 'test result: ok. 2 passed; 0 failed;'; echo 'test result: ok. 3 passed; 0 failed;'";
        assert_eq!(sh(script), Tally { passed: 5, failed: 0 });
    }

    #[test]
    fn a_runner_that_dies_or_runs_nothing_has_failed() {
        assert_eq!(sh("exit 3"), Tally { passed: 0, failed: 1 });
        assert_eq!(sh("echo '# pass 4'; exit 1"), Tally { passed: 4, failed: 1 });
        assert_eq!(sh("echo '# fail 2'; exit 1"), Tally { passed: 0, failed: 2 });
        assert_eq!(sh("true"), Tally { passed: 0, failed: 1 });
    }
}
