//! Standings: what the next steps of a page's links are made of. Asked for all of them at once, however many they are.

use std::collections::{BTreeSet, HashMap};

use sea_orm::{
    ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QuerySelect, QueryTrait, Select,
    sea_query::{Asterisk, Expr, ExprTrait, Query, SelectStatement, UnionType},
};

use super::next_step::{Acting, Fares, Looks, NextStep, Whose, of_link};
use crate::{
    core::{Core, Result, inbox, integration_links, integration_users, organizations, outbox, people::Member},
    db::{
        IntegrationUserId, LinkId, UserId,
        entity::{
            Tenant,
            integration_link::{LinkLevel, LinkState, Model},
            integration_user::{self, AccountState},
            user,
        },
    },
};

/// Counted no further than this.
pub const MANY: u64 = 100;

/// Of so many broken links on one page it is counted what they keep.
const COUNTED: usize = 20;

/// How many admins are named.
const NAMED: usize = 2;

/// What several links of one organization act with, and who could mend them.
#[derive(Default)]
pub struct Standings {
    accounts: HashMap<IntegrationUserId, integration_user::Model>,
    names: HashMap<UserId, String>,
    /// Admins of the organization, by name; asked for only where somebody looks who is none.
    admins: Vec<String>,
    held: HashMap<LinkId, Held>,
    /// Unix milliseconds.
    now: i64,
}

/// How one link stands.
pub struct Standing {
    /// What is to be done.
    pub step: Option<NextStep>,
    /// Why; its account's reason where it has not noticed yet that that is broken.
    pub reason: Option<String>,
    /// Since when, unix milliseconds.
    pub since: i64,
    /// Whether it needs somebody: it is broken, or its account is.
    pub needs_somebody: bool,
    /// What goes on by itself once it works again.
    pub held: Held,
}

/// What is kept until a link works again. Numbers beyond [`MANY`] say only that there are more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Hooks that could not be read yet.
    pub hooks: u64,
    /// Messages that could not be sent yet.
    pub messages: u64,
}

impl Standings {
    /// What there is to know of these links.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn of(core: &Core, who: &Member, links: &[&Model]) -> Result<Self> {
        let ids: BTreeSet<IntegrationUserId> = links.iter().filter_map(|link| link.integration_user_id).collect();
        let mut standings = Self { now: core.clock.now(), ..Self::default() };
        if !ids.is_empty() {
            let rows = integration_user::Entity::of(who.organization)
                .filter(integration_user::Column::Id.is_in(ids))
                // Whoever had connected it has left, and it is being given back.
                .filter(integration_user::Column::State.ne(AccountState::Leaving))
                .all(core.db.reader())
                .await?;
            standings.accounts = rows.into_iter().map(|row| (row.id, row)).collect();
        }
        standings.name_people(core, who, links).await?;
        Ok(standings)
    }

    /// And what each of them keeps until it works again, in one statement.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn counting_held(mut self, core: &Core, links: &[&Model]) -> Result<Self> {
        let waits = |link: &&&Model| matches!(link.state, LinkState::Broken | LinkState::Pending);
        let waiting: Vec<&Model> = links.iter().filter(waits).take(COUNTED).copied().collect();
        let Some(count) = count_held(&waiting) else { return Ok(self) };
        let backend = core.db.reader().get_database_backend();
        for counted in Counted::find_by_statement(backend.build(&count)).all(core.db.reader()).await? {
            let (at, is_hooks) = (usize::try_from(counted.which / 2).unwrap_or(0), counted.which % 2 == 0);
            let Some(link) = waiting.get(at) else { continue };
            let held = self.held.entry(link.id).or_default();
            *(if is_hooks { &mut held.hooks } else { &mut held.messages }) = u64::try_from(counted.held).unwrap_or(0);
        }
        Ok(self)
    }

    /// And what whoever connected an account is called, whether or not a step names them.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn naming_owners(mut self, core: &Core, who: &Member) -> Result<Self> {
        let owners = self.accounts.values().filter_map(|row| row.user_id).collect();
        self.ask_names(core, who, owners).await?;
        Ok(self)
    }

    async fn name_people(&mut self, core: &Core, who: &Member, links: &[&Model]) -> Result<()> {
        let broken = self.accounts.values().filter(|row| row.state == AccountState::Broken);
        let owners = broken.filter_map(|row| row.user_id);
        let needy = links.iter().filter(|link| !matches!(link.state, LinkState::Active | LinkState::Removed));
        let of_needy = needy.clone().flat_map(|link| {
            let account = link.integration_user_id.and_then(|id| self.accounts.get(&id));
            [link.user_id, account.and_then(|row| row.user_id)]
        });
        let people = owners.chain(of_needy.flatten()).collect();
        self.ask_names(core, who, people).await?;
        if !who.is_admin() && needy.count() > 0 {
            self.admins = admins_of(core, who).await?;
        }
        Ok(())
    }

    async fn ask_names(&mut self, core: &Core, who: &Member, mut people: BTreeSet<UserId>) -> Result<()> {
        people.retain(|user| *user != who.user && !self.names.contains_key(user));
        if people.is_empty() {
            return Ok(());
        }
        let names: Vec<(UserId, String)> = user::Entity::find()
            .select_only()
            .columns([user::Column::Id, user::Column::Name])
            .filter(user::Column::Id.is_in(people))
            .into_tuple()
            .all(core.db.reader())
            .await?;
        self.names.extend(names);
        Ok(())
    }

    /// How one of them stands, seen by this member.
    pub fn of_link(&self, core: &Core, who: &Member, link: &Model) -> Standing {
        let acting = self.acting(core, who, link);
        let step = of_link(link.state, link.remedy, acting, looks(who, link));
        let account = link.integration_user_id.and_then(|id| self.accounts.get(&id));
        let account_broken = acting.is_some_and(|acting| acting.fares == Fares::Broken);
        let unnoticed = account.filter(|_| account_broken && link.state == LinkState::Active);
        Standing {
            step,
            reason: match unnoticed {
                Some(account) => account.reason.clone(),
                None => link.reason.clone(),
            },
            since: unnoticed.and_then(|account| account.broken_since).unwrap_or(link.state_since),
            needs_somebody: link.state == LinkState::Broken || unnoticed.is_some(),
            held: self.held.get(&link.id).copied().unwrap_or_default(),
        }
    }

    /// The account that a link acts with.
    pub fn account(&self, link: &Model) -> Option<&integration_user::Model> {
        self.accounts.get(&link.integration_user_id?)
    }

    /// What a user is called, where a step may name them, or all were asked for ([`Self::naming_owners`]).
    pub fn name(&self, user: UserId) -> Option<&str> {
        self.names.get(&user).map(String::as_str)
    }

    /// Some who may do what who looks may not.
    pub fn admins(&self) -> &[String] {
        &self.admins
    }

    fn acting(&self, core: &Core, who: &Member, link: &Model) -> Option<Acting> {
        let id = link.integration_user_id?;
        let partner = core.partners.get(&link.partner).ok()?;
        let Some(row) = self.accounts.get(&id) else {
            let fares = if partner.acts_with_accounts() { Fares::Broken } else { Fares::Over };
            return Some(Acting { whose: Whose::Nobodys, fares });
        };
        let whose = match row.user_id {
            None => Whose::Everybodys,
            Some(user) if user == who.user => Whose::Own,
            Some(user) => Whose::Of(user),
        };
        let over = row.expires_at.is_some_and(|at| at <= self.now);
        let fares = match row.state {
            _ if !partner.acts_with_accounts() => {
                if over || row.state != AccountState::Connected {
                    Fares::Over
                } else {
                    Fares::Works
                }
            }
            AccountState::Connected => Fares::Works,
            AccountState::Broken | AccountState::Leaving => Fares::Broken,
        };
        Some(Acting { whose, fares })
    }
}

/// Admins and owners, by name.
///
/// # Errors
/// When the database does not answer.
pub async fn admins_of(core: &Core, who: &Member) -> Result<Vec<String>> {
    let members = organizations::members(core, who).await?.into_iter();
    let admins = members.filter(|(_, role)| *role != crate::db::entity::member::Role::Member);
    Ok(admins.map(|(user, _)| user.name).take(NAMED).collect())
}

fn looks(who: &Member, link: &Model) -> Looks {
    match (integration_links::must_manage(who, link).is_ok(), link.level, link.user_id) {
        (true, ..) => Looks::Manager,
        (false, LinkLevel::User, Some(user)) => Looks::AtUsers(user),
        _ => Looks::AtTeams,
    }
}

#[derive(FromQueryResult)]
struct Counted {
    /// Twice the place of the link, and one more for its messages.
    which: i32,
    held: i64,
}

/// What links keep, each counted a little beyond [`MANY`] and no further; none for no links.
fn count_held(links: &[&Model]) -> Option<SelectStatement> {
    let counts = (0_i32..).step_by(2).zip(links).flat_map(|(which, link)| {
        let (organization, id) = (link.organization_id, link.id);
        [count(which, inbox::held(organization, id)), count(which + 1, outbox::held(organization, id))]
    });
    counts.reduce(|mut all, one| all.union(UnionType::All, one).to_owned())
}

fn count<E: EntityTrait>(which: i32, held: Select<E>) -> SelectStatement {
    let some = held.select_only().expr_as(Expr::val(1), "one").limit(MANY + 1).into_query();
    Query::select()
        .expr_as(Expr::val(which), "which")
        .expr_as(Expr::col(Asterisk).count(), "held")
        .from_subquery(some, "some")
        .to_owned()
}

/// The accounts of this member, or of everybody, each with whether any link acts with it.
///
/// # Errors
/// When the database does not answer.
pub async fn used_accounts(core: &Core, who: &Member) -> Result<BTreeSet<IntegrationUserId>> {
    use crate::db::entity::integration_link::{Column, Entity};
    let accounts = integration_users::usable(core, who).await?;
    let used: Vec<IntegrationUserId> = Entity::of(who.organization)
        .filter(Column::IntegrationUserId.is_in(accounts.iter().map(|row| row.id)))
        .filter(Column::State.ne(LinkState::Removed))
        .select_only()
        .column(Column::IntegrationUserId)
        .distinct()
        .into_tuple()
        .all(core.db.reader())
        .await?;
    Ok(used.into_iter().collect())
}

impl Held {
    /// In a sentence; none when there is nothing.
    pub fn sentence(self) -> Option<String> {
        let counted = |many: u64, one: &str, more: &str| match many {
            0 => None,
            1 => Some(format!("1 {one}")),
            2..=MANY => Some(format!("{many} {more}")),
            _ => Some(format!("more than {MANY} {more}")),
        };
        let parts = [counted(self.hooks, "hook", "hooks"), counted(self.messages, "message", "messages")];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        let (is, goes) = if self.hooks + self.messages == 1 { ("is", "it goes") } else { ("are", "they go") };
        let mut sentence = parts.join(" and ");
        sentence.get_mut(..1)?.make_ascii_uppercase();
        Some(format!("{sentence} {is} kept; {goes} on by {}.", if is == "is" { "itself" } else { "themselves" }))
    }
}

#[cfg(test)]
mod tests {
    use super::Held;

    #[test]
    fn what_is_kept_is_said_in_a_sentence() {
        let said = |hooks, messages| Held { hooks, messages }.sentence();
        assert_eq!(said(0, 0), None);
        assert_eq!(said(3, 2).unwrap(), "3 hooks and 2 messages are kept; they go on by themselves.");
        assert_eq!(said(0, 1).unwrap(), "1 message is kept; it goes on by itself.");
        assert_eq!(said(101, 100).unwrap(), "More than 100 hooks and 100 messages are kept; they go on by themselves.");
    }
}
