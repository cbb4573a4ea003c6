//! Where the keys are that seal tokens and hook secrets.

use std::path::{Path, PathBuf};

use super::{DatabaseSettings, Result, Variables};

/// Where the sealing keys are.
pub struct KeySettings {
    /// `PATCHBAY_KEY_FILE`, default `patchbay.key` beside the SQLite file, or in `data` with PostgreSQL.
    pub file: PathBuf,
}

impl KeySettings {
    pub(super) fn read(variables: &mut Variables, database: &DatabaseSettings) -> Result<Self> {
        let beside = || {
            let data = database.url.sqlite_path();
            let folder = data.as_deref().map_or(Path::new("data"), |file| file.parent().unwrap_or(Path::new("")));
            folder.join("patchbay.key")
        };
        Ok(Self { file: variables.take("PATCHBAY_KEY_FILE").map_or_else(beside, PathBuf::from) })
    }
}
