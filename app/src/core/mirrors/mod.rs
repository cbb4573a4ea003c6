//! Mirrors: two links of a team whose items are kept in step, whoever their partners are.
//!
//! ```text
//!   items::record ──► hear()  a change of an item that a mirror joins: pair, change and job, in the hook's commit
//!                               │ one lane for each pair, so that its changes are carried one after the other
//!                               ▼
//!                     carry() ──► done       the other side has it
//!                       │  ├────► skipped    there was nothing to carry, and the reason says why
//!                       │  └────► failed     the partner does not want it; it can be tried again by hand
//!                       └ the partner is away: again, for days
//! ```
//!
//! - A **pair** is an item and its copy. It is reserved before the copy is asked for, and says so while the answer is
//!   not there (`asked`): after a crash the copy is looked for before another one is made (`copy`).
//! - What somebody changed is found by comparing what both sides say now with what they said when they were last in
//!   step (`values`, `converge`). A hook is only the occasion to look: so neither its repetition, nor its order, nor its
//!   being our own doing matters.
//! - Copied comments are known by the ids that the partner gave them (`comments`). No text is a sign of anything: people
//!   may write what they like.
//! - What was opened before is left alone, unless a person asks for it (`backfill`).
//! - At most [`MOST_WRITES`] go to one pair within a minute, and what is more waits. Who keeps that up until there were
//!   [`MOST_IN_A_ROW`] is no person: it is a conversation between machines, and the mirror stops.
//!
//! No partner is named here: all of them have [`integration_contract::Items`].

mod backfill;
mod carry;
mod comments;
mod converge;
mod copy;
mod ends;
mod fit;
mod hear;
mod keep;
mod line;
mod list;
mod make;
mod offer;
mod preview;
mod remove;
mod say;
mod settings;
mod settle;
mod values;
mod words;

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{ExprTrait, LockType},
};

pub use backfill::{
    BACKFILL, Backfill, MOST_BACKFILLED, Progress, backfill, backfill_gave_up, go_on as go_on_with_backfill,
    stop_backfill,
};
pub use carry::carry;
pub use ends::{End, NewEnd};
pub use fit::{form_for, hears_all, just_made, link_to, widen};
pub use hear::hear;
pub use keep::{again, change, link_removed, pause, resume};
pub(super) use list::AGED;
pub use list::{ChangeLine, Listed, changes, for_team, forget_changes, forget_pairs, in_sight, joining, one, progress};
pub use make::{NewMirror, make};
pub use offer::{Example, Offer, Said};
pub use preview::{Copy, Fate, Forecast, Outlook, Preview, When, preview};
pub use remove::{REMOVE, Removal, remove, remove_in, take_down};
pub use settings::{Creates, Options, Settings, of as settings_of};
pub use settle::gave_up;
pub use values::Sides;

use super::{
    Core, Error, Result, integration_links, organizations,
    people::{Member, Person},
};
use crate::{
    db::{
        LinkId, MirrorChangeId, MirrorId, MirrorPairId, OrganizationId,
        entity::{
            Tenant, integration_link,
            mirror::{Column, Entity, MirrorState, Model, Side},
        },
    },
    queue::NewJob,
};

/// The job that carries a change over: payload `{"change": id, "pair": id}`, lane `mirror:{pair}`.
pub const CARRY: &str = "carry_change";

/// So much is written to one pair within a minute; what is more waits.
pub const MOST_WRITES: usize = 10;

/// So many writes to one pair within [`IN_A_ROW`] are still people's.
pub const MOST_IN_A_ROW: usize = 40;

/// The time over which writes are counted to tell people from machines.
pub const IN_A_ROW: Duration = Duration::from_secs(5 * 60);

/// So many copies of one mirror within ten minutes are still people's, or a script's that they meant.
pub const MOST_COPIES: u64 = 500;

/// What waited longer than this for a link to work is old news.
pub const TOO_OLD: Duration = Duration::from_secs(3 * 24 * 3600);

/// Those of mirrors that are there.
const LIVING: [MirrorState; 3] = [MirrorState::Active, MirrorState::Paused, MirrorState::Broken];

/// One mirror by its id, among the organizations of the person who asks.
///
/// # Errors
/// [`Error::NotFound`] when it is not there, is another tenant's, or of a team that the person does not see.
pub async fn find(core: &Core, person: &Person, id: MirrorId) -> Result<(Member, Model)> {
    let mirror = Entity::of_any(person.organizations()).filter(Column::Id.eq(id)).one(core.db.reader()).await?;
    let mirror = mirror.ok_or(Error::NotFound)?;
    let member = person.member_of(mirror.organization_id)?;
    super::teams::find(core, person, mirror.team_id).await?;
    Ok((member, mirror))
}

/// One mirror of an organization, for jobs.
///
/// # Errors
/// When the database does not answer; likewise below.
pub async fn load(db: &impl ConnectionTrait, organization: OrganizationId, id: MirrorId) -> Result<Option<Model>> {
    Ok(Entity::of(organization).filter(Column::Id.eq(id)).one(db).await?)
}

/// The mirror as it is now; nobody else changes it, or reserves one of its items, until the transaction ends.
///
/// Whoever holds links or items as well holds those first.
async fn hold(tx: &impl ConnectionTrait, organization: OrganizationId, id: MirrorId) -> Result<Model> {
    let held = Entity::of(organization).filter(Column::Id.eq(id)).lock(LockType::NoKeyUpdate).one(tx).await?;
    held.ok_or(Error::NotFound)
}

/// The mirrors that are there and join this link.
async fn of_link(tx: &impl ConnectionTrait, organization: OrganizationId, link: LinkId) -> Result<Vec<Model>> {
    Ok(Entity::of(organization)
        .filter(Column::LeftLink.eq(link).or(Column::RightLink.eq(link)))
        .filter(Column::State.is_in(LIVING))
        .order_by_asc(Column::Id)
        .all(tx)
        .await?)
}

/// Who may change or remove a mirror.
///
/// # Errors
/// [`Error::Forbidden`] with who may.
pub fn must_manage(who: &Member) -> Result<()> {
    who.must_be_admin("add, change or remove a team's mirrors")
}

/// The same as of this transaction, for who was told so when their request began; kept so until it ends.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::NotFound`] for who was removed meanwhile; see [`organizations::standing`].
async fn must_still_manage(tx: &DatabaseTransaction, who: &Member) -> Result<Member> {
    let who = organizations::standing(tx, who).await?;
    must_manage(&who)?;
    Ok(who)
}

/// Which side of the mirror the link is.
fn side_of(mirror: &Model, link: &integration_link::Model) -> Side {
    if mirror.left_link == link.id { Side::Left } else { Side::Right }
}

/// The links of a mirror, removed ones included.
async fn links(db: &impl ConnectionTrait, mirror: &Model) -> Result<values::Sides<Option<integration_link::Model>>> {
    let organization = mirror.organization_id;
    Ok(values::Sides {
        left: integration_links::load_in(db, organization, mirror.left_link).await?,
        right: integration_links::load_in(db, organization, mirror.right_link).await?,
    })
}

/// The links of several mirrors, removed ones included.
async fn links_of(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    mirrors: &[Model],
) -> Result<HashMap<LinkId, integration_link::Model>> {
    let ends: BTreeSet<LinkId> = mirrors.iter().flat_map(|mirror| [mirror.left_link, mirror.right_link]).collect();
    let links = integration_link::Entity::of(organization).filter(integration_link::Column::Id.is_in(ends));
    Ok(links.all(db).await?.into_iter().map(|link| (link.id, link)).collect())
}

fn job(organization: OrganizationId, change: MirrorChangeId, pair: MirrorPairId) -> NewJob {
    NewJob {
        organization,
        kind: CARRY,
        payload: payload(change, pair),
        lane: Some(format!("mirror:{pair}")),
        run_at: None,
    }
}

fn payload(change: MirrorChangeId, pair: MirrorPairId) -> serde_json::Value {
    serde_json::json!({ "change": change, "pair": pair })
}

/// What is kept of a text that a person reads: no longer than a paragraph, and without the one character that PostgreSQL
/// can't store.
fn readable(sentence: &str) -> String {
    integration_contract::text::without_nul(sentence).chars().take(1000).collect()
}
