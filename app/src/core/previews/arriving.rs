//! What the last hooks of a link would come to.

use integration_contract::{Author, Error, Happening, Reading};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{
    SHOWN,
    said::{Said, one, said},
};
use crate::{
    core::{Core, Result, happenings, integration_links, partners::Partner},
    db::{
        MessageId,
        entity::{
            Tenant,
            inbox_message::{Column, Entity, MessageState, Model},
            integration_link::{self, LinkLevel},
        },
    },
};

/// Something that was heard, or would have been, and what it would come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The hook; none for what happened before there was a link.
    pub id: Option<MessageId>,
    /// Unix milliseconds.
    pub at: i64,
    /// The partner's word for what it is.
    pub event: String,
    /// What it would come to; never empty.
    pub said: Vec<Said>,
}

/// What the last hooks of a link would come to, the newest first. Those of which only the beginning was kept are left out.
///
/// # Errors
/// When the database does not answer; likewise below.
pub async fn arriving(core: &Core, partner: &Partner, link: &integration_link::Model) -> Result<Vec<Heard>> {
    let kept = Entity::of(link.organization_id)
        .filter(Column::LinkId.eq(link.id))
        .filter(Column::State.ne(MessageState::Rejected))
        .order_by_desc(Column::Id)
        .limit(SHOWN);
    let mut heard = Vec::new();
    for message in kept.all(core.db.reader()).await? {
        let said = would_say(core, partner, link, &message).await?;
        heard.push(Heard { id: Some(message.id), at: message.received_at, event: message.event, said });
    }
    Ok(heard)
}

/// What a kept hook says to a link.
pub async fn would_say(
    core: &Core,
    partner: &Partner,
    link: &integration_link::Model,
    message: &Model,
) -> Result<Vec<Said>> {
    let seen = integration_links::as_partner_sees(core, link);
    tell(core, partner, link, &partner.integration.hook(&seen, &happenings::call_of(message))).await
}

/// What a reading says to a link: to one person's, only what they did.
pub(super) async fn tell(
    core: &Core,
    partner: &Partner,
    link: &integration_link::Model,
    reading: &std::result::Result<Reading, Error>,
) -> Result<Vec<Said>> {
    let Ok(read) = reading else { return Ok(said(reading)) };
    if link.level != LinkLevel::User || read.happenings.is_empty() {
        return Ok(said(reading));
    }
    let mut lines = Vec::new();
    for happening in &read.happenings {
        let theirs = match author_of(happening) {
            Some(by) => happenings::author(core.db.reader(), link.organization_id, partner, by).await? == link.user_id,
            None => true,
        };
        let other = || Said::nothing("Somebody else did this, and the link is for one person.");
        lines.push(if theirs { one(happening) } else { other() });
    }
    Ok(lines)
}

pub(super) fn author_of(happening: &Happening) -> Option<&Author> {
    match happening {
        Happening::Entry(entry) => Some(&entry.author),
        Happening::Lines(lines) => Some(&lines.author),
        Happening::Item(change) => Some(&change.by),
        _ => None,
    }
}
