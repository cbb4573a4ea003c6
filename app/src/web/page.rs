//! What every page shows around its own content. Each page's struct has a field `page: Page`; `templates/base.html`
//! draws it.

use std::sync::Arc;

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;
use unicode_segmentation::UnicodeSegmentation;

pub use super::times::{Moment, Times};
use super::{Error, Result, assets, extract::ReturnPath, mend::Mend};
use crate::{
    core::health::Recovered,
    db::{OrganizationId, TeamId},
    state::Demo,
};
use jiff::tz::TimeZone;

/// Draws a page. One that refuses what was sent says so first, in the browser's tab and to who listens.
///
/// # Errors
/// When the template fails, which is our own mistake.
pub fn draw(status: StatusCode, page: &impl Template) -> Result<Response> {
    let html = page.render().map_err(|error| Error::from(anyhow::Error::from(error)))?;
    let refused = status == StatusCode::UNPROCESSABLE_ENTITY;
    let html = if refused { html.replacen("<title>", "<title>Error: ", 1) } else { html };
    Ok((status, Html(html)).into_response())
}

/// The frame of one page.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// What stands in the browser's tab before the site's name.
    pub title: String,
    /// What this installation is called.
    pub site: String,
    /// The signed-in person; none on log-in, sign-up and some error pages.
    pub person: Option<Seen>,
    /// Goes into every form as the field `csrf`.
    pub csrf: String,
    /// What the last action came to, shown once.
    pub flash: Option<Flash>,
    /// What of the person's needs somebody, and what works again; none when there is nothing to say.
    pub alerts: Option<Alerts>,
    /// How its moments are put in words.
    pub times: Times,
    /// Which entry of the navigation it belongs to.
    pub place: Place,
    /// Where log-in and sign-up at the top lead back to.
    pub next: ReturnPath,
    /// What visitors of the demo are told; none outside of it.
    pub demo: Option<Arc<Demo>>,
}

impl Page {
    /// The page at its place in the navigation.
    #[must_use]
    pub fn at(self, place: Place) -> Self {
        Self { place, ..self }
    }

    /// The page whose log-in and sign-up at the top lead back to where its own do.
    #[must_use]
    pub fn leading_to(self, next: &ReturnPath) -> Self {
        Self { next: next.clone(), ..self }
    }

    /// The page with its moments in the zone of the team that it is about.
    #[must_use]
    pub fn in_zone(self, zone: TimeZone) -> Self {
        Self { times: self.times.in_zone(zone), ..self }
    }

    /// The page at this path without the alerts that are about what it shows itself, or offer what it offers.
    #[must_use]
    pub fn about(mut self, path: &str, mend: Option<&Mend>) -> Self {
        let offered = mend.and_then(Mend::action);
        if let Some(alerts) = &mut self.alerts {
            let same = |alert: &Alert| offered.is_some() && alert.mend.as_ref().and_then(Mend::action) == offered;
            alerts.broken.retain(|alert| alert.href != path && !same(alert));
        }
        self.alerts = self.alerts.filter(|alerts| !alerts.broken.is_empty() || !alerts.recovered.is_empty());
        self
    }

    /// Where a file of `static/` is served, in a form that browsers may keep.
    pub fn asset(&self, path: &str) -> String {
        assets::url(path)
    }
}

/// Where a page stands in the navigation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// Nowhere in particular.
    #[default]
    Elsewhere,
    /// The person's own log.
    Mine,
    /// A team's log.
    Log(TeamId),
    /// Another page of a team's log, such as one entry's.
    Team(TeamId),
    /// A team's settings.
    TeamSettings(TeamId),
    /// The catalogue of partners and what hangs below it.
    Integrations,
    /// The user's own settings.
    Settings,
}

impl Place {
    /// Whether it is one of the team's pages.
    pub fn is_team(&self, team: &TeamId) -> bool {
        matches!(self, Self::Log(at) | Self::Team(at) | Self::TeamSettings(at) if at == team)
    }

    /// Whether it is the team's log itself.
    pub fn is_log(&self, team: &TeamId) -> bool {
        matches!(self, Self::Log(at) if at == team)
    }

    /// Whether it is the team's settings page.
    pub fn is_team_settings(&self, team: &TeamId) -> bool {
        matches!(self, Self::TeamSettings(at) if at == team)
    }

    /// Whether it is the person's own log.
    pub fn is_mine(&self) -> bool {
        *self == Self::Mine
    }

    /// Whether it is about partners.
    pub fn is_integrations(&self) -> bool {
        *self == Self::Integrations
    }

    /// Whether it is the user's own settings.
    pub fn is_settings(&self) -> bool {
        *self == Self::Settings
    }
}

/// What the frame shows of the signed-in person.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Their name.
    pub name: String,
    /// The organization the pages without one in their address are about.
    pub organization: Option<(OrganizationId, String)>,
    /// All of theirs, for the switcher.
    pub organizations: Vec<(OrganizationId, String)>,
    /// Their teams in the current organization, for the navigation.
    pub teams: Vec<(TeamId, String)>,
}

impl Seen {
    /// Whether `organization` is the current one.
    pub fn is_in(&self, organization: &OrganizationId) -> bool {
        self.organization.as_ref().is_some_and(|(current, _)| current == organization)
    }
}

/// What the frame says above its content, until it is mended.
#[derive(Clone, Debug, Default)]
pub struct Alerts {
    /// What needs somebody.
    pub broken: Vec<Alert>,
    /// Whether there is more of that.
    pub more: bool,
    /// What works again; it is said this once.
    pub recovered: Vec<Recovered>,
}

impl Alerts {
    /// So many are named in one line.
    const NAMED: usize = 3;

    /// The only thing that needs somebody, if it is one.
    pub fn single(&self) -> Option<&Alert> {
        match self.broken.as_slice() {
            [one] if !self.more => Some(one),
            _ => None,
        }
    }

    /// Those that are named where there are several.
    pub fn named(&self) -> &[Alert] {
        self.broken.get(..Self::NAMED).unwrap_or(&self.broken)
    }

    /// How many are not.
    pub fn unnamed(&self) -> usize {
        self.broken.len().saturating_sub(Self::NAMED)
    }

    /// How many there are, in words.
    pub fn count(&self) -> String {
        format!("{}{} things need attention", if self.more { "More than " } else { "" }, self.broken.len())
    }
}

/// One thing that needs somebody.
#[derive(Clone, Debug)]
pub struct Alert {
    /// The partner, and what of it: "Forge (acme/widgets)"
    pub name: String,
    /// What else it stops, as the end of the name.
    pub others: String,
    /// Why.
    pub reason: String,
    /// The page where it stands.
    pub href: String,
    /// What mends it.
    pub mend: Option<Mend>,
}

/// A sentence that is shown once after a redirect.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Flash {
    /// How it looks.
    pub tone: Tone,
    /// What it says.
    pub text: String,
}

/// How a flash or a state pill looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// It worked.
    Good,
    /// Something should be looked at.
    Attention,
    /// It did not work.
    Bad,
    /// Neither: it is off, or not set up.
    Neutral,
}

impl Tone {
    /// The end of its CSS classes: `pill-good`.
    pub fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Attention => "attention",
            Self::Bad => "bad",
            Self::Neutral => "neutral",
        }
    }

    /// The picture beside its sentence.
    pub fn icon(self) -> &'static str {
        match self {
            Self::Good => "check",
            Self::Attention | Self::Bad => "alert",
            Self::Neutral => "dot",
        }
    }
}

/// A person's initials, from the first and the last word of their name.
pub fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.graphemes(true).next());
    let first = words.next().unwrap_or("?");
    let last = words.next_back().unwrap_or_default();
    format!("{first}{last}").to_uppercase()
}

/// Which of the six colours a person's initials stand on: always the same for a name.
pub fn shade(name: &str) -> u32 {
    // FNV-1a: with a mere sum, many pairs of short names share a colour.
    name.chars().fold(2_166_136_261_u32, |hash, letter| (hash ^ u32::from(letter)).wrapping_mul(16_777_619)) % 6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_come_from_the_first_and_the_last_word() {
        for (name, expected) in [
            ("Ada Lovelace", "AL"),
            ("Johann Sebastian Bach", "JB"),
            ("ada", "A"),
            ("  ", "?"),
            ("", "?"),
            ("👩‍👩‍👧‍👦 Smith", "👩‍👩‍👧‍👦S"),
            ("élan vital", "ÉV"),
        ] {
            assert_eq!(initials(name), expected, "{name:?}");
        }
    }

    #[test]
    fn a_name_keeps_its_shade() {
        assert_eq!(shade("Ada"), shade("Ada"));
        assert_ne!(shade("Ada Lovelace"), shade("Bob Kahn"));
        assert!(shade("👩‍👩‍👧‍👦 and somebody with a very long name indeed") < 6);
    }
}
