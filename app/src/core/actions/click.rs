//! A click on a button: it counts once, it is somebody's, and they do what the button says as themselves.

use integration_contract::{Clicker, Deed, Error as PartnerError, Identity, text};
use sea_orm::{EntityTrait, IntoActiveModel, TryInsertResult};
use url::Url;

use super::{About, Pressed};
use crate::{
    core::{
        Core, Error, Result, entries,
        integration_users::{self, Need},
        items,
        partners::Partner,
        people::Member,
        teams, users,
    },
    db::{
        ItemId, OrganizationId, Outdated,
        entity::{
            action_mark,
            integration_link::{self, LinkState},
        },
    },
};

/// The longest name of a person at a partner that we keep, in characters.
const LONGEST_NAME: usize = 200;

/// A click whose token and body were found good.
pub struct Click {
    /// On which button.
    pub button: Pressed,
    /// What vouches for it.
    pub by: Clicker,
    /// What the partner calls the person.
    pub name: String,
}

/// Why a click came to nothing. What it holds is for whoever clicked, so it is not for logs.
pub enum NotDone {
    /// Its token was used before.
    Replayed,
    /// We do not know who that is, or they lack an account: this page asks them.
    Asked(Url),
    /// They may not; the sentence says who may.
    Forbidden(String),
    /// What it is about is not there any more, or not for them.
    Gone,
    /// Somebody has switched the link off.
    Paused,
    /// The partner at which it would be done did not do it.
    Partner(PartnerError),
}

/// Does what a button says, as the person who clicked it.
///
/// # Errors
/// When the database does not answer.
pub async fn click(core: &Core, partner: &Partner, click: Click) -> Result<Result<(), NotDone>> {
    let Click { button, by, name } = click;
    let organization = button.link.organization_id;
    if !mark(core, organization, &by).await? {
        return Ok(Err(NotDone::Replayed));
    }
    if button.link.state == LinkState::Paused {
        return Ok(Err(NotDone::Paused));
    }
    let name = text::cut(text::without_nul(&name).trim(), LONGEST_NAME);
    let who = Identity { id: by.account, name, url: None };
    let user = integration_users::user_of_account(core.db.reader(), organization, partner.id(), &who.id).await?;
    let Some(user) = user else {
        let need = match button.about {
            About::Entry(_) => None,
            About::Item(item) => items::account_needed(core, organization, item).await?,
        };
        return ask(core, partner, organization, &who, need).await;
    };
    // They may have left the organization or the team since they connected the account.
    let person = users::person(core, user).await;
    let found = match person {
        Ok(person) => teams::find(core, &person, button.link.team_id).await,
        Err(error) => Err(error),
    };
    let member = match found {
        Ok((member, _)) => member,
        Err(Error::NotFound) => return Ok(Err(NotDone::Gone)),
        Err(error) => return Err(error),
    };
    match (button.about, button.verb.deed()) {
        (About::Entry(entry), _) => told_apart(entries::complete(core, &member, button.link.team_id, entry).await),
        (About::Item(item), Some(deed)) => act(core, partner, &button.link, &member, &who, item, &deed).await,
        (About::Item(_), None) => Ok(Err(NotDone::Gone)),
    }
}

/// Does a deed to an item. What the item's partner refused is told in its thread, too: not all who read it there clicked.
async fn act(
    core: &Core,
    partner: &Partner,
    link: &integration_link::Model,
    member: &Member,
    who: &Identity,
    item: ItemId,
    deed: &Deed,
) -> Result<Result<(), NotDone>> {
    let organization = link.organization_id;
    // As with entries: an admin who is not in the team reads what it does, and that is all.
    if !teams::is_in(core.db.reader(), organization, link.team_id, member.user).await? {
        return Ok(Err(not_in_team()));
    }
    match items::act(core, organization, member.user, item, deed).await? {
        Ok(()) => Ok(Ok(())),
        Err(items::NotDone::Gone) => Ok(Err(NotDone::Gone)),
        Err(items::NotDone::NoAccount(need)) => ask(core, partner, organization, who, Some(need)).await,
        Err(items::NotDone::Partner(error)) => {
            match items::tell_trouble(core, organization, link.id, item, &who.name, error.sentence()).await {
                Ok(()) | Err(Error::NotFound) => {}
                Err(error) => return Err(error),
            }
            Ok(Err(NotDone::Partner(error)))
        }
    }
}

/// Marks the token as used; says whether it was not before.
async fn mark(core: &Core, organization: OrganizationId, by: &Clicker) -> Result<bool> {
    let mark = action_mark::Model { organization_id: organization, mark: by.mark.clone(), stale_at: by.stale_at };
    let added = core
        .db
        .write(async |tx| {
            // Two nodes may have it at once: the primary key decides.
            action_mark::Entity::insert(mark.into_active_model())
                .on_conflict_do_nothing_on([action_mark::Column::OrganizationId, action_mark::Column::Mark])
                .exec_without_returning(tx)
                .await
        })
        .await?;
    Ok(matches!(added, TryInsertResult::Inserted(1..)))
}

fn told_apart(done: Result<()>) -> Result<Result<(), NotDone>> {
    match done {
        Ok(()) => Ok(Ok(())),
        // What is archived is no more in the log.
        Err(Error::NotFound | Error::Conflict(_)) => Ok(Err(NotDone::Gone)),
        Err(Error::Forbidden(barrier)) => Ok(Err(NotDone::Forbidden(barrier.sentence))),
        Err(error) => Err(error),
    }
}

fn not_in_team() -> NotDone {
    NotDone::Forbidden("Only people of the team may do that.".to_owned())
}

async fn ask(
    core: &Core,
    partner: &Partner,
    organization: OrganizationId,
    who: &Identity,
    need: Option<Need>,
) -> Result<Result<(), NotDone>> {
    let page = integration_users::ask_for_proof(core, organization, partner, who, need.as_ref()).await?;
    Ok(Err(NotDone::Asked(page)))
}

/// Forgets the marks of tokens that do not count any more anyway. Answers with how many.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_marks(core: &Core) -> Result<u64> {
    let (key, limit) = ("organization_id, mark", core.clock.now_seconds());
    Ok(core.db.forget(Outdated { table: "action_marks", key, which: "stale_at <= $1", limit, of: None }).await?)
}
