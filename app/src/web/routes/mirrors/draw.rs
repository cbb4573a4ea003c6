//! The pages of the way to a mirror: the steps in their order, with what was said at those before, and what this one asks.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use integration_contract::{FieldErrors, FormInput, LinkForm};

use super::{
    SIDES,
    connect::AccountPart,
    how::{How, creators},
    look::Seen,
    settings_path,
    way::{Asked, Unfit, Way},
    wish::{Step, Wish},
};
use crate::{
    core::{
        Error,
        mirrors::{self, MOST_BACKFILLED},
    },
    db::{TeamId, entity::mirror::Side},
    web::{
        self,
        extract::SignedIn,
        page::{Page, Place},
        routes::{
            links::{Combos, Refusal, link_path},
            site::SiteField,
        },
    },
};

#[derive(Template)]
#[template(path = "mirrors/new.html")]
struct WayPage {
    page: Page,
    left: PartnerHead,
    right: PartnerHead,
    /// The page of this mirror's offer, or else the catalogue.
    back: (String, String),
    /// What was chosen so far, as an address: where each form is sent to.
    here: String,
    lines: Vec<StepLine>,
    problem: Option<String>,
}

/// A partner by its picture and name.
struct PartnerHead {
    id: &'static str,
    name: &'static str,
}

/// A step in the list of steps.
struct StepLine {
    title: &'static str,
    /// What was chosen there.
    said: Option<String>,
    /// Where it is chosen again.
    again: Option<String>,
    /// What is asked, when it is this step's turn.
    content: Option<Content>,
}

/// What a step asks.
enum Content {
    /// There is nobody to make a mirror for.
    NoTeam,
    /// For whom.
    Team { teams: Vec<(TeamId, String)>, team: Option<TeamId>, errors: FieldErrors },
    /// With which accounts.
    Accounts { sides: Vec<AccountPart>, to_choose: bool, all: bool },
    /// Where.
    Place { side: &'static str, form: LinkForm, combos: Combos, errors: FieldErrors, narrow: Option<Narrow> },
    /// How.
    How { form: FormInput, creators: [(&'static str, String); 4], errors: FieldErrors, most: u32, zone: String },
    /// What comes of it.
    Look { seen: Option<[Seen; 2]> },
}

/// A link that the team has, and that does not bring enough.
struct Narrow {
    name: String,
    path: String,
}

/// What in a step that was sent can't be used.
#[derive(Default)]
pub struct Refused {
    refusal: Refusal,
    /// The field for a partner's site, as it was sent.
    site: Option<(Side, SiteField)>,
    narrow: Option<Narrow>,
    /// The button of the form that wants it drawn again.
    action: String,
}

impl Refused {
    /// Nothing is wrong: somebody looks for something in a field.
    pub fn searching(action: &str) -> Self {
        Self { action: action.to_owned(), ..Self::default() }
    }

    /// What can be typed otherwise.
    pub fn of(refusal: Refusal) -> Self {
        Self { refusal, ..Self::default() }
    }

    /// What was typed as the address at a side's partner is none.
    pub fn site(side: Side, field: SiteField) -> Self {
        let refusal = Refusal { status: StatusCode::UNPROCESSABLE_ENTITY, ..Refusal::default() };
        Self { refusal, site: Some((side, field)), ..Self::default() }
    }

    /// Why an end can't be taken.
    pub fn unfit(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Refused(refusal) => Self::of(refusal),
            Unfit::Narrow(link) => Self {
                refusal: Refusal { status: StatusCode::UNPROCESSABLE_ENTITY, ..Refusal::default() },
                narrow: Some(Narrow { name: link.name.clone(), path: link_path(&link) }),
                ..Self::default()
            },
        }
    }
}

/// Draws a step of the way, with what was wrong with it when it was sent.
///
/// # Errors
/// When the database does not answer.
pub async fn draw_step(who: &SignedIn, way: &Way<'_>, step: Step, refused: Refused) -> web::Result<Response> {
    let Refused { refusal: Refusal { errors, mut problem, status }, site, narrow, action } = refused;
    let content = match step {
        Step::Team if way.teams.is_empty() => Content::NoTeam,
        Step::Team => {
            let teams = way.teams.iter().map(|team| (team.id, team.name.clone())).collect();
            Content::Team { teams, team: way.wish.team, errors }
        }
        Step::Accounts => accounts(way, site),
        Step::Place(side) => {
            let asked = way.ask(side, &way.wish.ends.get(side).form).await;
            let Asked { mut form, problem: trouble } = asked;
            problem = problem.or(trouble);
            let mut so_far = way.wish.ends.get(side).form.clone();
            so_far.push("action", action);
            let combos = Combos::narrowing(&mut form, &so_far, served_at(way, side));
            Content::Place { side: super::word(side), form, combos, errors, narrow }
        }
        Step::How => {
            let (left, right) = (way.partners.left.name(), way.partners.right.name());
            let zone = way.team().map_or_else(String::new, |team| team.time_zone.clone());
            let form = way.wish.how.clone().unwrap_or_else(How::suggested);
            Content::How { form, creators: creators(left, right), errors, most: MOST_BACKFILLED, zone }
        }
        Step::Look => {
            let mut seen = None;
            if problem.is_none() {
                match look(way).await? {
                    Looked::Ahead(ahead) => seen = Some(ahead),
                    Looked::Joined(sentence) => problem = Some(sentence),
                    // What was fine when it was chosen may not be any more.
                    Looked::Unfit(side, mut refused) => {
                        refused.refusal.status = StatusCode::OK;
                        return Box::pin(draw_step(who, way, Step::Place(side), refused)).await;
                    }
                }
            }
            Content::Look { seen }
        }
    };
    let page = who.page("New mirror").await?.at(Place::Integrations);
    let head = |side: Side| PartnerHead { id: way.partners.get(side).id(), name: way.partners.get(side).name() };
    let answer = WayPage {
        page,
        left: head(Side::Left),
        right: head(Side::Right),
        back: back(way),
        here: sent_from(way, step),
        lines: lines(way, step, content),
        problem,
    };
    web::page::draw(status, &answer)
}

/// Where a step's form is sent to: all that was chosen before, without what stands in the form itself.
fn sent_from(way: &Way<'_>, step: Step) -> String {
    let mut wish = Wish { at: None, ..way.wish.clone() };
    match step {
        Step::Place(side) => wish.ends.get_mut(side).form = FormInput::default(),
        Step::How => wish.how = None,
        Step::Team | Step::Accounts | Step::Look => {}
    }
    wish.path()
}

/// Where the choices of a side's form are served: the step itself.
fn served_at(way: &Way<'_>, side: Side) -> String {
    let mut wish = Wish { at: Some(Step::Place(side)), ..way.wish.clone() };
    wish.ends.get_mut(side).form = FormInput::default();
    wish.path()
}

/// The steps in their order, with what was said at those before this one.
fn lines(way: &Way<'_>, step: Step, content: Content) -> Vec<StepLine> {
    let number = |step: Step| match step {
        Step::Team => 0,
        Step::Accounts => 1,
        Step::Place(_) => 2,
        Step::How => 3,
        Step::Look => 4,
    };
    let place = match step {
        Step::Place(side) => Step::Place(side),
        _ => {
            Step::Place(SIDES.into_iter().find(|&side| !way.wish.ends.get(side).form.is_empty()).unwrap_or(Side::Left))
        }
    };
    let mut steps = vec![Step::Accounts, place, Step::How, Step::Look];
    if way.teams.len() != 1 {
        steps.insert(0, Step::Team);
    }
    let mut content = Some(content);
    let line = |one: Step| {
        let is_before = number(one) < number(step);
        // Of two places, one was chosen.
        let is_half_done = one == step && step == Step::Place(Side::Right) && !way.wish.ends.left.form.is_empty();
        StepLine {
            title: match one {
                Step::Team => "For which team",
                Step::Accounts => "Connect both accounts",
                Step::Place(_) => "Choose what is joined",
                Step::How => "Say what is done",
                Step::Look => "Look at it, and save",
            },
            said: match (is_before, is_half_done) {
                (true, _) => said(way, one),
                (_, true) => Some(typed(way, &[Side::Left])),
                _ => None,
            },
            again: match (is_before, is_half_done) {
                (true, _) => Some(way.wish.path_at(one)),
                (_, true) => Some(way.wish.path_at(Step::Place(Side::Left))),
                _ => None,
            },
            content: if one == step { content.take() } else { None },
        }
    };
    steps.into_iter().map(line).collect()
}

/// What was chosen at a step, in a line.
fn said(way: &Way<'_>, step: Step) -> Option<String> {
    let said = match step {
        Step::Team => way.team()?.name.clone(),
        Step::Accounts => {
            let of_side = |side: Side| {
                let name = way.accounts.get(side).chosen()?.account_name.clone();
                Some(format!("{name} at {}", way.partners.get(side).name()))
            };
            SIDES.into_iter().filter_map(of_side).collect::<Vec<_>>().join(", ")
        }
        Step::Place(_) => typed(way, &SIDES),
        Step::How => {
            let (left, right) = (way.partners.left.name(), way.partners.right.name());
            way.how()?.sentences(left, right).join(" ")
        }
        Step::Look => return None,
    };
    (!said.is_empty()).then_some(said)
}

/// What was typed into the forms of these sides' partners.
fn typed(way: &Way<'_>, sides: &[Side]) -> String {
    let values = sides.iter().flat_map(|side| way.wish.ends.get(*side).form.pairs());
    values.map(|(_, value)| value).filter(|value| !value.is_empty()).collect::<Vec<_>>().join(", ")
}

fn accounts(way: &Way<'_>, refused: Option<(Side, SiteField)>) -> Content {
    let mut refused = refused;
    let part = |side: Side| {
        let site = refused.take_if(|(of, _)| *of == side).map(|(_, field)| field);
        AccountPart::of(side, way.partners.get(side), way.accounts.get(side), site)
    };
    let sides: Vec<_> = SIDES.into_iter().map(part).collect();
    let to_choose = sides.iter().any(|part| part.accounts.len() > 1);
    let all = sides.iter().all(|part| !part.needed || !part.accounts.is_empty());
    Content::Accounts { sides, to_choose, all }
}

/// What looking ahead came to.
enum Looked {
    /// This would be done.
    Ahead([Seen; 2]),
    /// The two can't be joined.
    Joined(String),
    /// This side can't be taken.
    Unfit(Side, Refused),
}

async fn look(way: &Way<'_>) -> web::Result<Looked> {
    let (Some(team), Some(how)) = (way.team().map(|team| team.id), way.how()) else {
        return Err(Error::NotFound.into());
    };
    let checked = match way.check_both().await? {
        Ok(checked) => checked,
        Err((side, unfit)) => return Ok(Looked::Unfit(side, Refused::unfit(unfit))),
    };
    match mirrors::preview(way.core, &way.member, &way.new_mirror(team, how, checked)).await {
        Ok(preview) => Ok(Looked::Ahead(Seen::both(preview))),
        Err(Error::Conflict(sentence)) => Ok(Looked::Joined(sentence)),
        Err(error) => Err(error.into()),
    }
}

/// Where the way came from, as a rule: its offer, the team's settings, or the catalogue.
fn back(way: &Way<'_>) -> (String, String) {
    let ids = (way.partners.left.id(), way.partners.right.id());
    let offer = way.core.partners.offers().find(|(offer, _, _)| (offer.left, offer.right) == ids);
    match (offer, way.wish.team.filter(|_| way.teams.len() > 1)) {
        (Some((offer, _, _)), _) => (super::offer::path_of(offer), way.name()),
        (None, Some(team)) => (settings_path(team), "Team settings".to_owned()),
        (None, None) => ("/integrations".to_owned(), "Integrations".to_owned()),
    }
}
