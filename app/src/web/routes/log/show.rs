//! `/teams/{team}`: the log, and writing into it.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, StatusCode};
use integration_contract::FieldErrors;
use jiff::civil::Date;

use super::{
    asked::{Asked, HERE, STATES},
    calendar::Calendar,
    shown::{self, Entry},
};
use crate::{
    core::{
        self, Core,
        entries::{self, Filter},
        integration_links, live,
        people::Member,
        teams,
    },
    db::{TeamId, UserId, entity::team},
    web::{
        Result,
        extract::{Form, Path, SignedIn},
        page::{Page, Place, draw},
    },
};

/// Says that only the entries will be shown; `static/live.js` sends it.
pub(super) const PART: &str = "x-patchbay-part";

/// How many open goals and blockers are shown before the rest is folded away.
const OPEN_SHOWN: usize = 5;

#[derive(Template)]
#[template(path = "log/show.html")]
struct LogPage {
    page: Page,
    team: team::Model,
    asked: Asked,
    /// Where what is done here comes back to.
    here: String,
    can_write: bool,
    /// What stands in the field.
    body: String,
    errors: FieldErrors,
    open: Vec<Entry>,
    days: Vec<shown::Day>,
    older: Option<String>,
    day: Option<ShownDay>,
    calendar: Calendar,
    people: Vec<Choice>,
    sources: Vec<Choice>,
    /// What the newest change was called when this was read, for the part of the page that follows; none when it stays
    /// as it is.
    newest: Option<String>,
    /// Whether nothing is linked, and this person may change that.
    may_connect: bool,
}

/// The day that is shown, when it is only one.
struct ShownDay {
    iso: String,
    title: String,
    near: Option<&'static str>,
    before: Option<String>,
    after: Option<String>,
}

/// Something to choose in the filter.
struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

impl LogPage {
    fn states(&self) -> Vec<Choice> {
        let chosen = self.asked.state();
        STATES
            .iter()
            .map(|(value, label, _)| Choice {
                value: (*value).to_owned(),
                label: (*label).to_owned(),
                chosen: *value == chosen,
            })
            .collect()
    }

    fn is_one_day(&self) -> bool {
        self.day.is_some()
    }

    fn tag(&self) -> &str {
        self.asked.filter.tag.as_deref().unwrap_or_default()
    }

    fn text(&self) -> &str {
        self.asked.filter.text.as_deref().unwrap_or_default()
    }

    /// Whether something other than words is looked for: then its fields are in sight.
    fn is_narrowed(&self) -> bool {
        Filter { text: None, day: None, ..self.asked.filter.clone() } != Filter::default()
    }

    fn file(&self, ending: &str) -> String {
        self.asked.file(self.team.id, ending)
    }

    /// The first and the last day, as fields have them.
    fn span(&self) -> (String, String) {
        let text = |day: Option<Date>| day.map(|day| day.to_string()).unwrap_or_default();
        (text(self.asked.filter.from), text(self.asked.filter.to))
    }

    fn open_shown(&self) -> &[Entry] {
        self.open.get(..OPEN_SHOWN).unwrap_or(&self.open)
    }

    fn open_folded(&self) -> &[Entry] {
        self.open.get(OPEN_SHOWN..).unwrap_or_default()
    }

    /// Tells an entry's page where to go back to.
    fn came_from(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).append_pair("next", &self.here).finish()
    }

    /// The log without filter, day or page.
    fn plain(&self) -> String {
        Asked::default().address(self.team.id)
    }

    /// The day that is shown, without filter.
    fn unfiltered(&self) -> String {
        self.asked.filter.day.map_or(Asked::default(), |day| Asked::default().on(day)).address(self.team.id)
    }
}

/// `GET /teams/{team}`
pub(super) async fn show(
    State(core): State<Core>,
    who: SignedIn,
    Path(id): Path<TeamId>,
    asked: Asked,
    headers: HeaderMap,
) -> Result<Response> {
    let (member, team) = teams::find(&core, &who.person, id).await?;
    let page = if headers.contains_key(PART) { who.bare_page() } else { who.page(&team.name).await? };
    draw_log(&core, page, &member, team, asked, StatusCode::OK, String::new(), FieldErrors::default()).await
}

/// `GET /teams/{team}/entries`: they stand in the log.
pub(super) async fn back(State(core): State<Core>, who: SignedIn, Path(id): Path<TeamId>) -> Result<Redirect> {
    teams::find(&core, &who.person, id).await?;
    Ok(Redirect::to(&Asked::default().address(id)))
}

/// `POST /teams/{team}/entries`
pub(super) async fn write(
    State(core): State<Core>,
    who: SignedIn,
    Path(id): Path<TeamId>,
    Form(input): Form,
) -> Result<Response> {
    let (member, team) = teams::find(&core, &who.person, id).await?;
    let body = input.all("body").first().cloned().unwrap_or_default();
    let day = match input.one("day") {
        "" => Ok(None),
        text => {
            entries::day(text).map(Some).ok_or_else(|| core::Error::field("day", "A day is written like 2026-11-22."))
        }
    };
    let asked = |day: Option<Date>| day.map_or(Asked::default(), |day| Asked::default().on(day));
    let written = match day {
        Ok(day) => entries::write_on(&core, &member, id, day, &body).await.map(|_| day),
        Err(error) => Err(error),
    };
    match written {
        Ok(day) => Ok(Redirect::to(&asked(day).address(id)).into_response()),
        Err(core::Error::Invalid(errors)) => {
            let asked = asked(entries::day(input.one("day")));
            let page = who.page(&team.name).await?;
            draw_log(&core, page, &member, team, asked, StatusCode::UNPROCESSABLE_ENTITY, body, errors).await
        }
        Err(error) => Err(error.into()),
    }
}

#[allow(clippy::too_many_arguments, reason = "what the page shows; called from the two handlers above only")]
async fn draw_log(
    core: &Core,
    page: Page,
    member: &Member,
    team: team::Model,
    asked: Asked,
    status: StatusCode,
    body: String,
    errors: FieldErrors,
) -> Result<Response> {
    let id = team.id;
    let zone = entries::zone(&team);
    // Asked before the entries are read: what is written in between is then drawn twice rather than never.
    let newest = if asked.before.is_none() { Some(live::newest(core, member, id).await?) } else { None };
    let today = entries::today(core, &team);
    let listing = entries::list(core, member, id, &asked.filter, asked.before).await?;
    let mut open = if asked.is_plain() { entries::open(core, member, id).await? } else { Vec::new() };
    // What stands under today is in sight already.
    open.retain(|entry| {
        entry.row.occurred_on != today.to_string() || listing.entries.iter().all(|shown| shown.row.id != entry.row.id)
    });
    let may_connect = member.is_admin() && !integration_links::any_of_team(core, member.organization, id).await?;
    let (first, last) = Calendar::span(&asked, today);
    let counted = entries::days(core, member, id, first, last).await?;
    let people = teams::members(core, member, id).await?;
    let log = LogPage {
        page: page.at(Place::Log(id)),
        here: asked.address(id),
        can_write: people.iter().any(|user| user.id == member.user),
        body,
        errors,
        open: open.into_iter().map(|entry| Entry::new(core, id, &zone, entry)).collect(),
        days: shown::by_day(
            today,
            listing.entries,
            |day| Some(Asked::default().on(day).address(id)),
            |entry| Entry::new(core, id, &zone, entry),
        ),
        older: listing.next.map(|next| asked.from(next).address(id)),
        day: asked.filter.day.map(|day| shown_day(&asked, id, day, today)),
        calendar: Calendar::new(&asked, id, today, &counted),
        people: people_to_choose(&asked, people.into_iter().map(|user| (user.id, user.name))),
        sources: sources(core, member, id, &asked).await?,
        newest,
        may_connect,
        team,
        asked,
    };
    draw(status, &log)
}

fn shown_day(asked: &Asked, team: TeamId, day: Date, today: Date) -> ShownDay {
    let to = |day: Result<Date, jiff::Error>| day.ok().map(|day| asked.on(day).address(team));
    ShownDay {
        iso: day.to_string(),
        title: day.strftime("%A, %-d %B %Y").to_string(),
        near: shown::near(day, today),
        before: to(day.yesterday()),
        after: to(day.tomorrow()),
    }
}

fn people_to_choose(asked: &Asked, people: impl Iterator<Item = (UserId, String)>) -> Vec<Choice> {
    let chosen = asked.filter.person;
    let mut choices: Vec<Choice> =
        people.map(|(id, name)| Choice { value: id.to_string(), label: name, chosen: chosen == Some(id) }).collect();
    // Somebody who has left the team is not in the list, but stays chosen.
    if let Some(other) = chosen.filter(|_| !choices.iter().any(|choice| choice.chosen)) {
        choices.push(Choice { value: other.to_string(), label: "Somebody else".into(), chosen: true });
    }
    choices
}

async fn sources(core: &Core, member: &Member, team: TeamId, asked: &Asked) -> Result<Vec<Choice>> {
    let chosen = asked.source();
    let mut partners = entries::partners(core, member, team).await?;
    if !chosen.is_empty() && chosen != HERE && !partners.iter().any(|partner| partner == chosen) {
        partners.push(chosen.to_owned());
    }
    let here = Choice { value: HERE.into(), label: "Written here".into(), chosen: chosen == HERE };
    let partners = partners.into_iter().map(|partner| Choice {
        label: core.partners.get(&partner).map_or_else(|_| partner.clone(), |known| known.name().to_owned()),
        chosen: partner == chosen,
        value: partner,
    });
    Ok(std::iter::once(here).chain(partners).collect())
}
