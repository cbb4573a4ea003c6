//! `/teams/{team}/settings`: its name and time zone, who is in it, what it is linked to, and the end of it.
//!
//! Who is in the team sees the page; the organization's admins and owners also see the controls.

use std::collections::HashSet;

use askama::Template;
use axum::{
    extract::{Query, State},
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use integration_contract::{FieldErrors, text::without_nul};
use serde::Deserialize;

use crate::{
    core::{
        self, Core, deletions, entries,
        integration_links::{self, Listing, Wanted},
        mail::digest,
        mirrors, organizations,
        people::Member,
        teams::{self, NewTeam, zone_names},
    },
    db::{
        TeamId, UserId,
        entity::{member::Role, team, user},
    },
    web::{
        Result,
        extract::{Form, Path, SignedIn},
        page::{Page, Place, Tone, draw},
        routes::{links::Row, mirrors::Row as MirrorRow},
    },
};

#[derive(Template)]
#[template(path = "teams/settings.html")]
struct SettingsPage {
    page: Page,
    member: Member,
    team: team::Model,
    /// What stands in the fields.
    typed: NewTeam,
    zones: &'static [String],
    /// Each with the role in the organization.
    members: Vec<(user::Model, Role)>,
    /// Members of the organization who are not in the team.
    others: Vec<user::Model>,
    /// What the team is linked to.
    links: Links,
    /// Which of its links are kept in step, the last few removed ones included.
    mirrors: Vec<MirrorRow>,
    digest: digest::Setting,
    /// Whether the one who looks is in the team.
    in_team: bool,
    sends_mail: bool,
    /// What would go with the team, for who may delete it.
    goes: Option<deletions::team::Counts>,
    /// What was typed to confirm that.
    typed_team_name: String,
    errors: FieldErrors,
}

impl SettingsPage {
    /// Each hour as it is read, and whether it is chosen.
    fn hours(&self) -> Vec<(u8, String, bool)> {
        (0..24).map(|hour| (hour, format!("{hour:02}:00"), self.digest.hour == Some(hour))).collect()
    }

    fn base(&self) -> String {
        format!("/teams/{}", self.team.id)
    }
}

/// A page of the team's links, the last few removed ones included.
struct Links {
    rows: Vec<Row>,
    /// Whether there are so many that somebody would rather search.
    many: bool,
    fit: u64,
    /// What was searched for.
    name: String,
    page: u64,
    pages: u64,
    /// The addresses of the pages before and after this one.
    before: Option<String>,
    after: Option<String>,
}

impl Links {
    fn of(rows: Vec<Row>, listing: &Listing, wanted: Wanted, here: &str) -> Self {
        let address = |page: u64| {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            if !wanted.name.is_empty() {
                query.append_pair("find", &wanted.name);
            }
            query.append_pair("page", &page.to_string());
            format!("{here}?{}#links", query.finish())
        };
        Self {
            rows,
            many: listing.all > integration_links::PAGE,
            fit: listing.fit,
            page: listing.page,
            pages: listing.pages,
            before: (listing.page > 1).then(|| address(listing.page - 1)),
            after: (listing.page < listing.pages).then(|| address(listing.page + 1)),
            name: wanted.name,
        }
    }
}

/// What of the page is asked for.
#[derive(Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    find: String,
    #[serde(default)]
    page: String,
}

impl Asked {
    fn links(self) -> Wanted {
        Wanted { name: without_nul(self.find.trim()), page: self.page.parse().unwrap_or(1) }
    }
}

/// `GET /teams/{team}/settings`
pub async fn show(
    State(core): State<Core>,
    who: SignedIn,
    Path(id): Path<TeamId>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let (member, team) = teams::find(&core, &who.person, id).await?;
    let shown = Shown { links: asked.links(), ..Shown::default() };
    draw_settings(&core, &who, member, team, StatusCode::OK, shown).await
}

/// `GET /teams/{team}/members` and `…/delete`: both stand on the settings page.
pub async fn back(State(core): State<Core>, who: SignedIn, Path(id): Path<TeamId>) -> Result<Redirect> {
    teams::find(&core, &who.person, id).await?;
    Ok(to_settings(id))
}

/// `POST /teams/{team}/settings`
pub async fn change(
    State(core): State<Core>,
    who: SignedIn,
    Path(id): Path<TeamId>,
    Form(input): Form,
) -> Result<Response> {
    let (member, team) = teams::find(&core, &who.person, id).await?;
    let typed = NewTeam { name: input.one("name").to_owned(), time_zone: input.one("time_zone").to_owned() };
    match teams::change(&core, &member, id, typed.clone()).await {
        Ok(()) => {
            who.flash(Tone::Good, "The team is changed.").await?;
            Ok(to_settings(id).into_response())
        }
        Err(core::Error::Invalid(errors)) => {
            let shown = Shown { typed: Some(typed), errors, ..Shown::default() };
            draw_settings(&core, &who, member, team, StatusCode::UNPROCESSABLE_ENTITY, shown).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /teams/{team}/members`
pub async fn add_member(
    State(core): State<Core>,
    who: SignedIn,
    Path(id): Path<TeamId>,
    Form(input): Form,
) -> Result<Response> {
    let (member, team) = teams::find(&core, &who.person, id).await?;
    let added = match input.one("user").parse::<UserId>() {
        Ok(user) => teams::add_member(&core, &member, id, user).await,
        Err(_) => member.must_be_admin("add people to teams").and(Err(core::Error::field("user", "Choose a person."))),
    };
    match added {
        Ok(()) => {
            who.flash(Tone::Good, "They are in the team now.").await?;
            Ok(to_settings(id).into_response())
        }
        Err(core::Error::Invalid(errors)) => {
            let shown = Shown { errors, ..Shown::default() };
            draw_settings(&core, &who, member, team, StatusCode::UNPROCESSABLE_ENTITY, shown).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /teams/{team}/members/{user}/remove`
pub async fn remove_member(
    State(core): State<Core>,
    who: SignedIn,
    Path((id, user)): Path<(TeamId, UserId)>,
    _form: Form,
) -> Result<Redirect> {
    let (member, _) = teams::find(&core, &who.person, id).await?;
    teams::remove_member(&core, &member, id, user).await?;
    who.flash(Tone::Good, "They are no longer in the team.").await?;
    Ok(to_settings(id))
}

/// `POST /teams/{team}/leave`
pub async fn leave(State(core): State<Core>, who: SignedIn, Path(id): Path<TeamId>, _form: Form) -> Result<Redirect> {
    let (member, team) = teams::find(&core, &who.person, id).await?;
    teams::remove_member(&core, &member, id, member.user).await?;
    who.flash(Tone::Good, format!("You left the team {}.", team.name)).await?;
    Ok(Redirect::to("/"))
}

/// `POST /teams/{team}/delete`
pub async fn delete(
    State(core): State<Core>,
    who: SignedIn,
    Path(id): Path<TeamId>,
    Form(input): Form,
) -> Result<Response> {
    let (member, team) = match teams::find(&core, &who.person, id).await {
        Ok(found) => found,
        Err(core::Error::NotFound) => return was_deleted(&core, &who, id).await,
        Err(error) => return Err(error.into()),
    };
    let typed_team_name = input.one("team_name").to_owned();
    match deletions::team::begin(&core, &member, id, &typed_team_name).await {
        Ok(()) => {
            let sentence = format!("{} is deleted. What is undone for it at partners stands below.", team.name);
            who.flash(Tone::Good, sentence).await?;
            Ok(to_teams(&member).into_response())
        }
        Err(core::Error::Invalid(errors)) => {
            let shown = Shown { typed_team_name, errors, ..Shown::default() };
            draw_settings(&core, &who, member, team, StatusCode::UNPROCESSABLE_ENTITY, shown).await
        }
        // Somebody else was quicker.
        Err(core::Error::NotFound) => was_deleted(&core, &who, id).await,
        Err(error) => Err(error.into()),
    }
}

/// Whoever deletes a team twice is told what became of it, and everybody else that there is none.
async fn was_deleted(core: &Core, who: &SignedIn, id: TeamId) -> Result<Response> {
    let (member, receipt) = deletions::team::receipt(core, &who.person, id).await?;
    who.flash(Tone::Neutral, format!("{} was deleted already.", receipt.name)).await?;
    Ok(to_teams(&member).into_response())
}

/// Where a deleted team's receipt stands.
fn to_teams(member: &Member) -> Redirect {
    Redirect::to(&format!("/organizations/{}/settings#teams", member.organization))
}

/// `POST /teams/{team}/digest`
pub async fn choose_digest(
    State(core): State<Core>,
    who: SignedIn,
    Path(id): Path<TeamId>,
    Form(input): Form,
) -> Result<Response> {
    let (member, team) = teams::find(&core, &who.person, id).await?;
    let hour = match input.one("hour") {
        "" => Ok(None),
        hour => hour.parse().map(Some).map_err(|_| core::Error::field("hour", "Choose an hour from the list.")),
    };
    let chosen = match hour {
        Ok(hour) => digest::choose(&core, &member, id, hour).await.map(|()| hour),
        Err(error) => member.must_be_admin("choose when the digest is sent").and(Err(error)),
    };
    match chosen {
        Ok(hour) => {
            let (tone, sentence) = match hour {
                None => (Tone::Good, "The team has no digest."),
                Some(_) if core.sends_mail() => (Tone::Good, "The team has a daily digest."),
                Some(_) => {
                    (Tone::Attention, "The team has a daily digest, which arrives once this installation sends mail.")
                }
            };
            who.flash(tone, sentence).await?;
            Ok(Redirect::to(&format!("/teams/{id}/settings#digest")).into_response())
        }
        Err(core::Error::Invalid(errors)) => {
            let shown = Shown { errors, ..Shown::default() };
            draw_settings(&core, &who, member, team, StatusCode::UNPROCESSABLE_ENTITY, shown).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /teams/{team}/digest/mine`
pub async fn receive_digest(
    State(core): State<Core>,
    who: SignedIn,
    Path(id): Path<TeamId>,
    Form(input): Form,
) -> Result<Redirect> {
    let (member, _) = teams::find(&core, &who.person, id).await?;
    let wants = input.one("wants") == "yes";
    digest::receive(&core, &member, id, wants).await?;
    let sentence = if wants { "You get the team's digest." } else { "You do not get the team's digest any more." };
    who.flash(Tone::Good, sentence).await?;
    Ok(Redirect::to(&format!("/teams/{id}/settings#digest")))
}

/// What differs from the page as such.
#[derive(Default)]
struct Shown {
    typed: Option<NewTeam>,
    typed_team_name: String,
    errors: FieldErrors,
    links: Wanted,
}

async fn draw_settings(
    core: &Core,
    who: &SignedIn,
    member: Member,
    team: team::Model,
    status: StatusCode,
    Shown { typed, typed_team_name, errors, links: wanted }: Shown,
) -> Result<Response> {
    let in_team: HashSet<UserId> =
        teams::members(core, &member, team.id).await?.into_iter().map(|user| user.id).collect();
    let everybody = organizations::members(core, &member).await?;
    let (members, others): (Vec<_>, Vec<_>) = everybody.into_iter().partition(|(user, _)| in_team.contains(&user.id));
    let others = others.into_iter().map(|(user, _)| user).collect();
    let links = integration_links::of_team(core, team.organization_id, team.id, &wanted).await?;
    let mirrors = mirrors::for_team(core, team.organization_id, team.id).await?;
    let here = format!("/teams/{}/settings", team.id);
    let rows = Row::all(core, &member, &links.links, &here).await?.into_iter();
    let rows = rows.map(|row| row.joined_by(mirrors.iter().map(|listed| &listed.mirror))).collect();
    let digest = digest::setting(core, &member, team.id).await?;
    let goes = if member.is_admin() { Some(deletions::team::foresee(core, &member, team.id).await?) } else { None };
    let page = SettingsPage {
        goes,
        typed_team_name,
        digest,
        in_team: in_team.contains(&member.user),
        sends_mail: core.sends_mail(),
        links: Links::of(rows, &links, wanted, &here),
        mirrors: MirrorRow::all(core, &member, &mirrors, &here).await?,
        page: who
            .page_of(&format!("Settings of {}", team.name), team.organization_id)
            .await?
            .in_zone(entries::zone(&team))
            .at(Place::TeamSettings(team.id)),
        member,
        typed: typed.unwrap_or_else(|| NewTeam { name: team.name.clone(), time_zone: team.time_zone.clone() }),
        team,
        zones: zone_names(),
        members,
        others,
        errors,
    };
    draw(status, &page)
}

fn to_settings(id: TeamId) -> Redirect {
    Redirect::to(&format!("/teams/{id}/settings"))
}
