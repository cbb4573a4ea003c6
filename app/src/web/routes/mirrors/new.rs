//! `/mirrors/new`: the way to a mirror, a step a page. Reading a page changes nothing and sending a step goes on to the next;
//! only the last one makes something. What the pages look like is in `draw`.

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use integration_contract::FormInput;

use super::{
    SIDES,
    draw::{Refused, draw_step},
    how::How,
    path_of, side_of,
    way::{Asked, Unfit, Way},
    wish::{Step, Wish},
};
use crate::{
    core::{
        Core, Error,
        integration_users::Purpose,
        mirrors::{self, Sides},
    },
    db::entity::mirror::Side,
    web::{
        self,
        extract::{Form, SignedIn},
        page::Tone,
        routes::{
            connect::lead,
            links::{Refusal, Sought, Wanted},
            site::SiteField,
        },
    },
};

/// `GET /mirrors/new`
pub async fn draw(State(core): State<Core>, RawQuery(query): RawQuery, who: SignedIn) -> web::Result<Response> {
    let query = query.unwrap_or_default();
    let way = match Way::open(&core, &who, Wish::read(&query)).await? {
        Ok(way) => way,
        Err(elsewhere) => return Ok(Redirect::to(&elsewhere).into_response()),
    };
    let step = way.step().await?;
    if let (Some(sought), Step::Place(side)) = (Sought::read(&query), step) {
        // What else the address says is the way's own.
        let path = way.wish.path();
        let own = Sought::so_far(path.split_once('?').map_or("", |(_, query)| query));
        let of_form = Sought::so_far(&query);
        let of_form = of_form.pairs().filter(|(name, _)| own.all(name).is_empty()).collect();
        let Asked { form, problem } = way.ask(side, &of_form).await;
        return sought.answer(&form, problem);
    }
    draw_step(&who, &way, step, Refused::default()).await
}

/// `POST /mirrors/new`: a step was sent; what was chosen before stands in the address.
pub async fn choose(
    State(core): State<Core>,
    RawQuery(query): RawQuery,
    who: SignedIn,
    Form(form): Form,
) -> web::Result<Response> {
    let wish = Wish { at: None, ..Wish::read(&query.unwrap_or_default()) };
    let way = match Way::open(&core, &who, wish).await? {
        Ok(way) => way,
        Err(elsewhere) => return Ok(Redirect::to(&elsewhere).into_response()),
    };
    if form.one("step") == "connect" {
        return connect(&who, way, &form).await;
    }
    match Step::read(form.one("step")) {
        Some(Step::Team) => choose_team(&who, way, &form).await,
        Some(Step::Accounts) => choose_accounts(&who, way, &form).await,
        Some(Step::Place(side)) => choose_place(&who, way, side, &form).await,
        Some(Step::How) => choose_how(&who, way, &form).await,
        Some(Step::Look) => make(&who, way).await,
        None => Err(Error::field("step", "There is no step of that name.").into()),
    }
}

async fn connect(who: &SignedIn, way: Way<'_>, form: &FormInput) -> web::Result<Response> {
    let side = side_of(form.one("side")).ok_or_else(|| Error::field("side", "There is no side of that name."))?;
    let partner = *way.partners.get(side);
    match SiteField::read(partner, form) {
        Ok(site) => {
            // The one they connect, they mean to act with.
            let mut wish = way.wish.clone();
            wish.ends.get_mut(side).account = None;
            let purpose = Purpose { site, return_to: Some(wish.path()), ..Purpose::default() };
            who.choose(way.member.organization).await?;
            lead(way.core, who, &way.member, partner, purpose).await
        }
        Err(field) => draw_step(who, &way, Step::Accounts, Refused::site(side, *field)).await,
    }
}

async fn choose_team(who: &SignedIn, mut way: Way<'_>, form: &FormInput) -> web::Result<Response> {
    let team = form.one("team").parse().ok().filter(|team| way.teams.iter().any(|one| one.id == *team));
    match team {
        Some(team) => {
            way.wish.team = Some(team);
            Ok(on(&way.wish))
        }
        None => draw_step(who, &way, Step::Team, Refused::of(Refusal::field("team", "Choose a team."))).await,
    }
}

async fn choose_accounts(who: &SignedIn, mut way: Way<'_>, form: &FormInput) -> web::Result<Response> {
    for side in SIDES {
        let accounts = way.accounts.get(side);
        let wished = form.one(&format!("{}_account", super::word(side))).parse().ok().filter(|id| accounts.has(*id));
        if wished.is_none() && !accounts.is_chosen() {
            let refusal = Refusal::sentence("Choose an account on both sides.", StatusCode::UNPROCESSABLE_ENTITY);
            return draw_step(who, &way, Step::Accounts, Refused::of(refusal)).await;
        }
        if wished.is_some() {
            way.wish.ends.get_mut(side).account = wished;
        }
    }
    Ok(on(&way.wish))
}

async fn choose_place(who: &SignedIn, mut way: Way<'_>, side: Side, form: &FormInput) -> web::Result<Response> {
    if way.team().is_none() || !way.accounts.get(side).is_chosen() {
        return Ok(on(&way.wish));
    }
    let of_host = |name: &str| matches!(name, "csrf" | "step" | "widen" | "action");
    let (form, redrawn) = match Wanted::of(form) {
        Wanted::Redraw(chosen) => (chosen, true),
        Wanted::Sent => (form.clone(), false),
    };
    way.wish.ends.get_mut(side).form = form.pairs().filter(|(name, _)| !of_host(name)).collect();
    if redrawn {
        return draw_step(who, &way, Step::Place(side), Refused::searching(form.one("action"))).await;
    }
    let refused = match way.check(side).await? {
        Ok(_) => return Ok(on(&way.wish)),
        Err(Unfit::Refused(refusal)) => Refused::of(refusal),
        Err(narrow @ Unfit::Narrow(_)) if form.one("widen").is_empty() => Refused::unfit(narrow),
        Err(Unfit::Narrow(link)) => match mirrors::widen(way.core, &way.member, &link).await {
            Ok(()) => return Ok(on(&way.wish)),
            Err(Error::Conflict(sentence)) => {
                Refused::of(Refusal::sentence(sentence, StatusCode::UNPROCESSABLE_ENTITY))
            }
            Err(Error::Partner(error)) => Refused::of(Refusal::sentence(error.sentence(), StatusCode::BAD_GATEWAY)),
            Err(error) => return Err(error.into()),
        },
    };
    draw_step(who, &way, Step::Place(side), refused).await
}

async fn choose_how(who: &SignedIn, mut way: Way<'_>, form: &FormInput) -> web::Result<Response> {
    let zone = way.team().map_or_else(String::new, |team| team.time_zone.clone());
    match How::read(form, &zone) {
        Ok(how) => {
            way.wish.how = Some(how.form(form));
            Ok(on(&way.wish))
        }
        Err(errors) => {
            way.wish.how = Some(form.pairs().filter(|(name, _)| How::FIELDS.contains(name)).collect());
            let refusal = Refusal { errors, status: StatusCode::UNPROCESSABLE_ENTITY, ..Refusal::default() };
            draw_step(who, &way, Step::How, Refused::of(refusal)).await
        }
    }
}

/// The last step: everything is asked for once more, for the address may say anything.
async fn make(who: &SignedIn, way: Way<'_>) -> web::Result<Response> {
    if way.step().await? != Step::Look {
        return Ok(on(&way.wish));
    }
    let (Some(team), Some(how)) = (way.team().map(|team| team.id), way.how()) else { return Ok(on(&way.wish)) };
    let checked = match way.check_both().await? {
        Ok(checked) => checked,
        Err((side, unfit)) => return draw_step(who, &way, Step::Place(side), Refused::unfit(unfit)).await,
    };
    let places = Sides { left: checked.left.target.clone(), right: checked.right.target.clone() };
    match mirrors::make(way.core, &way.member, way.new_mirror(team, how, checked)).await {
        Ok(mirror) => {
            who.flash(Tone::Good, "Saved. Both sides are being set up.").await?;
            Ok(Redirect::to(&path_of(&mirror)).into_response())
        }
        Err(Error::Conflict(sentence)) => {
            let places = [(way.partners.left, places.left.as_str()), (way.partners.right, places.right.as_str())];
            if let Some(made) = mirrors::just_made(way.core, &way.member, team, places).await? {
                return Ok(Redirect::to(&path_of(&made)).into_response());
            }
            let refusal = Refusal::sentence(sentence, StatusCode::UNPROCESSABLE_ENTITY);
            draw_step(who, &way, Step::Look, Refused::of(refusal)).await
        }
        Err(error) => Err(error.into()),
    }
}

/// On to whatever is next.
fn on(wish: &Wish) -> Response {
    Redirect::to(&Wish { at: None, ..wish.clone() }.path()).into_response()
}
