//! A signed-in person. Who is not, is sent to log in and comes back to the page they wanted.

use std::sync::Arc;

use axum::{
    extract::{FromRef, FromRequestParts},
    response::{IntoResponse, Redirect, Response},
};
use http::{Method, request::Parts};

use super::{ReturnPath, Visitor};
use crate::{
    core::{
        Core,
        people::{Member, Person},
    },
    db::{OrganizationId, TeamId, entity::user},
    state::Demo,
    web::{
        Error, Result,
        doors::above,
        page::{Page, Tone},
    },
};

/// A signed-in person, as of this request: who was removed from an organization a moment ago is no longer in it.
#[derive(Clone)]
pub struct SignedIn {
    /// Who it is.
    pub person: Person,
    /// The organization that pages without one in their address are about.
    pub current: Option<OrganizationId>,
    visitor: Visitor,
}

impl SignedIn {
    /// The visitor, when signed in: for pages that answer differently to others than by sending them to log in.
    pub fn of(visitor: Visitor) -> Option<Self> {
        let person = visitor.person.clone()?;
        Some(Self { person, current: visitor.current, visitor })
    }

    /// The person as a member of the current organization.
    ///
    /// # Errors
    /// [`Error::NoOrganization`] when they belong to none.
    pub fn member(&self) -> Result<Member> {
        Ok(self.person.member_of(self.current.ok_or(Error::NoOrganization)?)?)
    }

    /// The frame of a page, with what the last action came to.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn page(&self, title: &str) -> Result<Page> {
        self.visitor.page(title).await
    }

    /// The frame of a page that is about this organization, which is chosen with it: what the frame leads to is then about the
    /// same one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn page_of(&self, title: &str, organization: OrganizationId) -> Result<Page> {
        if self.current == Some(organization) {
            return self.page(title).await;
        }
        self.choose(organization).await?;
        self.visitor.page_in(title, Some(organization)).await
    }

    /// The frame of a page that is about a team: its moments are in the team's zone.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn page_of_team(&self, title: &str, organization: OrganizationId, team: TeamId) -> Result<Page> {
        let page = self.page_of(title, organization).await?;
        Ok(page.in_zone(self.visitor.zone_of(organization, team).await?))
    }

    /// The same for a part of it, see [`Self::bare_page`].
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn bare_page_of_team(&self, organization: OrganizationId, team: TeamId) -> Result<Page> {
        Ok(self.bare_page().in_zone(self.visitor.zone_of(organization, team).await?))
    }

    /// What a part of a page needs of its frame: the token of its forms, and the time. What the last action came to is left for the page
    /// itself.
    pub fn bare_page(&self) -> Page {
        Page { csrf: self.visitor.token(), times: self.visitor.times(), ..Page::default() }
    }

    /// Leaves a sentence for the next page.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn flash(&self, tone: Tone, text: impl Into<String>) -> Result<()> {
        self.visitor.flash(tone, text.into()).await
    }

    /// Chooses the organization that pages without one in their address are about. One the person does not belong to
    /// is never taken for it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn choose(&self, organization: OrganizationId) -> Result<()> {
        self.visitor.choose(organization).await
    }

    /// Keeps this session open over a change of the password, under a new id.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn password_changed(&self, user: &user::Model) -> Result<()> {
        self.visitor.stamp(user).await
    }

    /// SHA-256 of the session's id: binds what is begun here to this browser.
    pub fn session_hash(&self) -> Vec<u8> {
        self.visitor.session_hash()
    }
}

/// Why there is no [`SignedIn`]: a redirect to log in, or a page about what went wrong.
pub struct NotSignedIn(Response);

impl IntoResponse for NotSignedIn {
    fn into_response(self) -> Response {
        self.0
    }
}

impl<S> FromRequestParts<S> for SignedIn
where
    S: Send + Sync,
    Core: FromRef<S>,
    Option<Arc<Demo>>: FromRef<S>,
{
    type Rejection = NotSignedIn;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, NotSignedIn> {
        let visitor = match Visitor::from_request_parts(parts, state).await {
            Ok(visitor) => visitor,
            Err(error) => return Err(NotSignedIn(error.into_response())),
        };
        Self::of(visitor).ok_or_else(|| NotSignedIn(Redirect::to(&wanted(parts).after("/login")).into_response()))
    }
}

/// The page to come back to; what was posted can't be come back to, but the page it was posted from can.
fn wanted(parts: &Parts) -> ReturnPath {
    match parts.method {
        Method::GET | Method::HEAD => ReturnPath::new(parts.uri.path_and_query().map_or("/", |path| path.as_str())),
        _ => above(parts.uri.path()).map_or_else(ReturnPath::default, |door| ReturnPath::new(&door.path)),
    }
}
