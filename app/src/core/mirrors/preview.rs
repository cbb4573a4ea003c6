//! Preview: what a mirror that is not made yet would do with the last items of both sides. Nothing is written, and both
//! partners are only read.

use std::time::Duration;

use futures::future::try_join_all;
use integration_contract::{Account, Author, Change, IntegrationLink, Item, ItemChange, Items};

use super::{
    copy::copy_of,
    ends::{self, Found, Joined},
    hear::begins,
    make::NewMirror,
    must_manage,
    settings::Settings,
    values::Sides,
};
use crate::{
    core::{Core, Error, Result, integration_links, people::Member, teams},
    db::entity::{integration_link, mirror::Side},
};

/// How many items of each side are shown.
const SHOWN: usize = 10;

/// Some pages have nothing that a mirror joins.
const MOST_PAGES: usize = 3;

/// A person waits for it.
const WITHIN: Duration = Duration::from_secs(10);

/// What a mirror would do with the last items of both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// On the left.
    pub left: Outlook,
    /// On the right.
    pub right: Outlook,
}

/// What it would do with the last items of one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// What the partner is called.
    pub partner: String,
    /// Where at the partner, as its link is called.
    pub place: String,
    /// The last ones first; or the sentence that the partner left us with.
    pub items: std::result::Result<Vec<Forecast>, String>,
}

/// What it would do with one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// What people call it.
    pub name: String,
    /// One line.
    pub title: String,
    /// Its page.
    pub url: Option<String>,
    /// Who opened it.
    pub author: Author,
    /// When, in unix seconds, where that is known.
    pub opened_at: Option<i64>,
    /// What would become of it.
    pub fate: Fate,
}

/// What would become of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It gets this copy.
    Copied {
        /// This one.
        copy: Copy,
        /// When.
        when: When,
    },
    /// It would have got this copy, had the mirror been there when it was opened. As it is, it gets none.
    Missed {
        /// This one.
        copy: Copy,
        /// Why not.
        reason: String,
    },
    /// It gets none, for this reason.
    Left(String),
}

/// When an item gets its copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// As soon as its turn has come, because what was there before is made up for.
    MadeUpFor,
    /// When something happens to it next.
    NextChange,
}

/// What a copy would say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// What it is called at its partner, where that keeps such names.
    pub external_id: String,
    /// One line.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// Its labels or tags.
    pub labels: Vec<String>,
}

/// Looks ahead: what [`super::make()`] would do with the last items of both sides.
///
/// # Errors
/// Those of [`super::make()`]. What goes wrong at a partner is in its outlook.
pub async fn preview(core: &Core, who: &Member, new: &NewMirror) -> Result<Preview> {
    must_manage(who)?;
    let db = core.db.reader();
    teams::must_exist(db, who.organization, new.team).await?;
    let sides = Sides { left: end(core, who, new, Side::Left).await?, right: end(core, who, new, Side::Right).await? };
    let joined = Joined::load(db, who.organization).await?;
    joined.let_join(&sides)?;
    let naming = joined.naming(core, &sides);
    let settings = Settings { options: new.options, left: naming.left, right: naming.right };
    let looking = Looking { core, new, sides: &sides, joined: &joined, settings: &settings };
    let (left, right) = tokio::try_join!(looking.outlook(Side::Left), looking.outlook(Side::Right))?;
    Ok(Preview { left, right })
}

/// The link of an end, or what would be it.
async fn end(core: &Core, who: &Member, new: &NewMirror, side: Side) -> Result<integration_link::Model> {
    let end = match side {
        Side::Left => &new.left,
        Side::Right => &new.right,
    };
    match ends::find(core, core.db.reader(), who.organization, new.team, end.clone()).await? {
        Found::There(link) => Ok(*link),
        Found::Not(partner, link) => integration_links::draft(core, who, partner, link),
    }
}

struct Looking<'a> {
    core: &'a Core,
    new: &'a NewMirror,
    sides: &'a Sides<integration_link::Model>,
    joined: &'a Joined,
    settings: &'a Settings,
}

/// A side's partner, ready to be asked.
struct Place<'a> {
    items: &'a dyn Items,
    account: Account,
    seen: IntegrationLink,
}

impl Looking<'_> {
    async fn outlook(&self, side: Side) -> Result<Outlook> {
        let link = self.sides.get(side);
        let partner = self.core.partners.get(&link.partner)?.name().to_owned();
        let items = match tokio::time::timeout(WITHIN, self.forecasts(side)).await {
            Ok(Ok(items)) => Ok(items),
            Ok(Err(Error::Partner(error))) => Err(error.sentence().to_owned()),
            Ok(Err(error)) => return Err(error),
            Err(_) => Err(format!("{partner} did not answer in time.")),
        };
        Ok(Outlook { partner, place: link.name.clone(), items })
    }

    async fn forecasts(&self, side: Side) -> Result<Vec<Forecast>> {
        let link = self.sides.get(side);
        let partner = self.core.partners.get(&link.partner)?;
        let place = Place {
            items: partner.integration.items().ok_or(Error::NotFound)?,
            account: integration_links::account(self.core, partner, link).await?,
            seen: integration_links::as_partner_sees(self.core, link),
        };
        let last = place.last().await?;
        let ids: Vec<&str> = last.iter().map(|item| item.id.as_str()).collect();
        let paired = self.joined.paired(self.core.db.reader(), self.sides, side, &ids).await?;
        let mut made_up_for = 0;
        let mut fates = Vec::new();
        for item in &last {
            let is_paired = paired.contains(&item.id);
            let takes = match &self.new.backfill {
                Some(backfill) if !is_paired => Some(backfill.takes(item).map_err(str::to_owned)),
                _ => None,
            };
            made_up_for += u32::from(matches!(takes, Some(Ok(()))));
            fates.push(self.expectation(side, item, is_paired, takes, made_up_for));
        }
        try_join_all(last.iter().zip(fates).map(|(item, fate)| self.forecast(side, &place, item, fate))).await
    }

    /// When the item gets its copy, or why it gets none; the outer error says why there could not even have been one.
    fn expectation(
        &self,
        side: Side,
        item: &Item,
        is_paired: bool,
        takes: Option<std::result::Result<(), String>>,
        made_up_for: u32,
    ) -> std::result::Result<std::result::Result<When, String>, String> {
        if is_paired {
            return Err("An earlier mirror between these two joined it with another one.".to_owned());
        }
        let change = ItemChange {
            id: String::new(),
            what: Change::Edited,
            by: item.author.clone(),
            at: None,
            item: Item { body: String::new(), ..item.clone() },
        };
        // Where it makes no copies, it makes none of what is opened later either.
        begins(i64::MIN, self.new.options, side, &change)?;
        let most = self.new.backfill.map_or(0, |backfill| backfill.most);
        if matches!(takes, Some(Ok(()))) && made_up_for <= most {
            return Ok(Ok(When::MadeUpFor));
        }
        let now = self.core.clock.now_seconds();
        Ok(match (begins(self.new.since.unwrap_or(now), self.new.options, side, &change), takes) {
            (Ok(()), _) => Ok(When::NextChange),
            (Err(_), Some(Ok(()))) => Err(format!("Only the last {most} are made up for.")),
            (Err(_), Some(Err(reason))) | (Err(reason), None) => Err(reason),
        })
    }

    async fn forecast(
        &self,
        side: Side,
        place: &Place<'_>,
        item: &Item,
        fate: std::result::Result<std::result::Result<When, String>, String>,
    ) -> Result<Forecast> {
        let fate = match fate {
            Err(reason) => Fate::Left(reason),
            Ok(when) => match (place.whole(item).await?, when) {
                (None, _) => Fate::Left("It is not there any more.".to_owned()),
                (Some(item), Ok(when)) => Fate::Copied { copy: self.copy(side, &item), when },
                (Some(item), Err(reason)) => Fate::Missed { copy: self.copy(side, &item), reason },
            },
        };
        let (name, title, url) = (item.name.clone(), item.title.clone(), item.url.clone());
        Ok(Forecast { name, title, url, author: item.author.clone(), opened_at: item.created_at, fate })
    }

    fn copy(&self, side: Side, item: &Item) -> Copy {
        let external_id = self.settings.external_id(side, &item.id);
        let copy = copy_of(item, String::new(), external_id, self.new.options);
        Copy { external_id: copy.external_id, title: copy.title, body: copy.body, labels: copy.labels }
    }
}

impl Place<'_> {
    async fn last(&self) -> Result<Vec<Item>> {
        let mut last = Vec::new();
        let mut after = None;
        for _ in 0..MOST_PAGES {
            let page = self.items.list_items(&self.account, &self.seen, after.as_deref()).await?;
            last.extend(page.items);
            after = page.next;
            if last.len() >= SHOWN || after.is_none() {
                break;
            }
        }
        last.truncate(SHOWN);
        Ok(last)
    }

    /// With its text, which some partners tell only with the item alone.
    async fn whole(&self, item: &Item) -> Result<Option<Item>> {
        if !item.body.is_empty() {
            return Ok(Some(item.clone()));
        }
        Ok(self.items.item(&self.account, &self.seen, &item.id).await?)
    }
}
