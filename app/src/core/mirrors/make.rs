//! Making a mirror: two links are joined, and made before where they are not there yet, in one commit.

use std::collections::BTreeSet;

use integration_contract::CheckedLink;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::LockType,
};

use super::{
    fit::hears_all,
    must_manage,
    settings::{Naming, Options, Settings},
    values::Sides,
};
use crate::{
    core::{Core, Error, Result, integration_links, organizations, partners::Partner, people::Member, teams},
    db::{
        IntegrationUserId, LinkId, MirrorId, OrganizationId, TeamId,
        entity::{
            Tenant,
            integration_link::{self, LinkLevel},
            mirror::{Entity, MirrorState, Model},
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
}

/// One end of a mirror.
pub enum End {
    /// A link that the team has.
    Link(LinkId),
    /// A link that is made for the mirror, and goes with it. Where the team has one to the same target, that is taken.
    New(Box<NewEnd>),
}

/// A link that is made for a mirror.
pub struct NewEnd {
    /// The partner's id.
    pub partner: String,
    /// The account it acts with.
    pub account: Option<IntegrationUserId>,
    /// What the partner made of its form.
    pub checked: CheckedLink,
}

/// Joins two links. Those that are new are set up at their partners by jobs, as any other link.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::NotFound`] for a team or link that is not there; [`Error::Conflict`] with a sentence when
/// the two can't be joined.
pub async fn make(core: &Core, who: &Member, new: NewMirror) -> Result<Model> {
    must_manage(who)?;
    let NewMirror { team, left, right, options, since } = new;
    let made = core
        .db
        .write(async |tx| {
            let who = organizations::standing(tx, who).await?;
            must_manage(&who)?;
            teams::must_exist(tx, who.organization, team).await?;
            let making = Making { core, tx, who: &who, team };
            // Of two mirrors that are made at once, one sees the other.
            making.hold_organization().await?;
            let (left, made_left) = making.end(left).await?;
            let (right, made_right) = making.end(right).await?;
            let sides = Sides { left, right };
            making.must_be_joinable(&sides).await?;
            let naming = making.naming(&sides).await?;
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
            Ok::<_, Error>(mirror.into_active_model().insert(tx).await?)
        })
        .await?;
    core.queue.wake();
    Ok(made)
}

struct Making<'a> {
    core: &'a Core,
    tx: &'a DatabaseTransaction,
    who: &'a Member,
    team: TeamId,
}

/// A place at a partner, whichever link leads there.
type Spot = (String, String);

fn spot(link: &integration_link::Model) -> Spot {
    (link.partner.clone(), link.target.clone())
}

impl Making<'_> {
    fn organization(&self) -> OrganizationId {
        self.who.organization
    }

    async fn hold_organization(&self) -> Result<()> {
        use sea_orm::EntityTrait;
        let row = organization::Entity::find_by_id(self.organization()).lock(LockType::NoKeyUpdate);
        row.one(self.tx).await?.map(|_| ()).ok_or(Error::NotFound)
    }

    /// The link, and whether it was made just now.
    async fn end(&self, end: End) -> Result<(integration_link::Model, bool)> {
        use integration_link::Column as Of;
        let of_team = integration_link::Entity::of(self.organization())
            .filter(Of::TeamId.eq(self.team))
            .filter(Of::Level.eq(LinkLevel::Team));
        let new = match end {
            End::Link(id) => {
                let link = of_team.filter(Of::Id.eq(id)).one(self.tx).await?;
                let link = link.filter(integration_links::lives).ok_or(Error::NotFound)?;
                self.must_have_items(&link.partner)?;
                self.must_hear_all(&link)?;
                return Ok((link, false));
            }
            End::New(new) => *new,
        };
        let partner = self.must_have_items(&new.partner)?;
        let there = of_team.filter(Of::Partner.eq(partner.id())).filter(Of::LiveTarget.eq(&new.checked.target));
        if let Some(link) = there.one(self.tx).await? {
            self.must_hear_all(&link)?;
            return Ok((link, false));
        }
        let new = integration_links::NewLink {
            level: LinkLevel::Team,
            team: self.team,
            account: new.account,
            checked: new.checked,
        };
        Ok((integration_links::create_in(self.core, self.tx, self.who, partner, new).await?, true))
    }

    /// A link that keeps something to itself would leave the other side behind, without a word.
    fn must_hear_all(&self, link: &integration_link::Model) -> Result<()> {
        match hears_all(self.core, link)? {
            true => Ok(()),
            false => Err(Error::Conflict(format!(
                "The team's link to {} does not bring all that happens to its items, such as comments. Switch it on in the \
                 settings of that link first.",
                link.name
            ))),
        }
    }

    fn must_have_items(&self, partner: &str) -> Result<&Partner> {
        let partner = self.core.partners.get(partner)?;
        if partner.integration.items().is_none() {
            return Err(Error::Conflict(format!("{} has nothing that could be mirrored.", partner.name())));
        }
        Ok(partner)
    }

    /// Two places that are joined already, by however many mirrors, would have what is written in one go round in a circle.
    async fn must_be_joinable(&self, sides: &Sides<integration_link::Model>) -> Result<()> {
        let (left, right) = (spot(&sides.left), spot(&sides.right));
        if left == right {
            return Err(Error::Conflict("A mirror joins two different places.".into()));
        }
        let mirrors = self.mirrors().await?;
        let living = mirrors.iter().filter(|(state, _, _)| super::LIVING.contains(state));
        let joins: Vec<(&Spot, &Spot)> = living.map(|(_, left, right)| (left, right)).collect();
        let mut reached = BTreeSet::from([&left]);
        loop {
            let before = reached.len();
            for (one, other) in &joins {
                if reached.contains(one) || reached.contains(other) {
                    reached.extend([*one, *other]);
                }
            }
            if reached.len() == before {
                break;
            }
        }
        if reached.contains(&right) {
            let (left, right) = (&sides.left.name, &sides.right.name);
            return Err(Error::Conflict(format!(
                "{left} and {right} are joined already, by one mirror or by several. A second way between them would send \
                 everything round in a circle."
            )));
        }
        Ok(())
    }

    /// What copies are called: briefly, unless two places' could be called the same. Mirrors that were removed count too:
    /// the copies that they made are still there.
    async fn naming(&self, sides: &Sides<integration_link::Model>) -> Result<Sides<Naming>> {
        let mirrors = self.mirrors().await?;
        let named = |from: &integration_link::Model, to: &integration_link::Model| {
            let short = self.short(&from.partner);
            let (origin, place) = (spot(from), spot(to));
            let is_rival = |one: &Spot, other: &Spot| *other == place && *one != origin && self.short(&one.0) == short;
            let is_only = !mirrors.iter().any(|(_, one, other)| is_rival(one, other) || is_rival(other, one));
            Naming::new(short, &from.target, is_only)
        };
        Ok(Sides { left: named(&sides.left, &sides.right), right: named(&sides.right, &sides.left) })
    }

    fn short(&self, partner: &str) -> &'static str {
        let items = self.core.partners.get(partner).ok().and_then(|partner| partner.integration.items());
        items.map_or("", |items| items.short())
    }

    /// What the organization's mirrors join, or joined.
    async fn mirrors(&self) -> Result<Vec<(MirrorState, Spot, Spot)>> {
        let mirrors = Entity::of(self.organization()).order_by_asc(super::Column::Id).all(self.tx).await?;
        let mut joined = Vec::new();
        for mirror in mirrors {
            let links = super::links(self.tx, &mirror).await?;
            if let (Some(left), Some(right)) = (links.left, links.right) {
                joined.push((mirror.state, spot(&left), spot(&right)));
            }
        }
        Ok(joined)
    }
}
