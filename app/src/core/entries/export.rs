//! A log as it leaves: all that fits a filter, piece by piece, so that its length costs no memory.

use futures::{Stream, stream};
use sea_orm::PaginatorTrait;

use super::{
    list::{Entry, Filter, filtered, page},
    mine, must_see,
};
use crate::{
    core::{Core, Error, Result, people::Member},
    db::TeamId,
};

/// The most entries of one export.
pub const MOST_EXPORTED: u64 = 100_000;
/// How many are read at a time.
const AT_ONCE: u64 = 500;

/// All entries that fit, newest first, in pieces. Each piece is read for the member as of then: who leaves the team
/// meanwhile gets no more.
///
/// # Errors
/// [`Error::NotFound`] for who does not see the team, [`Error::Invalid`] (`from`) when there are more than
/// [`MOST_EXPORTED`]: an export is whole, or it is not made. A piece fails when the database does not answer.
pub async fn export(
    core: &Core,
    who: &Member,
    team: TeamId,
    filter: &Filter,
) -> Result<impl Stream<Item = Result<Vec<Entry>>> + Send + use<>> {
    let db = core.db.reader();
    must_see(db, who, team).await?;
    must_be_few(filtered(who.organization, team, filter).count(db).await?)?;
    let (core, who, filter) = (core.clone(), *who, filter.clone());
    Ok(stream::try_unfold(Some(None), move |place| {
        let (core, filter) = (core.clone(), filter.clone());
        async move {
            let Some(before) = place else { return Ok(None) };
            let piece = page(&core, &who, team, &filter, before, AT_ONCE).await?;
            Ok(Some((piece.entries, piece.next.map(Some))))
        }
    }))
}

/// The same of what a member did in all their teams.
///
/// # Errors
/// As [`export`].
pub async fn export_own(
    core: &Core,
    who: &Member,
    filter: &Filter,
) -> Result<impl Stream<Item = Result<Vec<Entry>>> + Send + use<>> {
    must_be_few(mine::count(core, who, filter).await?)?;
    let (core, who, filter) = (core.clone(), *who, filter.clone());
    Ok(stream::try_unfold(Some(None), move |place| {
        let (core, filter) = (core.clone(), filter.clone());
        async move {
            let Some(before) = place else { return Ok(None) };
            let piece = mine::page(&core, &who, &filter, before, AT_ONCE).await?;
            Ok(Some((piece.entries, piece.next.map(Some))))
        }
    }))
}

fn must_be_few(many: u64) -> Result<()> {
    if many <= MOST_EXPORTED {
        return Ok(());
    }
    let sentence = format!("These are {many} entries, and an export has at most {MOST_EXPORTED}. Choose fewer days.");
    Err(Error::field("from", sentence))
}
