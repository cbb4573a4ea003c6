//! Fixtures: recorded calls of a partner, one JSON file each, named `<event>__<case>.json`.
//!
//! `{"headers": {…}, "body": {…}}`; a body that is not JSON, such as a form, stands as a text. Headers are written in
//! lower case. A fixture has no signature: tests sign it with the secret of the link it is read for.

use std::{collections::BTreeMap, fs, path::Path};

use integration_contract::HookCall;
use serde::Deserialize;
use serde_json::Value;

/// A recorded call.
#[derive(Clone, Debug)]
pub struct Fixture {
    /// The file's name without `.json`.
    pub name: String,
    /// The call, unsigned and without a key.
    pub call: HookCall,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    headers: BTreeMap<String, String>,
    body: Value,
}

/// All fixtures of a folder, by name.
///
/// # Panics
/// When the folder or a file in it can't be read: a test without its fixtures must not pass.
pub fn fixtures(folder: impl AsRef<Path>) -> Vec<Fixture> {
    let folder = folder.as_ref();
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a folder that can be listed").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Fixture {
    let text = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file: File = serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let body = match file.body {
        Value::String(text) => text,
        json => json.to_string(),
    };
    let headers = file.headers.into_iter().map(|(name, value)| {
        assert_eq!(name, name.to_lowercase(), "{}: headers are written in lower case", path.display());
        (name, vec![value])
    });
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    Fixture { name, call: HookCall { headers: headers.collect(), key: None, body: body.into() } }
}
