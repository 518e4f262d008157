//! Takes out of the wasm what nobody sees: what a panic would say, and long names. Never changes what a call does.
//!
//! A panic in a browser is a trap: its words have nowhere to go. And wasm-bindgen ends the names that the wasm and its
//! JavaScript side pass to each other with a hash: chance is what does not compress, and it stands in both files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Result;
use walrus::{FunctionKind, Module};

/// Makes panics bare traps, 5 kB after gzip, and numbers the names in both files, 5 kB too.
pub(crate) fn run(wasm: &Path, glue: &Path) -> Result<()> {
    let script = fs::read_to_string(glue)?;
    let names = numbered(&script);
    let mut module = Module::from_file(wasm)?;
    for function in module.funcs.iter_mut() {
        if let FunctionKind::Local(local) = &mut function.kind
            && function.name.as_deref().is_some_and(is_panic)
        {
            let mut body = local.builder_mut().func_body();
            body.instrs_mut().clear();
            body.unreachable();
        }
    }
    let passed = module.imports.iter_mut().map(|import| &mut import.name);
    for name in passed.chain(module.exports.iter_mut().map(|export| &mut export.name)) {
        if let Some(number) = names.get(name.as_str()) {
            name.clone_from(number);
        }
    }
    module.emit_wasm_file(wasm)?;
    fs::write(glue, renamed(&script, &names))?;
    Ok(())
}

/// True for a function of the standard library that never returns. Of one that is not known here the words stay.
fn is_panic(name: &str) -> bool {
    // Each crate's name has a hash in brackets behind it.
    let plain: String = name.split('[').map(|part| part.split_once(']').map_or(part, |(_, rest)| rest)).collect();
    PANICS.iter().any(|panic| plain.starts_with(panic))
}

/// The names that end with a hash, each with what it is called from now on.
fn numbered(script: &str) -> BTreeMap<String, String> {
    let is_hash = |end: &str| {
        let end = end.trim_start_matches('h');
        end.len() == HASH && end.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let words = script.split(|char: char| !is_part(char));
    let hashed = words.filter(|word| {
        (word.starts_with("__wb") || word.starts_with("wasm_bindgen_")) && word.rsplit('_').next().is_some_and(is_hash)
    });
    let mut names: BTreeMap<String, String> = hashed.map(|name| (name.to_owned(), String::new())).collect();
    names.values_mut().enumerate().for_each(|(number, name)| *name = format!("n{number}"));
    names
}

/// The script with other names in it.
fn renamed(script: &str, names: &BTreeMap<String, String>) -> String {
    let words = script.split_inclusive(|char| !is_part(char)).map(|piece| {
        let (word, end) = piece.split_at(piece.trim_end_matches(|char| !is_part(char)).len());
        names.get(word).map_or_else(|| piece.to_owned(), |number| format!("{number}{end}"))
    });
    words.collect()
}

fn is_part(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '_'
}

/// Digits of the hash at the end of a name.
const HASH: usize = 16;
const PANICS: [&str; 10] = [
    "core::panicking::",
    "core::option::expect_failed",
    "core::option::unwrap_failed",
    "core::result::unwrap_failed",
    "core::cell::panic_already_",
    "core::str::slice_error_fail",
    "core::slice::index::slice_index_fail",
    "alloc::raw_vec::handle_error",
    "alloc::raw_vec::capacity_overflow",
    "__rustc::rust_begin_unwind",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_number() {
        let script = "{ __wbg_get_0123456789abcdef: wasm.wasm_bindgen__invoke__h0123456789abcdef, __wbg_get: 1 }";
        let names = numbered(script);
        let held: Vec<_> = names.iter().map(|(name, short)| (name.as_str(), short.as_str())).collect();
        assert_eq!(held, [("__wbg_get_0123456789abcdef", "n0"), ("wasm_bindgen__invoke__h0123456789abcdef", "n1")]);
        assert_eq!(renamed(script, &names), "{ n0: wasm.n1, __wbg_get: 1 }");
    }

    #[test]
    fn a_panic_is_known_by_its_name() {
        for name in ["core[c5930c85a12de822]::panicking::panic_fmt", "core::option::expect_failed"] {
            assert!(is_panic(name), "{name}");
        }
        for name in ["lastword::core::panicking::x", "<[u8] as core[c5]::fmt::Debug>::fmt", "std::panicking::try"] {
            assert!(!is_panic(name), "{name}");
        }
    }
}
