//! What happened before there was a link, as the partner shows it.

use super::{
    SHOWN,
    arriving::{Heard, tell},
};
use crate::{
    core::{Core, Result, integration_links, partners::Partner},
    db::entity::integration_link::Model,
};

/// What a link that is not there yet would have brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lately {
    /// The newest first.
    pub heard: Vec<Heard>,
    /// What else it would have brought, and the partner does not show: a sentence.
    pub left_out: Option<String>,
}

/// Asks the partner what happened lately where a link would listen that is not there yet; none where it shows nothing of
/// before.
///
/// # Errors
/// [`crate::core::Error::Partner`] in the partner's words; likewise when the database does not answer.
pub async fn lately(core: &Core, partner: &Partner, link: &Model) -> Result<Option<Lately>> {
    let account = integration_links::account(core, partner, link).await?;
    let seen = integration_links::as_partner_sees(core, link);
    let Some(lately) = partner.integration.lately(&account, &seen).await? else { return Ok(None) };
    let mut heard = Vec::new();
    for happened in lately.happened.into_iter().take(usize::try_from(SHOWN).unwrap_or(usize::MAX)) {
        let said = tell(core, partner, link, &Ok(happened.reading)).await?;
        heard.push(Heard { id: None, at: happened.at.saturating_mul(1000), event: happened.event, said });
    }
    Ok(Some(Lately { heard, left_out: lately.left_out }))
}
