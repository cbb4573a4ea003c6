//! Whoever opens a page, signed in or not.

use std::sync::{Arc, OnceLock};

use axum::extract::{FromRef, FromRequestParts, Request};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{header, request::Parts};
use integration_contract::ExposeSecret;
use jiff::tz::TimeZone;
use tower_cookies::Cookies;
use tower_sessions::Session;

use super::alerts::alerts_of;
use crate::{
    core::{
        self, Core, entries,
        people::Person,
        sealing::random_text,
        sessions::{BROWSER, USER, browser_of, hash_of, stamp_of},
        teams, users,
    },
    db::{OrganizationId, TeamId, UserId, entity::user},
    state::Demo,
    web::{
        Error, Result, browser_session,
        page::{Flash, Page, Seen, Times, Tone},
    },
};

/// Which password the session was opened with; see [`stamp_of`].
const STAMP: &str = "stamp";
/// The organization that pages without one in their address are about.
const ORGANIZATION: &str = "organization";
/// A sentence for the next page.
const FLASH: &str = "flash";

const FORM_OF_SESSION: &str = "form of a session";
const FORM_OF_VISITOR: &str = "form of a visitor";

/// Whoever opens a page. Read from the database once per request.
#[derive(Clone)]
pub struct Visitor {
    /// Who it is, when signed in.
    pub person: Option<Person>,
    /// The organization that pages without one in their address are about: the one chosen last, or else the first.
    pub current: Option<OrganizationId>,
    core: Core,
    session: Session,
    cookies: Cookies,
    demo: Option<Arc<Demo>>,
    /// What the browser says of itself.
    browser: String,
}

/// Where the visitor of a request is remembered, for extractors that follow and for the error page.
type Slot = Arc<OnceLock<Visitor>>;

impl Visitor {
    /// Makes room to remember the visitor of this request.
    pub(in crate::web) fn slot(request: &mut Request) -> Slot {
        let slot = Slot::default();
        request.extensions_mut().insert(slot.clone());
        slot
    }

    /// The frame of a page, with what the last action came to.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn page(&self, title: &str) -> Result<Page> {
        self.page_in(title, self.current).await
    }

    /// The same where this organization was chosen a moment ago.
    pub(super) async fn page_in(&self, title: &str, current: Option<OrganizationId>) -> Result<Page> {
        let (person, zone) = self.seen(current).await?;
        let alerts = match &self.person {
            Some(person) => alerts_of(&self.core, person).await?,
            None => None,
        };
        Ok(Page {
            title: title.to_owned(),
            site: self.core.site.name.clone(),
            person,
            alerts,
            times: self.times().in_zone(zone),
            csrf: self.token(),
            flash: self.take_flash().await?,
            demo: self.demo.clone(),
            ..Page::default()
        })
    }

    /// The frame of an error page: as much of it as can be had.
    pub(in crate::web) async fn page_after_error(&self, core: &Core) -> Page {
        Page {
            site: core.site.name.clone(),
            person: self.seen(self.current).await.map(|(person, _)| person).unwrap_or_default(),
            times: self.times(),
            // Signed out, the frame has no form, and an address that leads nowhere sets no cookie.
            csrf: self.person.as_ref().map(|_| self.token()).unwrap_or_default(),
            demo: self.demo.clone(),
            ..Page::default()
        }
    }

    /// Opens a session for this user under a new id: one that was planted before the log-in stays worthless.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn sign_in(&self, user: &user::Model) -> Result<()> {
        self.session.clear().await;
        self.session.insert(USER, user.id).await?;
        self.session.insert(BROWSER, &self.browser).await?;
        self.stamp(user).await
    }

    /// Ends the session, here and in the browser.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn sign_out(&self) -> Result<()> {
        // Not `flush`, which would also send a removal that lacks the attributes a `__Host-` cookie is removed with.
        if self.session.id().is_some() {
            self.session.delete().await?;
        }
        self.cookies.add(browser_session::forgotten_session(&self.core));
        Ok(())
    }

    /// Notes the user's new password in the session and gives it a new id.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(super) async fn stamp(&self, user: &user::Model) -> Result<()> {
        self.session.insert(STAMP, stamp_of(user)).await?;
        if self.session.id().is_some() {
            self.session.cycle_id().await?;
        }
        // Saved here rather than on the way out, where a database that does not answer would become an empty page.
        self.session.save().await?;
        Ok(())
    }

    /// Chooses the organization that pages without one in their address are about.
    pub(super) async fn choose(&self, organization: OrganizationId) -> Result<()> {
        self.session.insert(ORGANIZATION, organization).await?;
        Ok(())
    }

    /// Leaves a sentence for the next page of who is signed in.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn flash(&self, tone: Tone, text: String) -> Result<()> {
        self.session.insert(FLASH, Flash { tone, text }).await?;
        Ok(())
    }

    /// SHA-256 of the session's id.
    pub(super) fn session_hash(&self) -> Vec<u8> {
        self.session.id().map(|id| hash_of(&id)).unwrap_or_default()
    }

    /// What every form of this visitor carries: an authenticator over something that only their browser has.
    pub(super) fn token(&self) -> String {
        let tag = match self.session_id() {
            Some(id) => self.core.vault.tag(FORM_OF_SESSION, id.as_bytes()),
            None => self.core.vault.tag(FORM_OF_VISITOR, self.visitor_value().as_bytes()),
        };
        URL_SAFE_NO_PAD.encode(tag)
    }

    /// Whether a form's token is this visitor's.
    pub(super) fn token_fits(&self, token: &str) -> bool {
        let Ok(tag) = URL_SAFE_NO_PAD.decode(token) else { return false };
        match self.session_id() {
            Some(id) => self.core.vault.tag_fits(FORM_OF_SESSION, id.as_bytes(), &tag),
            None => self
                .visitor_cookie()
                .is_some_and(|value| self.core.vault.tag_fits(FORM_OF_VISITOR, value.as_bytes(), &tag)),
        }
    }

    async fn read(parts: &Parts, core: Core, demo: Option<Arc<Demo>>) -> Result<Self> {
        let missing = || Error::from(anyhow::anyhow!("the session layer is not around this route"));
        let session = parts.extensions.get::<Session>().cloned().ok_or_else(missing)?;
        let cookies = parts.extensions.get::<Cookies>().cloned().ok_or_else(missing)?;
        let person = match session.get::<UserId>(USER).await? {
            None => None,
            Some(id) => match users::person(&core, id).await {
                Ok(person) => {
                    let stamp = session.get::<String>(STAMP).await?;
                    (stamp == Some(stamp_of(&person.user))).then_some(person)
                }
                Err(core::Error::NotFound) => None,
                Err(error) => return Err(error.into()),
            },
        };
        let current = match &person {
            None => None,
            Some(person) => {
                let chosen = session.get::<OrganizationId>(ORGANIZATION).await?;
                let living: Vec<_> = person.members().map(|member| member.organization).collect();
                living.iter().find(|id| Some(**id) == chosen).or(living.first()).copied()
            }
        };
        let said = parts.headers.get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let browser = browser_of(&said.unwrap_or_default());
        Ok(Self { person, current, core, session, cookies, demo, browser })
    }

    /// The time, in no zone in particular.
    pub(super) fn times(&self) -> Times {
        Times::new(TimeZone::UTC, self.core.clock.now())
    }

    /// The zone of a team.
    pub(super) async fn zone_of(&self, organization: OrganizationId, team: TeamId) -> Result<TimeZone> {
        Ok(teams::zone_of(&self.core, organization, team).await?)
    }

    /// What the frame shows of the person, and the zone of the first of their teams: pages that are about no team are read
    /// there.
    async fn seen(&self, current: Option<OrganizationId>) -> Result<(Option<Seen>, TimeZone)> {
        let Some(person) = &self.person else { return Ok((None, TimeZone::UTC)) };
        let named =
            |membership: &core::people::Membership| (membership.organization.id, membership.organization.name.clone());
        let organizations: Vec<_> = person.living().map(named).collect();
        let teams = match current.and_then(|id| person.member_of(id).ok()) {
            Some(member) => teams::of_member(&self.core, &member).await?,
            None => Vec::new(),
        };
        let zone = teams.first().map_or(TimeZone::UTC, entries::zone);
        let seen = Seen {
            name: person.user.name.clone(),
            organization: organizations.iter().find(|(id, _)| Some(*id) == current).cloned(),
            organizations,
            teams: teams.into_iter().map(|team| (team.id, team.name)).collect(),
        };
        Ok((Some(seen), zone))
    }

    async fn take_flash(&self) -> Result<Option<Flash>> {
        // Looked at before it is taken: taking marks the session as changed, and most pages have none.
        match self.session.get::<Flash>(FLASH).await? {
            None => Ok(None),
            Some(_) => Ok(self.session.remove(FLASH).await?),
        }
    }

    /// The id of the session of who is signed in.
    fn session_id(&self) -> Option<String> {
        self.person.as_ref().and(self.session.id()).map(|id| id.to_string())
    }

    fn visitor_cookie(&self) -> Option<String> {
        let cookie = self.cookies.get(&browser_session::visitor_name(&self.core))?;
        Some(cookie.value().to_owned()).filter(|value| !value.is_empty())
    }

    /// What the visitor's browser keeps, made now if it has nothing yet.
    fn visitor_value(&self) -> String {
        self.visitor_cookie().unwrap_or_else(|| {
            let value = random_text(32).expose_secret().to_owned();
            self.cookies.add(browser_session::visitor_cookie(&self.core, value.clone()));
            value
        })
    }
}

impl<S> FromRequestParts<S> for Visitor
where
    S: Send + Sync,
    Core: FromRef<S>,
    Option<Arc<Demo>>: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let slot = parts.extensions.get::<Slot>().cloned().unwrap_or_default();
        if let Some(visitor) = slot.get() {
            return Ok(visitor.clone());
        }
        let visitor = Self::read(parts, Core::from_ref(state), FromRef::from_ref(state)).await?;
        Ok(slot.get_or_init(|| visitor).clone())
    }
}
