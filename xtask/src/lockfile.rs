//! Reads versions from Cargo.lock. Never resolves anything itself.

use anyhow::{Context, Result};

/// Gives the version that `lock`, the text of a Cargo.lock, has for `package`.
///
/// # Errors
/// When the package is not in it.
pub(crate) fn version<'a>(lock: &'a str, package: &str) -> Result<&'a str> {
    let name = format!("name = \"{package}\"");
    lock.lines()
        .skip_while(|line| *line != name)
        .nth(1)
        .and_then(|line| line.strip_prefix("version = \"")?.strip_suffix('"'))
        .with_context(|| format!("Cargo.lock has no package `{package}`"))
}

#[cfg(test)]
mod tests {
    use super::version;

    const LOCK: &str = r#"
[[package]]
name = "wasm-bindgen-futures"
version = "0.4.60"

[[package]]
name = "wasm-bindgen"
version = "0.2.130"
source = "elsewhere"
dependencies = [
 "cfg-if",
]
"#;

    #[test]
    fn finds_the_package_of_exactly_that_name() {
        assert_eq!(version(LOCK, "wasm-bindgen").unwrap(), "0.2.130");
        assert_eq!(version(LOCK, "wasm-bindgen-futures").unwrap(), "0.4.60");
    }

    #[test]
    fn says_which_package_is_missing() {
        let error = version(LOCK, "cfg-if").unwrap_err();
        assert_eq!(error.to_string(), "Cargo.lock has no package `cfg-if`");
    }
}
