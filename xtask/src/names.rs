//! Short names for what the wasm and its JavaScript side pass to each other. Never touches code.
//!
//! wasm-bindgen ends such a name with a hash: chance is what does not compress, and here it stands in both files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Numbers the names, in both files. 5 kB after gzip.
pub(crate) fn shorten(wasm: &Path, glue: &Path) -> Result<()> {
    let script = fs::read_to_string(glue)?;
    let binary = fs::read(wasm)?;
    let names = numbered(&script);
    let is_part = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let words = script.split_inclusive(|char| !is_part(char)).map(|piece| {
        let (word, end) = piece.split_at(piece.trim_end_matches(|char| !is_part(char)).len());
        names.get(word).map_or_else(|| piece.to_owned(), |number| format!("{number}{end}"))
    });
    fs::write(glue, words.collect::<String>())?;
    fs::write(wasm, renamed(&binary, &names).with_context(|| format!("{} is no wasm", wasm.display()))?)?;
    Ok(())
}

/// The names that end with a hash, each with what it is called from now on.
fn numbered(script: &str) -> BTreeMap<&str, String> {
    let is_hash = |end: &str| {
        let end = end.trim_start_matches('h');
        end.len() == HASH && end.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let words = script.split(|char: char| !char.is_ascii_alphanumeric() && char != '_');
    let hashed = words.filter(|word| {
        (word.starts_with("__wb") || word.starts_with("wasm_bindgen_")) && word.rsplit('_').next().is_some_and(is_hash)
    });
    let mut names: BTreeMap<&str, String> = hashed.map(|name| (name, String::new())).collect();
    names.values_mut().enumerate().for_each(|(number, name)| *name = format!("n{number}"));
    names
}

/// The module with other names in its imports and exports; none where it is not one.
fn renamed(binary: &[u8], names: &BTreeMap<&str, String>) -> Option<Vec<u8>> {
    let (head, mut rest) = binary.split_at_checked(HEAD)?;
    let mut module = head.to_vec();
    while let Some((&id, after)) = rest.split_first() {
        let (length, after) = length(after)?;
        let (section, after) = after.split_at_checked(length)?;
        let mut section = section.to_vec();
        if [IMPORTS, EXPORTS].contains(&id) {
            for (name, short) in names {
                let (name, short) = (prefixed(name.as_bytes()), prefixed(short.as_bytes()));
                if let Some(at) = section.windows(name.len()).position(|bytes| bytes == name) {
                    section.splice(at..at + name.len(), short);
                }
            }
        }
        module.push(id);
        module.extend(prefixed(&section));
        rest = after;
    }
    Some(module)
}

/// Reads a length, seven bits to a byte; gives it with what stands behind.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let last = bytes.iter().take(LENGTH_BYTES_MAX).position(|byte| byte & 0x80 == 0)?;
    let (length, after) = bytes.split_at_checked(last + 1)?;
    Some((length.iter().rev().fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7f)), after))
}

/// The bytes behind their length.
fn prefixed(bytes: &[u8]) -> Vec<u8> {
    let mut prefixed = Vec::with_capacity(bytes.len() + LENGTH_BYTES_MAX);
    let mut left = bytes.len();
    while left > 0x7f {
        prefixed.push(left.to_le_bytes()[0] | 0x80);
        left >>= 7;
    }
    prefixed.push(left.to_le_bytes()[0]);
    prefixed.extend_from_slice(bytes);
    prefixed
}

/// Digits of the hash at the end of a name.
const HASH: usize = 16;
/// The magic number and the version.
const HEAD: usize = 8;
const LENGTH_BYTES_MAX: usize = 5;
/// Number of the section that names what the module takes.
const IMPORTS: u8 = 2;
/// Number of the section that names what it gives.
const EXPORTS: u8 = 7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_in_both_files() {
        let script = "{ __wbg_get_0123456789abcdef: wasm.wasm_bindgen__invoke__h0123456789abcdef, __wbg_get: 1 }";
        let names = numbered(script);
        let held: Vec<_> = names.iter().map(|(name, short)| (*name, short.as_str())).collect();
        assert_eq!(held, [("__wbg_get_0123456789abcdef", "n0"), ("wasm_bindgen__invoke__h0123456789abcdef", "n1")]);
        let section = |id: u8, name: &str| [vec![id], prefixed(&prefixed(name.as_bytes()))].concat();
        let module = |first: &str, second: &str| {
            let code = section(10, &"__wbg_get_0123456789abcdef".repeat(10));
            [b"\0asm\x01\0\0\0".to_vec(), section(IMPORTS, first), section(EXPORTS, second), code].concat()
        };
        let long = module("__wbg_get_0123456789abcdef", "wasm_bindgen__invoke__h0123456789abcdef");
        assert_eq!(renamed(&long, &names), Some(module("n0", "n1")));
        assert_eq!(renamed(&long[..long.len() - 1], &names), None);
    }
}
