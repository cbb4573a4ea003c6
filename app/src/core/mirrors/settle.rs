//! How a change ends, or why it is tried again: what follows for the change, the mirror and its links.

use std::time::Duration;

use integration_contract::{Error as PartnerError, ErrorKind};
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, QueryFilter, sea_query::Expr};

use super::{TOO_OLD, carry::Stop, hear::break_it, load, readable, values::Sides};
use crate::{
    core::{Core, Result, integration_links},
    db::{
        MirrorChangeId, OrganizationId,
        entity::{
            Tenant, integration_link,
            mirror::{self, MirrorState, Side},
            mirror_change::{self, ChangeState},
            mirror_pair::{self, PairState},
        },
    },
    queue::Outcome,
};

/// How soon a link that just broke is looked at again.
const SOON: Duration = Duration::from_secs(2);

/// When to try again a partner that asks us to slow down and does not say how much.
const SLOW_DOWN: Duration = Duration::from_secs(30);

/// So many attempts in vain are shown on the mirror; one or two pass before anybody looks.
const WORTH_SHOWING: i32 = 3;

/// What follows from how it went.
pub(super) struct Ending<'a> {
    pub core: &'a Core,
    pub mirror: &'a mirror::Model,
    pub row: &'a mirror_change::Model,
    pub links: &'a Sides<Option<integration_link::Model>>,
    pub age: Duration,
}

impl Ending<'_> {
    pub async fn settle(self, went: std::result::Result<(), Stop>) -> Result<Outcome> {
        let (state, reason) = match went {
            Ok(()) => (ChangeState::Done, None),
            Err(Stop::Skipped(reason)) => (ChangeState::Skipped, Some(reason)),
            Err(Stop::Failed(reason)) => (ChangeState::Failed, Some(reason)),
            Err(Stop::Broken(reason)) => {
                let now = self.core.clock.now();
                self.core.db.write(async |tx| break_it(tx, self.mirror, &reason, now).await).await?;
                (ChangeState::Failed, Some(reason))
            }
            Err(Stop::Later(after)) => return Ok(Outcome::Later { after }),
            Err(Stop::Core(error)) => return Err(error),
            Err(Stop::Partner { side, error }) => match self.wait_for(side, &error).await? {
                Some(outcome) => return Ok(outcome),
                None => (ChangeState::Failed, Some(error.sentence().to_owned())),
            },
        };
        self.core
            .db
            .write(async |tx| {
                // First the mirror, then its changes, as whoever removes it does.
                match state {
                    ChangeState::Failed => self.fares(tx, reason.as_deref()).await?,
                    ChangeState::Done => self.fares(tx, None).await?,
                    _ => {}
                }
                finish(self.core, tx, self.row, state, reason.as_deref()).await
            })
            .await?;
        Ok(Outcome::Done)
    }

    /// What an error that passes, or that is about the link, asks to wait for; none when it is about this change.
    async fn wait_for(&self, side: Side, error: &PartnerError) -> Result<Option<Outcome>> {
        let sentence = error.sentence();
        Ok(match error.kind() {
            ErrorKind::Unavailable | ErrorKind::UnknownOutcome => {
                if self.row.attempts + 1 >= WORTH_SHOWING {
                    self.core
                        .db
                        .write(async |tx| self.fares(tx, Some(&format!("{sentence} Trying again."))).await)
                        .await?;
                }
                Some(Outcome::Again { after: error.wait(), why: sentence.to_owned() })
            }
            ErrorKind::RateLimited => {
                let after = error.wait().unwrap_or(SLOW_DOWN);
                // Waiting does not count as an attempt, but it has an end too.
                let why = sentence.to_owned();
                let old = self.age > TOO_OLD;
                Some(if old { Outcome::Again { after: Some(after), why } } else { Outcome::Later { after } })
            }
            ErrorKind::Unauthorized | ErrorKind::NotConfigured => {
                if let Some(link) = self.links.get(side) {
                    break_link(self.core, link, error).await?;
                }
                Some(Outcome::Later { after: SOON })
            }
            _ => None,
        })
    }

    /// Shows on the mirror how it fares, as long as it works.
    async fn fares(&self, tx: &DatabaseTransaction, trouble: Option<&str>) -> Result<()> {
        let Some(mirror) = load(tx, self.mirror.organization_id, self.mirror.id).await? else { return Ok(()) };
        let trouble = trouble.map(readable);
        if mirror.state != MirrorState::Active || mirror.reason == trouble {
            return Ok(());
        }
        use mirror::Column as Of;
        mirror::Entity::update_of(mirror.organization_id)
            .col_expr(Of::Reason, Expr::val(trouble))
            .filter(Of::Id.eq(mirror.id))
            .filter(Of::State.eq(MirrorState::Active))
            .exec(tx)
            .await?;
        Ok(())
    }
}

/// The link waits for a person; what is to be carried waits for the link.
pub(super) async fn break_link(core: &Core, link: &integration_link::Model, error: &PartnerError) -> Result<()> {
    if error.kind() == ErrorKind::Unauthorized {
        integration_links::account_is_broken(core, link, error.sentence()).await?;
    }
    core.db.write(async |tx| integration_links::broke(core, tx, link, error).await).await
}

/// The job is out of attempts: the change says so, and can be tried again by hand.
///
/// # Errors
/// When the database does not answer.
pub async fn gave_up(core: &Core, organization: OrganizationId, id: MirrorChangeId, why: &str) -> Result<()> {
    let Some(row) = change_of(core.db.reader(), organization, id).await? else { return Ok(()) };
    core.db.write(async |tx| finish(core, tx, &row, ChangeState::Failed, Some(why)).await).await
}

/// How a change ends. Whoever asked for a copy and ends without an answer asks no more.
async fn finish(
    core: &Core,
    tx: &DatabaseTransaction,
    row: &mirror_change::Model,
    state: ChangeState,
    reason: Option<&str>,
) -> Result<()> {
    use mirror_change::Column as Of;
    let mut end = mirror_change::Entity::update_of(row.organization_id)
        .col_expr(Of::State, state.into())
        .col_expr(Of::Reason, Expr::val(reason.map(readable)))
        .col_expr(Of::FinishedAt, Expr::val(core.clock.now()));
    if state != ChangeState::Failed {
        end = end.col_expr(Of::Content, Expr::val(None::<Vec<u8>>));
    }
    end.filter(Of::Id.eq(row.id)).filter(Of::State.eq(ChangeState::Waiting)).exec(tx).await?;
    if let Some(pair) = row.pair_id {
        mirror_pair::Entity::update_of(row.organization_id)
            .col_expr(mirror_pair::Column::State, PairState::Reserved.into())
            .filter(mirror_pair::Column::Id.eq(pair))
            .filter(mirror_pair::Column::State.eq(PairState::Asked))
            .exec(tx)
            .await?;
    }
    let outcome = match state {
        ChangeState::Done => "done",
        ChangeState::Skipped => "skipped",
        _ => "failed",
    };
    metrics::counter!("mirror_changes_total", "outcome" => outcome).increment(1);
    Ok(())
}

/// A change of a mirror.
pub(super) async fn change_of(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    id: MirrorChangeId,
) -> Result<Option<mirror_change::Model>> {
    Ok(mirror_change::Entity::of(organization).filter(mirror_change::Column::Id.eq(id)).one(db).await?)
}
