//! What every page shows around its own content. Each page's struct has a field `page: Page`; `templates/base.html`
//! draws it.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;

use super::{Error, Result};
use crate::db::{OrganizationId, TeamId};

/// Draws a page.
///
/// # Errors
/// When the template fails, which is our own mistake.
pub fn draw(status: StatusCode, page: &impl Template) -> Result<Response> {
    let html = page.render().map_err(|error| Error::from(anyhow::Error::from(error)))?;
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
}
