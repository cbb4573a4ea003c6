//! `/log`: what the person did, over all their teams of the current organization, and for how many days in a row.

use std::collections::HashMap;

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use jiff::tz::TimeZone;

use super::{
    asked::Asked,
    shown::{self, Entry},
};
use crate::{
    core::{
        Core,
        entries::{self, Streak},
    },
    db::TeamId,
    web::{
        Result,
        extract::SignedIn,
        page::{Page, Place, draw},
    },
};

#[derive(Template)]
#[template(path = "log/mine.html")]
struct MyLogPage {
    page: Page,
    organization: String,
    asked: Asked,
    /// Where what is done here comes back to.
    here: String,
    streak: Streak,
    days: Vec<shown::Day>,
    older: Option<String>,
    in_a_team: bool,
}

impl MyLogPage {
    fn is_one_day(&self) -> bool {
        false
    }

    fn text(&self) -> &str {
        self.asked.filter.text.as_deref().unwrap_or_default()
    }

    /// Tells an entry's page where to go back to.
    fn came_from(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).append_pair("next", &self.here).finish()
    }
}

/// `GET /log`
pub(super) async fn show(State(core): State<Core>, who: SignedIn, asked: Asked) -> Result<Response> {
    let member = who.member()?;
    let mine = entries::mine(&core, &member, &asked.filter, asked.before).await?;
    let zones: HashMap<TeamId, (TimeZone, &str)> =
        mine.teams.iter().map(|team| (team.id, (entries::zone(team), team.name.as_str()))).collect();
    let today = mine.teams.iter().map(|team| entries::today(&core, team)).max();
    let today = today.unwrap_or_else(|| core.clock.today(&TimeZone::UTC));
    let show = |entry: entries::Entry| {
        let team = entry.row.team_id;
        let (zone, name) = zones.get(&team).cloned().unwrap_or((TimeZone::UTC, ""));
        let place = (Asked::default().address(team), name.to_owned());
        Entry { team: Some(place), ..Entry::new(&core, team, &zone, entry) }
    };
    let organization = who.person.memberships.iter().find(|one| one.organization.id == member.organization);
    let page = MyLogPage {
        page: who.page("My log").await?.at(Place::Mine),
        organization: organization.map(|one| one.organization.name.clone()).unwrap_or_default(),
        here: asked.own_address(),
        streak: mine.streak,
        older: mine.listing.next.map(|next| asked.from(next).own_address()),
        in_a_team: !mine.teams.is_empty(),
        days: shown::by_day(today, mine.listing.entries, |_| None, show),
        asked,
    };
    draw(StatusCode::OK, &page)
}
