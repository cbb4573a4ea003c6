//! Carrying a change over: what can be said without asking anybody, then with both partners' help. What follows from how
//! that ended is in `settle`.

use std::time::Duration;

use integration_contract::{Account, Change, Error as PartnerError, ErrorKind, IntegrationLink, ItemChange, Items};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use super::{
    IN_A_ROW, MOST_IN_A_ROW, MOST_WRITES, TOO_OLD,
    copy::Copied,
    hear::open,
    line, links, load, readable,
    settings::{self, Settings},
    settle::{Ending, change_of},
    values::{Known, Sides, says_the_same},
};
use crate::{
    core::{Core, Error, Result, integration_links, partners::Partner},
    db::{
        MirrorChangeId, MirrorPairId, OrganizationId,
        entity::{
            Tenant,
            integration_link::{self, LinkState},
            mirror::{self, MirrorState, Side},
            mirror_change::{self, ChangeState},
            mirror_pair::{self, PairState},
        },
    },
    queue::Outcome,
};

/// How often a link that can't work is looked at again, at first and in the end.
const LOOK_AGAIN: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(120)];

/// Over this time writes are counted, to slow down.
const A_MINUTE: Duration = Duration::from_secs(60);

/// Why a change is not carried over, or not now.
pub(super) enum Stop {
    /// Our database, or a mistake of ours.
    Core(Error),
    /// This side's partner did not do its part.
    Partner { side: Side, error: PartnerError },
    /// Something has to pass first.
    Later(Duration),
    /// There is nothing to carry.
    Skipped(String),
    /// It never will be.
    Failed(String),
    /// Nor will anything else, until a person looked at it.
    Broken(String),
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Core(error.into())
    }
}

/// One end of the mirror, ready to be called.
pub(super) struct End<'a> {
    partner: &'a Partner,
    pub account: Account,
    pub seen: IntegrationLink,
}

/// A change on its way.
pub(super) struct Carrying<'a> {
    pub core: &'a Core,
    pub mirror: &'a mirror::Model,
    pub settings: Settings,
    pub pair: mirror_pair::Model,
    pub row: &'a mirror_change::Model,
    pub told: ItemChange,
    /// Where it happened.
    pub from: Side,
    ends: Option<Sides<End<'a>>>,
}

/// Carries one change over. Run by the job; a change that is done, or has gone to another pair, is left alone.
///
/// # Errors
/// When the database does not answer. What a partner does wrong is in the outcome.
pub async fn carry(
    core: &Core,
    organization: OrganizationId,
    id: MirrorChangeId,
    pair: MirrorPairId,
    age: Duration,
) -> Result<Outcome> {
    let db = core.db.reader();
    let Some(row) = change_of(db, organization, id).await? else { return Ok(Outcome::Done) };
    if row.state != ChangeState::Waiting || row.pair_id != Some(pair) {
        return Ok(Outcome::Done);
    }
    let Some(mirror) = load(db, organization, row.mirror_id).await? else { return Ok(Outcome::Done) };
    let Some(pair) = pair_of(db, organization, pair).await? else { return Ok(Outcome::Done) };
    let links = links(db, &mirror).await?;
    let went = match Carrying::new(core, &mirror, pair, &row) {
        Ok(carrying) => carrying.go(&links, age).await,
        Err(stop) => Err(stop),
    };
    Ending { core, mirror: &mirror, row: &row, links: &links, age }.settle(went).await
}

async fn pair_of(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    id: MirrorPairId,
) -> Result<Option<mirror_pair::Model>> {
    Ok(mirror_pair::Entity::of(organization).filter(mirror_pair::Column::Id.eq(id)).one(db).await?)
}

impl<'a> Carrying<'a> {
    fn new(
        core: &'a Core,
        mirror: &'a mirror::Model,
        pair: mirror_pair::Model,
        row: &'a mirror_change::Model,
    ) -> std::result::Result<Self, Stop> {
        let unreadable = || Stop::Failed("What happened can't be read any more.".to_owned());
        let settings = settings::of(mirror).ok_or_else(unreadable)?;
        let told = open(core, row).ok_or_else(unreadable)?;
        Ok(Self { core, mirror, settings, pair, row, told, from: row.side, ends: None })
    }

    async fn go(
        mut self,
        links: &Sides<Option<integration_link::Model>>,
        age: Duration,
    ) -> std::result::Result<(), Stop> {
        self.may_be_carried()?;
        // What was said before has to be known first: it may be what this is about.
        if self.pair.saying.is_none() {
            self.without_asking().await?;
        }
        let (left, right) =
            (working(links.get(Side::Left).as_ref(), age)?, working(links.get(Side::Right).as_ref(), age)?);
        let left = self.end(Side::Left, left).await?;
        let right = self.end(Side::Right, right).await?;
        let to = links.get(self.from.other()).as_ref();
        let account: Uuid =
            to.map_or(Uuid::nil(), |link| link.integration_user_id.map_or(link.id.0, |account| account.0));
        let partner = if self.from == Side::Left { right.partner } else { left.partner };
        let permit = self.core.breakers().enter(self.core.clock.now(), account, partner.id()).map_err(Stop::Later)?;
        self.ends = Some(Sides { left, right });
        self.count_attempt().await?;
        let (core, to) = (self.core, self.from.other());
        let went = self.with_both(age).await;
        match &went {
            Err(Stop::Partner { side, error })
                if *side == to && matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::UnknownOutcome) =>
            {
                permit.failed(core.clock.now());
            }
            Ok(()) => permit.answered(),
            Err(_) => drop(permit),
        }
        went
    }

    fn may_be_carried(&self) -> std::result::Result<(), Stop> {
        let skipped = |reason: &str| Err(Stop::Skipped(reason.to_owned()));
        match self.mirror.state {
            MirrorState::Active => {}
            MirrorState::Paused => return skipped("The mirror is paused."),
            MirrorState::Broken => return skipped("The mirror stopped by itself; its page says why."),
            MirrorState::Removing | MirrorState::Removed => return skipped("The mirror was removed."),
        }
        if self.pair.state == PairState::Ended {
            return skipped(self.pair.reason.as_deref().unwrap_or("It is not kept in step any more."));
        }
        Ok(())
    }

    /// What our own tables can tell.
    async fn without_asking(&self) -> std::result::Result<(), Stop> {
        let has_copy = self.pair.item(self.from.other()).is_some();
        match &self.told.what {
            Change::Commented(comment) | Change::CommentEdited(comment) => self.is_new_comment(comment).await,
            Change::CommentDeleted(id) => self.withdraw(id).await,
            Change::Assigned => Err(Stop::Skipped("Who works on it is not mirrored.".to_owned())),
            Change::Deleted | Change::Moved { .. } if !has_copy => {
                self.end_pair("It was deleted or moved before it was copied.").await?;
                Err(Stop::Skipped("It went before it was copied.".to_owned()))
            }
            Change::Deleted | Change::Moved { .. } => Ok(()),
            Change::Opened
            | Change::Edited
            | Change::Closed
            | Change::Reopened
            | Change::StateChanged
            | Change::Labelled => match self.known(self.from) {
                Some(known) if has_copy && says_the_same(&known, &self.told.item, self.settings.options) => {
                    Err(Stop::Skipped("Both sides are in step about this.".to_owned()))
                }
                _ => Ok(()),
            },
        }
    }

    async fn with_both(mut self, age: Duration) -> std::result::Result<(), Stop> {
        if self.pair.saying.is_some() {
            self.find_out().await?;
            self.without_asking().await?;
        }
        match self.told.what.clone() {
            Change::Deleted | Change::Moved { .. } => self.part().await,
            Change::Commented(comment) => {
                if self.ensure_copy(age).await? == Copied::NotWhole {
                    self.converge().await?;
                }
                self.comment(&comment).await?;
                self.make_up().await
            }
            Change::CommentEdited(comment) => {
                if self.ensure_copy(age).await? == Copied::NotWhole {
                    self.converge().await?;
                }
                self.comment_edited(&comment).await?;
                self.make_up().await
            }
            _ => {
                let copied = self.ensure_copy(age).await?;
                if copied == Copied::Now || self.converge().await? || copied == Copied::NotWhole {
                    return Ok(());
                }
                Err(Stop::Skipped("It is so on the other side already.".to_owned()))
            }
        }
    }

    /// A comment's hook shows the whole item. Where that says what nobody told us of, a hook was lost, or comes later.
    async fn make_up(&mut self) -> std::result::Result<(), Stop> {
        let Some(known) = self.known(self.from) else { return Ok(()) };
        let is_older = matches!((self.told.item.updated_at, known.at), (Some(told), Some(known)) if told < known);
        if !is_older && !says_the_same(&known, &self.told.item, self.settings.options) {
            self.converge().await?;
        }
        Ok(())
    }

    async fn end(&self, side: Side, link: &integration_link::Model) -> std::result::Result<End<'a>, Stop> {
        let core = self.core;
        let partner = core.partners.get(&link.partner)?;
        let account = match line::account(core, self.mirror.id, partner, link).await {
            Ok(account) => account,
            Err(Error::Partner(error)) => return Err(Stop::Partner { side, error }),
            Err(error) => return Err(error.into()),
        };
        Ok(End { partner, account, seen: integration_links::as_partner_sees(core, link) })
    }

    /// The partner of a side, and what to call it with.
    pub(super) fn at(&self, side: Side) -> std::result::Result<(&dyn Items, &End<'a>), Stop> {
        let end = self.ends.as_ref().map(|ends| ends.get(side));
        let end = end.ok_or_else(|| anyhow::anyhow!("a mirror's ends before they are there"))?;
        let items = end.partner.integration.items();
        let items =
            items.ok_or_else(|| Stop::Failed(format!("{} has nothing to mirror any more.", end.partner.name())))?;
        Ok((items, end))
    }

    /// A side's item, once it is there.
    pub(super) fn item(&self, side: Side) -> std::result::Result<String, Stop> {
        let item = self.pair.item(side).map(str::to_owned);
        item.ok_or_else(|| Stop::Core(anyhow::anyhow!("an item of a pair before it is there").into()))
    }

    /// What a side said when both were last in step.
    pub(super) fn known(&self, side: Side) -> Option<Known> {
        let known = match side {
            Side::Left => &self.pair.left_known,
            Side::Right => &self.pair.right_known,
        };
        serde_json::from_value(known.clone()?).ok()
    }

    pub(super) fn know(&mut self, side: Side, known: &Known) {
        let known = Some(serde_json::json!(known));
        match side {
            Side::Left => self.pair.left_known = known,
            Side::Right => self.pair.right_known = known,
        }
    }

    async fn count_attempt(&self) -> Result<()> {
        use mirror_change::Column as Of;
        let (organization, id) = (self.row.organization_id, self.row.id);
        self.core
            .db
            .write(async |tx| {
                mirror_change::Entity::update_of(organization)
                    .col_expr(Of::Attempts, Expr::col(Of::Attempts).add(1))
                    .filter(Of::Id.eq(id))
                    .exec(tx)
                    .await?;
                Ok(())
            })
            .await
    }

    /// Whether one more may be written to this pair now: an endless conversation of two machines slows down, and ends.
    pub(super) fn may_write(&self) -> std::result::Result<(), Stop> {
        let now = self.core.clock.now();
        let lately = |time: Duration| {
            let is_new = |at: &i64| *at > self.mirror.state_since && u128::from(now.abs_diff(*at)) < time.as_millis();
            self.writes().into_iter().filter(is_new).collect::<Vec<_>>()
        };
        if lately(IN_A_ROW).len() >= MOST_IN_A_ROW {
            return Err(Stop::Broken(format!(
                "More than {MOST_IN_A_ROW} changes of {} were to be carried over within {} minutes, as if another tool \
                 answered to each of them. Look who writes there, then start the mirror again.",
                self.told.item.name,
                IN_A_ROW.as_secs() / 60
            )));
        }
        let in_this_minute = lately(A_MINUTE);
        let Some(nth_last) = in_this_minute.len().checked_sub(MOST_WRITES) else { return Ok(()) };
        let passes = in_this_minute[nth_last].saturating_sub(now).unsigned_abs();
        Err(Stop::Later(A_MINUTE.saturating_sub(Duration::from_millis(passes)).max(Duration::from_millis(1))))
    }

    fn writes(&self) -> Vec<i64> {
        serde_json::from_value(self.pair.writes.clone()).unwrap_or_default()
    }

    /// Notes that something was written just now. It is saved with the pair.
    pub(super) fn wrote(&mut self) {
        let mut writes = self.writes();
        writes.push(self.core.clock.now());
        let first = writes.len().saturating_sub(MOST_IN_A_ROW);
        self.pair.writes = serde_json::json!(writes[first..]);
        let partner = self.ends.as_ref().map_or("", |ends| ends.get(self.from.other()).partner.id());
        metrics::counter!("mirror_writes_total", "partner" => partner).increment(1);
    }

    /// Keeps what is known of both sides, what is being said, and what was written.
    pub(super) async fn save(&self, tx: &DatabaseTransaction) -> Result<()> {
        use mirror_pair::Column as Of;
        mirror_pair::Entity::update_of(self.pair.organization_id)
            .col_expr(Of::LeftKnown, Expr::val(self.pair.left_known.clone()))
            .col_expr(Of::RightKnown, Expr::val(self.pair.right_known.clone()))
            .col_expr(Of::Saying, Expr::val(self.pair.saying.clone()))
            .col_expr(Of::Writes, Expr::val(self.pair.writes.clone()))
            .col_expr(Of::UpdatedAt, Expr::val(self.core.clock.now()))
            .filter(Of::Id.eq(self.pair.id))
            .exec(tx)
            .await?;
        Ok(())
    }

    /// From now on both go their own ways.
    pub(super) async fn end_pair(&self, reason: &str) -> Result<()> {
        let reason = readable(reason);
        self.core
            .db
            .write(async |tx| {
                use mirror_pair::Column as Of;
                mirror_pair::Entity::update_of(self.pair.organization_id)
                    .col_expr(Of::State, PairState::Ended.into())
                    .col_expr(Of::Reason, Expr::val(reason))
                    // Whether it got there matters to nobody any more.
                    .col_expr(Of::Saying, Expr::val(None::<Vec<u8>>))
                    .col_expr(Of::UpdatedAt, Expr::val(self.core.clock.now()))
                    .filter(Of::Id.eq(self.pair.id))
                    .exec(tx)
                    .await?;
                Ok(())
            })
            .await
    }
}

/// The link, when it works; else what that means for what is to be carried.
fn working(
    link: Option<&integration_link::Model>,
    age: Duration,
) -> std::result::Result<&integration_link::Model, Stop> {
    let Some(link) = link else { return Err(Stop::Skipped("One of the mirror's links is gone.".to_owned())) };
    match link.state {
        LinkState::Active => Ok(link),
        LinkState::Removing | LinkState::Removed => {
            Err(Stop::Skipped(format!("The link to {} was removed.", link.name)))
        }
        LinkState::Paused => Err(Stop::Skipped(format!("The link to {} is paused.", link.name))),
        LinkState::Pending | LinkState::Broken if age > TOO_OLD => {
            Err(Stop::Failed(format!("The link to {} did not work for three days.", link.name)))
        }
        LinkState::Pending | LinkState::Broken => Err(Stop::Later((age / 4).clamp(LOOK_AGAIN[0], LOOK_AGAIN[1]))),
    }
}
