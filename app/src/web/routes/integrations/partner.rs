//! `GET /integrations/{p}`: a partner's own page. How things stand and the one thing to do come first, then what it looks
//! like, what it may do, what its removal does, and its documentation.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use integration_contract::{Capability, Card, Connect, PicturePart, Scope};

use super::{
    Installation,
    examples::{Message, Shown},
    installation::{broken_since, mend_of},
    markdown, needs_account,
    standing::Standing,
};
use crate::{
    core::{
        Core, integration_links, integration_users,
        partners::{Partner, our_url},
    },
    db::entity::integration_user::{self, AccountState},
    web::{
        self,
        extract::SignedIn,
        mend::Mend,
        page::{Moment, Page, Place},
        routes::{links::Row, log::shown, site::SiteField},
    },
};

#[derive(Template)]
#[template(path = "integrations/partner.html")]
struct PartnerPage<'a> {
    page: Page,
    card: &'a Card,
    standing: Standing,
    needs_account: bool,
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
    /// How many links there are beside these.
    more_links: usize,
    examples: Vec<Shown>,
    messages: Vec<Message>,
    /// Whether it tells us of what happens there.
    hears: bool,
    /// Whether it is told of what happens here.
    tells: bool,
    docs: String,
}

impl PartnerPage<'_> {
    /// Nobody is known there yet: the way in leads over what is asked of them.
    fn is_new(&self) -> bool {
        self.needs_account && self.accounts.is_empty() && self.installations.is_empty()
    }

    /// Whether an account is connected by the button below them all: an account that broke has one of its own, which knows its
    /// site. What was typed as a site and refused stands there in any case.
    fn connects(&self) -> bool {
        let refused = self.site.as_ref().is_some_and(|site| site.error.is_some());
        self.needs_account && (refused || self.accounts.iter().all(|account| account.mend.is_none()))
    }

    /// The entries of this page are pictures, and have no buttons that could lead back.
    fn came_from(&self) -> &'static str {
        ""
    }
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
            since: broken_since(&row),
            name: row.account_name,
            acts: row.credentials.is_some() && (lasting || !ended),
            working: row.state == AccountState::Connected,
            reason: row.reason,
        }
    }
}

/// `GET /integrations/{p}`
pub async fn show(State(core): State<Core>, Path(id): Path<String>, who: SignedIn) -> web::Result<Response> {
    draw(&core, &who, core.partners.get(&id)?, None, StatusCode::OK).await
}

/// The partner's page; with the field for its site as it was sent, when that can't be used.
pub async fn draw(
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
    let glimpses = integration_links::in_sight(core, &member).await?;
    let standing = Standing::of(partner, &glimpses, &integration_users::usable(core, &member).await?);
    let links = integration_links::of_partner(core, &member, partner).await?;
    let all = glimpses.iter().filter(|link| link.partner == card.id).count();
    let links = Row::all(core, &member, &links, &format!("/integrations/{}", card.id)).await?;
    let page = PartnerPage {
        page: who.page(card.name).await?.at(Place::Integrations),
        standing,
        needs_account: needs_account(card),
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
        more_links: all.saturating_sub(links.len()),
        links,
        examples: Shown::all(card),
        messages: Message::all(core, partner),
        hears: card.hooks.is_some(),
        tells: partner.can(Capability::Deliver),
        docs: markdown(card.readme),
        card,
    };
    web::page::draw(status, &page)
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
