//! The job of a backfill: one page looked at, or a few items begun with, and then again after a pause. Whatever it did is
//! in its row before it goes on, so it may die anywhere, and be run twice.

use std::time::Duration;

use integration_contract::{Error as PartnerError, ErrorKind, Item, ItemPage, ItemState};
use sea_orm::{ColumnTrait, DatabaseTransaction, QueryFilter, sea_query::Expr};

use super::{
    Backfill, Column, Entity, Looking, Model, Plan, Todo, UNFINISHED, end, load,
    progress::{Fate, begun},
};
use crate::{
    core::{
        Core, Error, Result, integration_links,
        mirrors::{self, ends::Joined, hear, hold, line, settle, values::Sides},
    },
    db::{
        MirrorBackfillId, OrganizationId,
        entity::{
            Tenant,
            integration_link::{self, LinkState},
            mirror::{self, MirrorState, Side},
            mirror_backfill::BackfillState,
        },
    },
    queue::Outcome,
};

/// So many copies are under way at once, and then a pause: 400 an hour. Partners take few more from one account, and
/// people's changes go by the same account. Whoever only has a few waits for no pause.
const AT_ONCE: usize = 5;

/// See [`AT_ONCE`].
const PAUSE: Duration = Duration::from_secs(45);

/// Between two steps that ask little of anybody.
const SOON: Duration = Duration::from_secs(1);

/// How often it is looked whether the last ones have their copies, at first and in the end.
const SEE: [Duration; 2] = [Duration::from_secs(2), PAUSE];

/// A partner that has always one more page does not keep us for ever.
const MOST_PAGES: u32 = 100;

/// How often a link that does not work is looked at again, at first and in the end.
const LOOK_AGAIN: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(600)];

/// When to try again a partner that asks us to slow down and does not say how much.
const SLOW_DOWN: Duration = Duration::from_secs(60);

/// Goes on with a backfill. Run by the job; one that ended, or that another job goes on with, is left alone.
///
/// # Errors
/// When the database does not answer. What a partner does wrong is in the outcome.
pub async fn go_on(
    core: &Core,
    organization: OrganizationId,
    id: MirrorBackfillId,
    turn: i32,
    age: Duration,
) -> Result<Outcome> {
    let db = core.db.reader();
    let Some(row) = load(db, organization, id).await?.filter(|row| goes_on(row, turn)) else {
        return Ok(Outcome::Done);
    };
    let Some(mirror) = mirrors::load(db, organization, row.mirror_id).await? else { return Ok(Outcome::Done) };
    // Whoever starts it again adds another job.
    if mirror.state != MirrorState::Active {
        return Ok(Outcome::Done);
    }
    let links = mirrors::links(db, &mirror).await?;
    let (Some(left), Some(right)) = (links.left, links.right) else { return Ok(Outcome::Done) };
    let links = Sides { left, right };
    if [&links.left, &links.right].iter().any(|link| link.state != LinkState::Active) {
        return Ok(Outcome::Later { after: (age / 8).clamp(LOOK_AGAIN[0], LOOK_AGAIN[1]) });
    }
    let Some(plan) = Plan::read(&row) else {
        core.db.write(async |tx| end(core, tx, &row, BackfillState::Failed, None).await).await?;
        return Ok(Outcome::Done);
    };
    let run = Run { core, mirror: &mirror, links: &links, row: &row, age };
    match plan.looking.first() {
        Some(looking) => run.look(looking).await,
        None => run.copy(&plan).await,
    }
}

fn goes_on(row: &Model, turn: i32) -> bool {
    row.turn == turn && UNFINISHED.contains(&row.state)
}

/// What was done without changing anything yet.
enum Step<'a> {
    /// A page was read.
    Looked { looking: &'a Looking, page: &'a ItemPage },
    /// These have their turn; none for one that is gone, or closed by now.
    Begin(&'a [(&'a Todo, Option<Item>)]),
    /// These are to be begun with once more.
    Again(&'a [Todo]),
}

struct Run<'a> {
    core: &'a Core,
    mirror: &'a mirror::Model,
    links: &'a Sides<integration_link::Model>,
    row: &'a Model,
    age: Duration,
}

impl Run<'_> {
    /// Looks at one page.
    async fn look(&self, looking: &Looking) -> Result<Outcome> {
        let page = match self.page(looking).await {
            Ok(page) => page,
            Err(Error::Partner(error)) => return self.trouble(looking.side, &error).await,
            Err(error) => return Err(error),
        };
        self.change(Step::Looked { looking, page: &page }).await
    }

    async fn page(&self, looking: &Looking) -> Result<ItemPage> {
        let link = self.links.get(looking.side);
        let partner = self.core.partners.get(&link.partner)?;
        let items = partner.integration.items().ok_or(Error::NotFound)?;
        let account = line::account(self.core, self.mirror.id, partner, link).await?;
        let seen = integration_links::as_partner_sees(self.core, link);
        Ok(items.list_items(&account, &seen, looking.after.as_deref()).await?)
    }

    /// What is to be copied of a page.
    async fn found(&self, tx: &DatabaseTransaction, looking: &Looking, page: &ItemPage) -> Result<Vec<Todo>> {
        let wanted = Backfill::of(self.row);
        let fits: Vec<&Item> = page.items.iter().filter(|item| wanted.takes(item).is_ok()).collect();
        let ids: Vec<&str> = fits.iter().map(|item| item.id.as_str()).collect();
        let paired =
            Joined::load(tx, self.row.organization_id).await?.paired(tx, self.links, looking.side, &ids).await?;
        let left = wanted.most.saturating_sub(looking.found) as usize;
        let fits = fits.into_iter().filter(|item| !paired.contains(&item.id)).take(left);
        Ok(fits.map(|item| Todo { side: looking.side, item: item.id.clone() }).collect())
    }

    /// Begins with a few items, if not as many are under way.
    async fn copy(&self, plan: &Plan) -> Result<Outcome> {
        let begun = begun(self.core.db.reader(), self.row).await?;
        let under_way = begun.iter().filter(|(_, _, _, fate)| *fate == Fate::Waiting).count();
        if plan.todo.is_empty() {
            let dropped = begun.into_iter().filter(|(_, _, _, fate)| *fate == Fate::Dropped);
            let again: Vec<Todo> = dropped.filter_map(|(_, side, item, _)| Some(Todo { side, item: item? })).collect();
            return self.come_to_an_end(under_way, again).await;
        }
        let chosen: Vec<&Todo> = plan.todo.iter().rev().take(AT_ONCE.saturating_sub(under_way)).collect();
        let mut seen: Vec<(&Todo, Option<Item>)> = Vec::new();
        for one in chosen {
            match self.item(one).await {
                Ok(item) => seen.push((one, item.filter(|item| item.state != ItemState::Closed))),
                Err(Error::Partner(error)) => return self.trouble(one.side, &error).await,
                Err(error) => return Err(error),
            }
        }
        self.change(Step::Begin(&seen)).await
    }

    async fn item(&self, one: &Todo) -> Result<Option<Item>> {
        let link = self.links.get(one.side);
        let partner = self.core.partners.get(&link.partner)?;
        let items = partner.integration.items().ok_or(Error::NotFound)?;
        let account = line::account(self.core, self.mirror.id, partner, link).await?;
        Ok(items.item(&account, &integration_links::as_partner_sees(self.core, link), &one.item).await?)
    }

    /// All that was found was begun with. What was dropped on the way because of a pause is begun with again.
    async fn come_to_an_end(&self, under_way: usize, again: Vec<Todo>) -> Result<Outcome> {
        if under_way > 0 {
            return Ok(Outcome::Later { after: self.until_seen() });
        }
        if again.is_empty() {
            self.core.db.write(async |tx| end(self.core, tx, self.row, BackfillState::Done, None).await).await?;
            return Ok(Outcome::Done);
        }
        self.change(Step::Again(&again)).await
    }

    fn until_seen(&self) -> Duration {
        (self.age / 8).clamp(SEE[0], SEE[1])
    }

    /// Changes the plan as it is now, if it is still this job's. Says when to go on.
    async fn change(&self, step: Step<'_>) -> Result<Outcome> {
        let (core, organization) = (self.core, self.row.organization_id);
        let after = core
            .db
            .write(async |tx| {
                let mirror = hold(tx, organization, self.mirror.id).await?;
                let row = load(tx, organization, self.row.id).await?.filter(|row| goes_on(row, self.row.turn));
                let Some(mut row) = row.filter(|_| mirror.state == MirrorState::Active) else { return Ok(None) };
                let Some(mut plan) = Plan::read(&row) else { return Ok(None) };
                let after = self.take(tx, &mirror, &step, &mut plan, &mut row).await?;
                let state = if plan.looking.is_empty() { BackfillState::Copying } else { BackfillState::Looking };
                Entity::update_of(organization)
                    .col_expr(Column::Plan, Expr::val(serde_json::json!(plan)))
                    .col_expr(Column::State, state.into())
                    .col_expr(Column::Found, Expr::val(row.found))
                    .col_expr(Column::Reason, Expr::val(row.reason))
                    .filter(Column::Id.eq(row.id))
                    .exec(tx)
                    .await?;
                Ok::<_, Error>(Some(after))
            })
            .await?;
        core.queue.wake();
        Ok(after.map_or(Outcome::Done, |after| Outcome::Later { after }))
    }

    /// What a step changes. Another run of this job may have been quicker with it, or with a part of it.
    async fn take(
        &self,
        tx: &DatabaseTransaction,
        mirror: &mirror::Model,
        step: &Step<'_>,
        plan: &mut Plan,
        row: &mut Model,
    ) -> Result<Duration> {
        match *step {
            Step::Looked { looking, page } => {
                if plan.looking.first() == Some(looking) {
                    let mut found = self.found(tx, looking, page).await?;
                    // What is opened meanwhile moves others to the next page.
                    found.retain(|one| !plan.todo.contains(one));
                    row.found += i32::try_from(found.len()).unwrap_or(i32::MAX);
                    if looking.pages + 1 >= MOST_PAGES && page.next.is_some() {
                        let name = &self.links.get(looking.side).name;
                        row.reason = Some(format!("There is more in {name} than is looked through."));
                    }
                    match next(Backfill::of(row), looking, found.len(), page) {
                        Some(next) => plan.looking[0] = next,
                        None => drop(plan.looking.remove(0)),
                    }
                    plan.todo.extend(found);
                }
                Ok(SOON)
            }
            Step::Begin(seen) => {
                for (one, item) in seen {
                    let before = plan.todo.len();
                    plan.todo.retain(|other| other != *one);
                    if let Some(item) = item.clone().filter(|_| plan.todo.len() < before) {
                        hear::begin(self.core, tx, mirror, one.side, item, row.id).await?;
                    }
                }
                Ok(if plan.todo.is_empty() { self.until_seen() } else { PAUSE })
            }
            Step::Again(todo) => {
                if plan.todo.is_empty() {
                    plan.todo = todo.to_vec();
                }
                Ok(SOON)
            }
        }
    }

    /// What follows from a partner's error.
    async fn trouble(&self, side: Side, error: &PartnerError) -> Result<Outcome> {
        let why = error.sentence().to_owned();
        match error.kind() {
            ErrorKind::Unavailable | ErrorKind::UnknownOutcome => Ok(Outcome::Again { after: error.wait(), why }),
            ErrorKind::RateLimited => Ok(Outcome::Later { after: error.wait().unwrap_or(SLOW_DOWN) }),
            ErrorKind::Unauthorized | ErrorKind::NotConfigured => {
                settle::break_link(self.core, self.links.get(side), error).await?;
                Ok(Outcome::Later { after: LOOK_AGAIN[0] })
            }
            _ => {
                let (core, organization) = (self.core, self.row.organization_id);
                core.db
                    .write(async |tx| {
                        // The line is cut when the mirror is paused. That is no failure.
                        let mirror = hold(tx, organization, self.mirror.id).await?;
                        if mirror.state == MirrorState::Active {
                            end(core, tx, self.row, BackfillState::Failed, Some(&why)).await?;
                        }
                        Ok::<_, Error>(())
                    })
                    .await?;
                Ok(Outcome::Done)
            }
        }
    }
}

/// Where to look on after a page in which so many were found; none when that side is looked through.
fn next(wanted: Backfill, looking: &Looking, found: usize, page: &ItemPage) -> Option<Looking> {
    let found = looking.found + u32::try_from(found).unwrap_or(u32::MAX);
    // The last opened come first.
    let is_past = page.items.last().is_some_and(|item| item.created_at.is_some_and(|at| at < wanted.opened_since));
    let pages = looking.pages + 1;
    let ends = is_past || found >= wanted.most || pages >= MOST_PAGES;
    page.next.clone().filter(|_| !ends).map(|after| Looking { side: looking.side, after: Some(after), pages, found })
}
