//! Noticing: partners that can show their people what is wrong are told so, and told again when it is mended.
//!
//! The job looks at how things stand when it runs, and does nothing when that is what the partner was told last. So it
//! may be added whenever something could have changed, and run as often as it likes.

use integration_contract::{Author, Capability, Change, ErrorKind, Item, ItemChange, ItemKind, ItemState};
use sea_orm::{ColumnTrait, DatabaseTransaction, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};

use super::{account, as_partner_sees, gone, lives, load, url_of};
use crate::{
    core::{Core, Error, Result, partners::Partner},
    db::{
        LinkId, OrganizationId, TeamId,
        entity::{
            Tenant,
            integration_link::{Column, Entity, LinkLevel, LinkState, Model},
        },
    },
    queue::{self, NewJob},
};

/// The job that shows a link's partner what is wrong: payload `{"link": id}`.
pub const NOTICE: &str = "notice_link";

/// How many broken links are named one by one.
const NAMED: usize = 3;

/// Lets the team's links show what is wrong as of this transaction. Call it, last of all that adds jobs, wherever a link
/// breaks, works again or goes.
///
/// # Errors
/// When the database does not answer.
pub async fn notice_due(
    core: &Core,
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    team: TeamId,
) -> Result<()> {
    let partners = core.partners.all().iter().filter(|partner| partner.can(Capability::Notice));
    let partners: Vec<&str> = partners.map(Partner::id).collect();
    if partners.is_empty() {
        return Ok(());
    }
    let links: Vec<LinkId> = Entity::of(organization)
        .filter(Column::TeamId.eq(team))
        .filter(Column::Partner.is_in(partners))
        .filter(Column::State.is_not_in([LinkState::Removing, LinkState::Removed]))
        .select_only()
        .column(Column::Id)
        .into_tuple()
        .all(tx)
        .await?;
    let job = |link: LinkId| NewJob {
        organization,
        kind: NOTICE,
        payload: serde_json::json!({ "link": link }),
        // Two at once could leave the older word standing.
        lane: Some(format!("notice:{link}")),
        run_at: None,
    };
    Ok(queue::add_many(tx, links.into_iter().map(job).collect()).await?)
}

/// Shows a link's partner what is wrong, or that nothing is any more. Run by the job; twice is fine.
///
/// # Errors
/// [`Error::Partner`] when it is worth trying again.
pub async fn notice(core: &Core, organization: OrganizationId, id: LinkId) -> Result<()> {
    let Some(link) = load(core, organization, id).await?.filter(lives) else { return Ok(()) };
    // What is being set up works in a moment, or breaks; either adds this job again.
    if link.state == LinkState::Pending {
        return Ok(());
    }
    let partner = core.partners.get(&link.partner)?;
    let trouble = trouble(core, partner, &link).await?;
    if trouble == link.noticed {
        return Ok(());
    }
    match show(core, partner, &link, trouble.as_deref()).await {
        Ok(()) => core.db.write(async |tx| keep(tx, &link, trouble).await).await,
        Err(Error::Partner(error)) if error.kind() == ErrorKind::Gone => {
            core.db.write(async |tx| gone(core, tx, partner, &link, error.sentence()).await).await?;
            core.queue.wake();
            Ok(())
        }
        Err(Error::Partner(error)) if !error.passes() => {
            tracing::info!(link = %id, %organization, kind = ?error.kind(), "a partner does not show what is wrong");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

async fn show(core: &Core, partner: &Partner, link: &Model, trouble: Option<&str>) -> Result<()> {
    let account = account(core, partner, link).await?;
    Ok(partner.integration.notice(&account, &as_partner_sees(core, link), trouble).await?)
}

async fn keep(tx: &DatabaseTransaction, link: &Model, trouble: Option<String>) -> Result<()> {
    Entity::update_of(link.organization_id)
        .col_expr(Column::Noticed, Expr::val(trouble))
        .filter(Column::Id.eq(link.id))
        .exec(tx)
        .await?;
    Ok(())
}

/// What is wrong, in a sentence or two of plain text: the link's own trouble, or that of links whose items it shows.
async fn trouble(core: &Core, partner: &Partner, link: &Model) -> Result<Option<String>> {
    if link.state == LinkState::Broken {
        return Ok(Some(format!("{} See {}", reason(link), url_of(core, link))));
    }
    if !shows_items(core, partner, link) {
        return Ok(None);
    }
    let with_items = core.partners.all().iter().filter(|partner| partner.can(Capability::Items)).map(Partner::id);
    let mut broken = Entity::of(link.organization_id)
        .filter(Column::TeamId.eq(link.team_id))
        .filter(Column::State.eq(LinkState::Broken))
        .filter(Column::Partner.is_in(with_items))
        .order_by_asc(Column::Id)
        .all(core.db.reader())
        .await?;
    // Somebody's own link is nobody else's business.
    let theirs = |other: &Model| link.level == LinkLevel::User && other.user_id == link.user_id;
    broken.retain(|other| other.level == LinkLevel::Team || theirs(other));
    Ok(match &broken[..] {
        [] => None,
        [one] => Some(format!("{} does not work: {} See {}", one.name, reason(one), url_of(core, one))),
        [first, ..] => {
            let names: Vec<&str> = broken.iter().take(NAMED).map(|link| link.name.as_str()).collect();
            let more = broken.len().saturating_sub(NAMED);
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            let (first, page) = (reason(first), url_of(core, first));
            Some(format!("{}{more} do not work. {}: {first} See {page}", names.join(", "), names[0]))
        }
    })
}

/// Why a link does not work, as a sentence.
fn reason(link: &Model) -> String {
    let reason = link.reason.as_deref().unwrap_or("It needs attention.").trim();
    if reason.ends_with(['.', '!', '?']) { reason.to_owned() } else { format!("{reason}.") }
}

/// Whether the link tells its partner of items of any kind.
fn shows_items(core: &Core, partner: &Partner, link: &Model) -> bool {
    let seen = as_partner_sees(core, link);
    let any = |kind| partner.integration.wants_item(&seen, &opened(kind));
    [ItemKind::Issue, ItemKind::PullRequest, ItemKind::Ticket].into_iter().any(any)
}

/// What nobody told: some item of this kind was opened.
fn opened(kind: ItemKind) -> ItemChange {
    let item = Item {
        id: "1".to_owned(),
        kind,
        name: String::new(),
        title: String::new(),
        body: String::new(),
        url: None,
        state: ItemState::Open,
        state_word: String::new(),
        author: Author::default(),
        assignees: Vec::new(),
        labels: Vec::new(),
        external_id: None,
        created_at: None,
        updated_at: None,
    };
    ItemChange { id: "1".to_owned(), what: Change::Opened, by: Author::default(), at: None, item }
}
