//! The ends of a mirror: which links they are or would be, which may be joined, and what copies are called between them.

use std::collections::{BTreeSet, HashSet};

use integration_contract::CheckedLink;
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{settings::Naming, values::Sides};
use crate::{
    core::{Core, Error, Result, integration_links, partners::Partner},
    db::{
        IntegrationUserId, LinkId, MirrorId, OrganizationId, TeamId,
        entity::{
            Tenant,
            integration_link::{self, LinkLevel},
            mirror::{Column, Entity, MirrorState, Side},
            mirror_pair,
        },
    },
};

/// One end of a mirror.
#[derive(Clone)]
pub enum End {
    /// A link that the team has.
    Link(LinkId),
    /// A link that is made for the mirror, and goes with it. Where the team has one to the same target, that is taken.
    New(Box<NewEnd>),
}

/// A link that is made for a mirror.
#[derive(Clone)]
pub struct NewEnd {
    /// The partner's id.
    pub partner: String,
    /// The account it acts with.
    pub account: Option<IntegrationUserId>,
    /// What the partner made of its form.
    pub checked: CheckedLink,
}

/// What an end comes to.
pub(super) enum Found<'a> {
    /// The team has this link.
    There(Box<integration_link::Model>),
    /// This one would have to be made.
    Not(&'a Partner, integration_links::NewLink),
}

/// Looks for the link of an end.
pub(super) async fn find<'a>(
    core: &'a Core,
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    team: TeamId,
    end: End,
) -> Result<Found<'a>> {
    use integration_link::Column as Of;
    let of_team =
        integration_link::Entity::of(organization).filter(Of::TeamId.eq(team)).filter(Of::Level.eq(LinkLevel::Team));
    let new = match end {
        End::Link(id) => {
            let link = of_team.filter(Of::Id.eq(id)).one(db).await?;
            let link = link.filter(integration_links::lives).ok_or(Error::NotFound)?;
            must_have_items(core, &link.partner)?;
            return Ok(Found::There(Box::new(link)));
        }
        End::New(new) => *new,
    };
    let partner = must_have_items(core, &new.partner)?;
    let there = of_team.filter(Of::Partner.eq(partner.id())).filter(Of::LiveTarget.eq(&new.checked.target));
    Ok(match there.one(db).await? {
        Some(link) => Found::There(Box::new(link)),
        None => {
            let (account, checked) = (new.account, new.checked);
            Found::Not(partner, integration_links::NewLink { level: LinkLevel::Team, team, account, checked })
        }
    })
}

fn must_have_items<'a>(core: &'a Core, partner: &str) -> Result<&'a Partner> {
    let partner = core.partners.get(partner)?;
    if partner.integration.items().is_none() {
        return Err(Error::Conflict(format!("{} has nothing that could be mirrored.", partner.name())));
    }
    Ok(partner)
}

/// A place at a partner, whichever link leads there.
type Spot = (String, String);

fn spot(link: &integration_link::Model) -> Spot {
    (link.partner.clone(), link.target.clone())
}

/// What the mirrors of an organization join, or joined before they were removed.
pub(super) struct Joined(Vec<(MirrorId, MirrorState, Spot, Spot)>);

impl Joined {
    pub async fn load(db: &impl ConnectionTrait, organization: OrganizationId) -> Result<Self> {
        let mirrors = Entity::of(organization).order_by_asc(Column::Id).all(db).await?;
        let links = super::links_of(db, organization, &mirrors).await?;
        let joined = mirrors.into_iter().filter_map(|mirror| {
            let (left, right) = (links.get(&mirror.left_link)?, links.get(&mirror.right_link)?);
            Some((mirror.id, mirror.state, spot(left), spot(right)))
        });
        Ok(Self(joined.collect()))
    }

    /// Two places that are joined already, by however many mirrors, would have what is written in one go round in a circle.
    ///
    /// # Errors
    /// [`Error::Conflict`] with a sentence.
    pub fn let_join(&self, sides: &Sides<integration_link::Model>) -> Result<()> {
        let (left, right) = (spot(&sides.left), spot(&sides.right));
        if left == right {
            return Err(Error::Conflict("A mirror joins two different places.".into()));
        }
        let living = self.0.iter().filter(|(_, state, _, _)| super::LIVING.contains(state));
        let joins: Vec<(&Spot, &Spot)> = living.map(|(_, _, left, right)| (left, right)).collect();
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
    pub fn naming(&self, core: &Core, sides: &Sides<integration_link::Model>) -> Sides<Naming> {
        let named = |from: &integration_link::Model, to: &integration_link::Model| {
            let abbreviation = short(core, &from.partner);
            let (origin, place) = (spot(from), spot(to));
            let is_rival =
                |one: &Spot, other: &Spot| *other == place && *one != origin && short(core, &one.0) == abbreviation;
            let is_only = !self.0.iter().any(|(_, _, one, other)| is_rival(one, other) || is_rival(other, one));
            Naming::new(abbreviation, &from.target, is_only)
        };
        Sides { left: named(&sides.left, &sides.right), right: named(&sides.right, &sides.left) }
    }

    /// Which of a side's items have a copy, or are one, by any mirror that joins or joined these two places.
    pub async fn paired(
        &self,
        db: &impl ConnectionTrait,
        sides: &Sides<integration_link::Model>,
        side: Side,
        items: &[&str],
    ) -> Result<HashSet<String>> {
        use mirror_pair::Column as Of;
        let (here, there) = (spot(sides.get(side)), spot(sides.get(side.other())));
        let mut paired = HashSet::new();
        for (mirror, _, left, right) in &self.0 {
            let side = match (left, right) {
                (left, right) if (left, right) == (&here, &there) => Side::Left,
                (left, right) if (left, right) == (&there, &here) => Side::Right,
                _ => continue,
            };
            let pairs = mirror_pair::Entity::of(sides.left.organization_id)
                .filter(Of::MirrorId.eq(*mirror))
                .filter(Of::item(side).is_in(items.iter().copied()))
                .filter(Of::item(side.other()).is_not_null());
            let named = pairs.select_only().column(Of::item(side)).into_tuple::<String>();
            paired.extend(named.all(db).await?);
        }
        Ok(paired)
    }
}

fn short(core: &Core, partner: &str) -> &'static str {
    let items = core.partners.get(partner).ok().and_then(|partner| partner.integration.items());
    items.map_or("", |items| items.short())
}
