//! `rotate-key`: a new sealing key, and everything sealed anew with it.

use std::fs::File;

use anyhow::{Context, Result, bail};

use super::say;
use crate::{
    boot,
    core::{instance, rotation},
};

pub(super) async fn run() -> Result<()> {
    let config = boot::configure("warn")?;
    let file = &config.keys.file;
    let lock = File::create(file.with_extension("lock")).context("can't write beside the key file")?;
    if lock.try_lock().is_err() {
        bail!("Another rotation is running on the key file {}.", file.display());
    }
    let db = boot::open_database(&config).await?;
    let (vault, _) = instance::open_vault(&db, file).await?;
    let rotated = rotation::rotate(&db, &vault).await?;
    db.close().await?;

    if rotated.resumed {
        say("An earlier rotation had been interrupted; this one went on with its key.")?;
    }
    for (column, count) in &rotated.sealed {
        say(format!("{column}: {count} sealed anew"))?;
    }
    for closed in &rotated.closed {
        say(format!(
            "{} of row {} in organization {} opens with no key, and was left as it is",
            closed.column, closed.row, closed.organization
        ))?;
    }
    say(format!(
        "Everything that opens is sealed with key v{} now. Back up {} again; older lines in it are only needed to read \
         older backups of the database.",
        rotated.version,
        file.display()
    ))
}
