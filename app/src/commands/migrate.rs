//! `migrate`: brings the schema up to date before a new version is started, where that is done on its own.

use anyhow::Result;

use super::say;
use crate::boot;

pub(super) async fn run() -> Result<()> {
    let config = boot::configure("warn")?;
    let db = boot::open_database(&config).await?;
    db.close().await?;
    say("The schema is up to date.")
}
