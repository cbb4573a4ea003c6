//! The way to a mirror, as far as somebody has come: whose wish it is, what of it was looked up, and which step is next.

use axum::http::StatusCode;
use integration_contract::{CheckedLink, FieldErrors, FormInput, LinkForm};

use super::{
    SIDES,
    connect::Accounts,
    how::How,
    wish::{Step, Wish},
};
use crate::{
    core::{
        Core, Error,
        link_forms::KEPT,
        mirrors::{self, End, NewEnd, NewMirror, Sides},
        partners::Partner,
        people::Member,
        teams,
    },
    db::{
        TeamId,
        entity::{integration_link, mirror::Side, team},
    },
    web::{
        self,
        extract::SignedIn,
        routes::links::{Acting, Refusal, form_of},
    },
};

/// The way, as far as somebody has come.
pub struct Way<'a> {
    /// The tools.
    pub core: &'a Core,
    /// Whose wish it is: somebody who may make mirrors.
    pub member: Member,
    /// What they have chosen.
    pub wish: Wish,
    /// The teams that they can choose from.
    pub teams: Vec<team::Model>,
    /// The partners of both ends.
    pub partners: Sides<&'a Partner>,
    /// The accounts that can be acted with at each, and the one that is.
    pub accounts: Sides<Accounts>,
}

/// A side's part of the partner's form that is asked.
pub struct Asked {
    /// The fields; what a mirror needs is not asked.
    pub form: LinkForm,
    /// Why there are none.
    pub problem: Option<String>,
}

/// Why an end can't be taken.
pub enum Unfit {
    /// The form has to change.
    Refused(Refusal),
    /// The team has this link there, and it keeps something to itself.
    Narrow(Box<integration_link::Model>),
}

impl<'a> Way<'a> {
    /// Looks up what was wished. `None` = the way begins elsewhere, because a partner is not set up.
    pub async fn open(core: &'a Core, who: &SignedIn, mut wish: Wish) -> web::Result<Result<Self, String>> {
        let member = match wish.team {
            Some(team) => teams::find(core, &who.person, team).await?.0,
            None => who.member()?,
        };
        mirrors::must_manage(&member)?;
        if SIDES.into_iter().all(|side| wish.ends.get(side).partner.is_empty()) {
            let offer = core.partners.offers().find(|(_, left, right)| is_ready(left) && is_ready(right));
            let Some((_, left, right)) = offer else { return Ok(Err("/integrations".to_owned())) };
            (wish.ends.left.partner, wish.ends.right.partner) = (left.id().to_owned(), right.id().to_owned());
        }
        let partner = |side: Side| {
            let partner = core.partners.get(&wish.ends.get(side).partner)?;
            partner.integration.items().map(|_| partner).ok_or(Error::NotFound)
        };
        let partners = Sides { left: partner(Side::Left)?, right: partner(Side::Right)? };
        if let Some(missing) = SIDES.into_iter().map(|side| *partners.get(side)).find(|partner| !is_ready(partner)) {
            return Ok(Err(format!("/integrations/{}", missing.id())));
        }
        let teams = teams::visible(core, &member).await?;
        if let [only] = teams.as_slice() {
            wish.team = Some(only.id);
        }
        let accounts = Sides {
            left: Accounts::of(core, &member, partners.left, wish.ends.left.account).await?,
            right: Accounts::of(core, &member, partners.right, wish.ends.right.account).await?,
        };
        Ok(Ok(Self { core, member, wish, teams, partners, accounts }))
    }

    /// The team that was chosen.
    pub fn team(&self) -> Option<&team::Model> {
        self.teams.iter().find(|team| Some(team.id) == self.wish.team)
    }

    /// How both partners are called together.
    pub fn name(&self) -> String {
        format!("{} ↔ {}", self.partners.left.name(), self.partners.right.name())
    }

    /// What was chosen of how; `None` when nothing was that can be used.
    pub fn how(&self) -> Option<How> {
        How::read(self.wish.how.as_ref()?, &self.team()?.time_zone).ok()
    }

    /// Which step is to be shown: the one that was asked for, unless something before it is missing.
    pub async fn step(&self) -> web::Result<Step> {
        let asked = self.wish.at;
        if self.team().is_none() || (asked == Some(Step::Team) && self.teams.len() > 1) {
            return Ok(Step::Team);
        }
        let accounts = SIDES.into_iter().all(|side| self.accounts.get(side).is_chosen());
        if !accounts || asked == Some(Step::Accounts) {
            return Ok(Step::Accounts);
        }
        for side in SIDES {
            if self.wish.ends.get(side).form.is_empty() || asked == Some(Step::Place(side)) {
                let Asked { form, problem } = self.ask(side, &self.wish.ends.get(side).form).await;
                if problem.is_some() || !form.fields.is_empty() {
                    return Ok(Step::Place(side));
                }
            }
        }
        Ok(if self.how().is_none() || asked == Some(Step::How) { Step::How } else { Step::Look })
    }

    fn acting(&self, side: Side) -> Acting {
        Acting { row: self.accounts.get(side).chosen().cloned() }
    }

    /// What a side's partner asks for its link, but for what a mirror needs anyway.
    pub async fn ask(&self, side: Side, typed: &FormInput) -> Asked {
        let partner = self.partners.get(side);
        let (mut form, problem) = form_of(self.core, &self.member, partner, &self.acting(side), typed, KEPT).await;
        let needed = mirrors::form_for(partner, FormInput::default()).unwrap_or_default();
        form.fields.retain(|field| needed.all(field.name).is_empty());
        Asked { form, problem }
    }

    /// Asks a side's partner whether the link can work.
    pub async fn check(&self, side: Side) -> web::Result<Result<CheckedLink, Unfit>> {
        let (partner, team) = (self.partners.get(side), self.team().ok_or(Error::NotFound)?);
        let refused = |refusal| Ok(Err(Unfit::Refused(refusal)));
        let account = match self.acting(side).account(self.core, partner).await {
            Ok(account) => account,
            Err(Error::Partner(error)) => return refused(Refusal::sentence(error.sentence(), StatusCode::BAD_GATEWAY)),
            Err(error) => return Err(error.into()),
        };
        let form = mirrors::form_for(partner, self.wish.ends.get(side).form.clone())?;
        let checked = match partner.integration.check_link(&account, &form).await {
            Ok(checked) => checked,
            Err(why) => return refused(self.speaking(side, Refusal::of(why))),
        };
        let there = mirrors::link_to(self.core, &self.member, team.id, partner, &checked.target).await?;
        match there {
            Some(link) if !mirrors::hears_all(self.core, &link)? => Ok(Err(Unfit::Narrow(Box::new(link)))),
            _ => Ok(Ok(checked)),
        }
    }

    /// Asks both partners; or says which side can't be taken.
    pub async fn check_both(&self) -> web::Result<Result<Sides<CheckedLink>, (Side, Unfit)>> {
        let (left, right) = tokio::try_join!(self.check(Side::Left), self.check(Side::Right))?;
        Ok(match (left, right) {
            (Ok(left), Ok(right)) => Ok(Sides { left, right }),
            (Err(unfit), _) => Err((Side::Left, unfit)),
            (_, Err(unfit)) => Err((Side::Right, unfit)),
        })
    }

    /// What is wrong with a field that is not asked is said above the form.
    fn speaking(&self, side: Side, mut refusal: Refusal) -> Refusal {
        let needed = mirrors::form_for(self.partners.get(side), FormInput::default()).unwrap_or_default();
        let (unasked, asked): (Vec<_>, Vec<_>) =
            refusal.errors.iter().partition(|(name, _)| !needed.all(name).is_empty());
        let said: Vec<_> = unasked.into_iter().map(|(_, sentence)| sentence).collect();
        let mut errors = FieldErrors::default();
        asked.into_iter().for_each(|(name, sentence)| errors.add(name, sentence));
        if !said.is_empty() {
            refusal.problem = Some(said.join(" "));
        }
        refusal.errors = errors;
        refusal
    }

    /// The mirror, as it would be made.
    pub fn new_mirror(&self, team: TeamId, how: How, checked: Sides<CheckedLink>) -> NewMirror {
        let end = |side: Side, checked: CheckedLink| {
            let account = self.accounts.get(side).chosen().map(|row| row.id);
            End::New(Box::new(NewEnd { partner: self.partners.get(side).id().to_owned(), account, checked }))
        };
        NewMirror {
            team,
            left: end(Side::Left, checked.left),
            right: end(Side::Right, checked.right),
            options: how.options,
            since: None,
            backfill: how.backfill,
        }
    }
}

fn is_ready(partner: &Partner) -> bool {
    partner.integration.configured().is_ok()
}
