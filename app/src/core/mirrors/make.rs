//! Making a mirror: two links are joined, and made before where they are not there yet, in one commit.

use sea_orm::{ActiveModelTrait, DatabaseTransaction, IntoActiveModel, QuerySelect, sea_query::LockType};

use super::{
    backfill::{self, Backfill},
    ends::{self, End, Found, Joined},
    fit::hears_all,
    must_manage, must_still_manage,
    settings::{Options, Settings},
    values::Sides,
};
use crate::{
    core::{
        Core, Error, Result,
        audit::{self, Deed},
        integration_links,
        people::Member,
        teams,
    },
    db::{
        MirrorId, OrganizationId, TeamId,
        entity::{
            integration_link,
            mirror::{MirrorState, Model},
            organization,
        },
    },
};

/// What makes a mirror.
pub struct NewMirror {
    /// Whose links it joins.
    pub team: TeamId,
    /// One of them.
    pub left: End,
    /// The other one.
    pub right: End,
    /// What it does.
    pub options: Options,
    /// From when on items count, by when they were opened, in unix seconds; `None` = from now on.
    pub since: Option<i64>,
    /// What was opened before that gets copies all the same.
    pub backfill: Option<Backfill>,
}

/// Joins two links. Those that are new are set up at their partners by jobs, as any other link.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::NotFound`] for a team or link that is not there; [`Error::Conflict`] with a sentence when
/// the two can't be joined.
pub async fn make(core: &Core, who: &Member, new: NewMirror) -> Result<Model> {
    must_manage(who)?;
    let NewMirror { team, left, right, options, since, backfill } = new;
    let made = core
        .db
        .write(async |tx| {
            let who = must_still_manage(tx, who).await?;
            teams::must_exist(tx, who.organization, team).await?;
            // Of two mirrors that are made at once, one sees the other.
            hold_organization(tx, who.organization).await?;
            let (left, made_left) = link_of(core, tx, &who, team, left).await?;
            let (right, made_right) = link_of(core, tx, &who, team, right).await?;
            let sides = Sides { left, right };
            let joined = Joined::load(tx, who.organization).await?;
            joined.let_join(&sides)?;
            let naming = joined.naming(core, &sides);
            let now = core.clock.now();
            let mirror = Model {
                organization_id: who.organization,
                id: MirrorId::new(),
                team_id: team,
                name: format!("{} ↔ {}", sides.left.name, sides.right.name),
                left_link: sides.left.id,
                right_link: sides.right.id,
                settings: serde_json::json!(Settings { options, left: naming.left, right: naming.right }),
                since: since.unwrap_or(now.div_euclid(1000)),
                state: MirrorState::Active,
                reason: None,
                state_since: now,
                made_left,
                made_right,
                created_by: who.user,
                receipt: None,
                created_at: now,
                updated_at: now,
            };
            let mirror = mirror.into_active_model().insert(tx).await?;
            audit::note(core, tx, &who, Deed::MirrorMade, &mirror).await?;
            if let Some(wanted) = backfill {
                backfill::begin(core, tx, &who, &mirror, wanted).await?;
            }
            Ok::<_, Error>(mirror)
        })
        .await?;
    core.queue.wake();
    Ok(made)
}

async fn hold_organization(tx: &DatabaseTransaction, organization: OrganizationId) -> Result<()> {
    use sea_orm::EntityTrait;
    let row = organization::Entity::find_by_id(organization).lock(LockType::NoKeyUpdate);
    row.one(tx).await?.map(|_| ()).ok_or(Error::NotFound)
}

/// The link of an end, made where it is not there, and whether it was.
async fn link_of(
    core: &Core,
    tx: &DatabaseTransaction,
    who: &Member,
    team: TeamId,
    end: End,
) -> Result<(integration_link::Model, bool)> {
    match ends::find(core, tx, who.organization, team, end).await? {
        Found::There(link) => {
            must_hear_all(core, &link)?;
            Ok((*link, false))
        }
        Found::Not(partner, new) => Ok((integration_links::create_in(core, tx, who, partner, new).await?, true)),
    }
}

/// A link that keeps something to itself would leave the other side behind, without a word.
fn must_hear_all(core: &Core, link: &integration_link::Model) -> Result<()> {
    match hears_all(core, link)? {
        true => Ok(()),
        false => Err(Error::Conflict(format!(
            "The team's link to {} does not bring all that happens to its items, such as comments. Switch it on in the \
             settings of that link first.",
            link.name
        ))),
    }
}
