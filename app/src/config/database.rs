//! Where rows are kept.

use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

use super::{Error, Result, Variables};
use crate::db::DatabaseUrl;

/// Where rows are kept.
pub struct DatabaseSettings {
    /// `DATABASE_URL`, default `sqlite:data/patchbay.db`.
    pub url: DatabaseUrl,
}

impl DatabaseSettings {
    pub(super) fn read(variables: &mut Variables) -> Result<Self> {
        let text = variables.take("DATABASE_URL").unwrap_or_else(|| "sqlite:data/patchbay.db".to_owned());
        let refused = || {
            Error::new(
                "DATABASE_URL must be sqlite:PATH, such as sqlite:data/patchbay.db, or postgres://USER@HOST/NAME.",
            )
        };
        let url: DatabaseUrl = text.parse().map_err(|_| refused())?;
        let usable = match url.sqlite_path() {
            // A database in memory would forget every answered hook.
            Some(path) => !path.as_os_str().is_empty() && !path.to_string_lossy().starts_with(':'),
            None => PgConnectOptions::from_str(&text).is_ok(),
        };
        if usable { Ok(Self { url }) } else { Err(refused()) }
    }
}
