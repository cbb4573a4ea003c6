//! `/integrations`: the catalogue, and each partner's own page. Starting a connection is in `connect`, the link form in
//! `links`.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use integration_contract::{Card, Connect, Scope};

use super::{links::Row, mirrors::offer::OfferTile, site::SiteField};
use crate::{
    core::{
        Core, Error,
        health::next_step::of_account,
        integration_links, integration_users,
        partners::{Partner, our_url},
        people::Member,
    },
    db::{
        IntegrationUserId, OrganizationId,
        entity::{
            integration_link::LinkState,
            integration_user::{self, AccountState},
        },
    },
    web::{
        self,
        extract::SignedIn,
        mend::{Around, Mend},
        page::{Moment, Page, Place, Tone},
    },
};

#[derive(Template)]
#[template(path = "integrations/catalogue.html")]
struct Catalogue {
    page: Page,
    organization: String,
    tiles: Vec<Tile>,
    /// Two partners each, whose items can be kept in step.
    offers: Vec<OfferTile>,
}

struct Tile {
    id: &'static str,
    name: &'static str,
    category: &'static str,
    tagline: &'static str,
    tone: Tone,
    state: String,
    configured: bool,
    connected: bool,
}

/// `GET /integrations`
pub async fn catalogue(State(core): State<Core>, who: SignedIn) -> web::Result<Response> {
    let member = who.member()?;
    let links = integration_links::living(&core, member.organization).await?;
    let accounts = integration_users::usable(&core, &member).await?;
    let tiles = core.partners.all().iter().map(|partner| {
        let card = partner.integration.card();
        let configured = partner.integration.configured().is_ok();
        let of_partner = links.iter().filter(|link| link.partner == card.id);
        let broken = of_partner.clone().filter(|link| link.state == LinkState::Broken).count()
            + accounts.iter().filter(|row| row.partner == card.id && row.state == AccountState::Broken).count();
        let count = of_partner.count();
        let connected = !needs_account(card)
            || accounts.iter().any(|row| row.partner == card.id && row.state == AccountState::Connected);
        let (tone, state) = match (configured, broken, count, connected) {
            (false, ..) => (Tone::Neutral, "Not configured".to_owned()),
            (_, 1.., ..) => (Tone::Attention, "Needs attention".to_owned()),
            (_, _, 1, _) => (Tone::Good, "1 link".to_owned()),
            (_, _, 2.., _) => (Tone::Good, format!("{count} links")),
            (_, _, _, true) if needs_account(card) => (Tone::Good, "Connected".to_owned()),
            _ => (Tone::Neutral, "Not added yet".to_owned()),
        };
        Tile {
            id: card.id,
            name: card.name,
            category: card.category,
            tagline: card.tagline,
            tone,
            state,
            configured,
            connected,
        }
    });
    let tiles = tiles.collect();
    let page = who.page("Integrations").await?.at(Place::Integrations);
    let organization = page.person.as_ref().and_then(|seen| seen.organization.as_ref()).map(|(_, name)| name.clone());
    let organization = organization.unwrap_or_default();
    web::page::draw(
        StatusCode::OK,
        &Catalogue { page, organization, tiles, offers: OfferTile::all(&core, &member).await? },
    )
}

#[derive(Template)]
#[template(path = "integrations/partner.html")]
struct PartnerPage<'a> {
    page: Page,
    card: &'a Card,
    needs_account: bool,
    missing: Option<String>,
    settings: Vec<MissingSetting>,
    callback: String,
    scopes: &'static [Scope],
    accounts: Vec<AccountLine>,
    installations: Vec<Installation>,
    /// Whether a link could be added at once.
    ready: bool,
    site: Option<SiteField>,
    may_disconnect: bool,
    links: Vec<Row>,
    docs: String,
}

struct MissingSetting {
    variable: String,
    help: &'static str,
    default: Option<&'static str>,
}

/// An account of the person's own.
struct AccountLine {
    name: String,
    /// Whether links act with it; else it only says who they are there.
    acts: bool,
    working: bool,
    reason: Option<String>,
    since: Option<Moment>,
    mend: Option<Mend>,
}

impl AccountLine {
    fn of(core: &Core, card: &Card, row: integration_user::Model) -> Self {
        // Where tokens are for setting links up and nothing else, their end is no trouble.
        let lasting = matches!(card.connect, Connect::OAuth { lasting: true, .. });
        let ended = row.expires_at.is_some_and(|at| at <= core.clock.now());
        Self {
            // What to do with one that works stands beside it.
            mend: mend_of(core, &row),
            since: row.broken_since.filter(|_| row.state == AccountState::Broken).map(Moment::at),
            name: row.account_name,
            acts: row.credentials.is_some() && (lasting || !ended),
            working: row.state == AccountState::Connected,
            reason: row.reason,
        }
    }
}

/// An installation of the organization, as pages list it: `templates/integrations/installation.html`.
pub struct Installation {
    /// Its id.
    pub id: IntegrationUserId,
    /// The partner's id.
    pub partner: String,
    /// The partner's name.
    pub partner_name: String,
    /// The workspace.
    pub name: String,
    /// How its state looks.
    pub tone: Tone,
    /// Its state in a word or two.
    pub state: &'static str,
    /// Why it does not work.
    pub reason: Option<String>,
    /// Since when.
    pub since: Option<Moment>,
    /// The one thing to do about it.
    pub mend: Option<Mend>,
    /// Whether it is on its way out.
    pub leaving: bool,
}

impl Installation {
    /// All of the organization's.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn all(core: &Core, organization: OrganizationId) -> web::Result<Vec<Self>> {
        let rows = integration_users::installations(core, organization).await?;
        Ok(rows.into_iter().map(|row| Self::of(core, row)).collect())
    }

    fn of(core: &Core, row: integration_user::Model) -> Self {
        let (tone, state) = account_state(row.state);
        let name = core.partners.get(&row.partner).map_or_else(|_| row.partner.clone(), |it| it.name().to_owned());
        Self {
            mend: mend_of(core, &row),
            since: row.broken_since.filter(|_| row.state == AccountState::Broken).map(Moment::at),
            id: row.id,
            partner: row.partner,
            partner_name: name,
            name: row.account_name,
            tone,
            state,
            reason: row.reason,
            leaving: row.state == AccountState::Leaving,
        }
    }
}

/// What mends an account that is broken.
fn mend_of(core: &Core, row: &integration_user::Model) -> Option<Mend> {
    let next = format!("/integrations/{}", row.partner);
    let step = of_account(row.state, true, false)?;
    Some(Mend::of_account(core, step, row, Around { names: &[], next: &next }))
}

/// How an account's state looks.
pub fn account_state(state: AccountState) -> (Tone, &'static str) {
    match state {
        AccountState::Connected => (Tone::Good, "Connected"),
        AccountState::Broken => (Tone::Bad, "Connect again"),
        AccountState::Leaving => (Tone::Neutral, "Being disconnected"),
    }
}

/// `GET /integrations/{p}`
pub async fn partner(State(core): State<Core>, Path(id): Path<String>, who: SignedIn) -> web::Result<Response> {
    draw(&core, &who, core.partners.get(&id)?, None, StatusCode::OK).await
}

/// The partner's page; with the field for its site as it was sent, when that can't be used.
pub(super) async fn draw(
    core: &Core,
    who: &SignedIn,
    partner: &Partner,
    site: Option<SiteField>,
    status: StatusCode,
) -> web::Result<Response> {
    let member = who.member()?;
    let card = partner.integration.card();
    let mut accounts = integration_users::of_user(core, &member).await?;
    accounts.retain(|row| row.partner == card.id);
    let mut installations = Installation::all(core, member.organization).await?;
    installations.retain(|installation| installation.partner == card.id);
    let ready = !needs_account(card) || integration_users::latest(core, &member, partner).await?.is_some();
    let last_site = accounts.iter().filter_map(|row| row.site.as_deref()).next_back().unwrap_or_default();
    let links = links_in_sight(core, who, &member, partner).await?;
    let page = who.page(card.name).await?.at(Place::Integrations);
    web::page::draw(
        status,
        &PartnerPage {
            page,
            card,
            needs_account: needs_account(card),
            missing: partner.integration.configured().err().map(|error| error.sentence().to_owned()),
            settings: settings_of(card),
            callback: our_url(&core.site.public_url, &format!("auth/{}/callback", card.id)).to_string(),
            scopes: match card.connect {
                Connect::OAuth { scopes, .. } => scopes,
                Connect::Nothing => &[],
            },
            ready,
            site: site.or_else(|| SiteField::of(partner, last_site)),
            accounts: accounts.into_iter().map(|row| AccountLine::of(core, card, row)).collect(),
            installations,
            may_disconnect: member.is_admin(),
            links,
            docs: markdown(card.readme),
        },
    )
}

/// The partner's links that the person may see: those of their teams, and their own.
async fn links_in_sight(core: &Core, who: &SignedIn, member: &Member, partner: &Partner) -> web::Result<Vec<Row>> {
    let mut seen = Vec::new();
    for link in integration_links::living(core, member.organization).await? {
        if link.partner != partner.id() {
            continue;
        }
        match integration_links::find(core, &who.person, link.id).await {
            Ok((_, link)) => seen.push(link),
            Err(Error::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Row::all(core, member, &seen, &format!("/integrations/{}", partner.id())).await
}

/// `GET /integrations/{p}/icon.svg`
pub async fn icon(State(core): State<Core>, Path(id): Path<String>) -> web::Result<Response> {
    let icon = core.partners.get(&id)?.integration.card().icon;
    Ok(([(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "public, max-age=3600")], icon)
        .into_response())
}

/// Whether a link of this partner acts with an account.
pub fn needs_account(card: &Card) -> bool {
    matches!(card.connect, Connect::OAuth { .. })
}

fn settings_of(card: &Card) -> Vec<MissingSetting> {
    let required = card.settings.iter().filter(|setting| setting.required);
    required
        .map(|setting| MissingSetting {
            variable: format!("PATCHBAY_{}_{}", card.id.to_uppercase(), setting.name),
            help: setting.help,
            default: setting.default,
        })
        .collect()
}

/// A text of ours, such as a crate's README, as HTML. Raw HTML in it is shown as text: a page of ours holds only markup of
/// ours. Not for what people write, whose links may lead anywhere.
pub fn markdown(text: &str) -> String {
    use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html};
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let events = Parser::new_ext(text, options).map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        // The page has its own first and second headings.
        Event::Start(Tag::Heading { level, id, classes, attrs }) => {
            Event::Start(Tag::Heading { level: below(level), id, classes, attrs })
        }
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(below(level))),
        other => other,
    });
    let mut out = String::new();
    html::push_html(&mut out, events);
    out
}

fn below(level: pulldown_cmark::HeadingLevel) -> pulldown_cmark::HeadingLevel {
    use pulldown_cmark::HeadingLevel::{H3, H4, H5, H6};
    match level as u8 {
        0..=1 => H3,
        2 => H4,
        3 => H5,
        _ => H6,
    }
}
