//! `/integrations/mirrors/{offer}`: a mirror as the catalogue offers it, with its pictures and its documentation.

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};

use super::wish::{EndWish, Wish};
use crate::{
    core::{
        Core, Error,
        integration_links::Glimpse,
        mirrors::{Offer, Said, Sides},
        partners::Partner,
    },
    db::entity::mirror::{self, MirrorState},
    web::{
        self,
        extract::{Path, SignedIn},
        page::{Page, Place, Tone},
        routes::integrations::{Tile, folded, markdown},
    },
};

/// An offer's page.
pub fn path_of(offer: &Offer) -> String {
    format!("/integrations/mirrors/{}", offer.id)
}

/// Where an offer is set up; none while a partner is not configured.
fn set_up(left: &Partner, right: &Partner) -> Option<String> {
    let ready = [left, right].into_iter().all(|partner| partner.integration.configured().is_ok());
    let end = |partner: &Partner| EndWish { partner: partner.id().to_owned(), ..EndWish::default() };
    let ends = Sides { left: end(left), right: end(right) };
    ready.then(|| Wish { ends, ..Wish::default() }.path())
}

/// An offer's tile in the catalogue, with how the mirrors of its kind fare among these, which the person may see.
pub fn tile(
    offer: &'static Offer,
    left: &Partner,
    right: &Partner,
    links: &[Glimpse],
    mirrors: &[mirror::Model],
) -> Tile {
    let joins = |link, partner: &Partner| links.iter().any(|one| one.id == link && one.partner == partner.id());
    let of_kind = mirrors.iter().filter(|one| {
        (joins(one.left_link, left) && joins(one.right_link, right))
            || (joins(one.left_link, right) && joins(one.right_link, left))
    });
    let of_kind: Vec<_> = of_kind.collect();
    let set_up = set_up(left, right);
    let broken = of_kind.iter().find(|one| one.state == MirrorState::Broken).filter(|_| set_up.is_some());
    let (tone, state) = match (&set_up, broken, of_kind.len()) {
        (None, ..) => (Tone::Neutral, "Not configured".to_owned()),
        (_, Some(_), _) => (Tone::Bad, "Needs attention".to_owned()),
        (.., 0) => (Tone::Neutral, "Not added yet".to_owned()),
        (.., 1) => (Tone::Good, "1 mirror".to_owned()),
        (.., many) => (Tone::Good, format!("{many} mirrors")),
    };
    let missing = [left, right].into_iter().find_map(|partner| partner.integration.configured().err());
    let mut categories = vec![left.integration.card().category, right.integration.card().category];
    categories.dedup();
    let does = offer.does.join("\n");
    Tile {
        path: path_of(offer),
        name: format!("{} ↔ {}", left.name(), right.name()),
        icons: vec![left.id(), right.id()],
        categories,
        tagline: offer.tagline,
        tone,
        state,
        added: !of_kind.is_empty(),
        trouble: broken.map(|mirror| (mirror.name.clone(), super::path_of(mirror))),
        missing: missing.map(|error| error.sentence().to_owned()),
        add: set_up.map(|path| (path, "Set it up".to_owned())),
        words: folded(&format!(
            "{} {}\n{} {}\n{does}",
            left.name(),
            right.name(),
            offer.tagline,
            words_of([left, right])
        )),
    }
}

fn words_of(partners: [&Partner; 2]) -> String {
    partners.map(|partner| partner.integration.card().category).join(" ")
}

#[derive(Template)]
#[template(path = "mirrors/offer.html")]
struct OfferPage {
    page: Page,
    name: String,
    tagline: &'static str,
    does: &'static [&'static str],
    /// Where it is set up.
    set_up: Option<String>,
    may: bool,
    /// What is not configured.
    missing: Vec<(&'static str, &'static str)>,
    sides: [Picture; 2],
    docs: String,
}

/// How the example looks at a partner.
struct Picture {
    partner: &'static str,
    partner_name: &'static str,
    item: &'static str,
    title: &'static str,
    said: Vec<SaidLine>,
    /// What it makes there, and how that is undone.
    effects: Vec<(&'static str, &'static str)>,
}

struct SaidLine {
    /// Who says it; none = the mirror.
    who: Option<&'static str>,
    internal: bool,
    html: String,
}

impl Picture {
    fn of(partner: &Partner, item: &'static str, title: &'static str, said: Vec<Said>) -> Self {
        let line = |said: Said| SaidLine { who: said.who, internal: said.internal, html: markdown(&said.text) };
        let card = partner.integration.card();
        Self {
            partner: card.id,
            partner_name: card.name,
            item,
            title,
            said: said.into_iter().map(line).collect(),
            effects: card.effects.iter().map(|effect| (effect.what, effect.undo)).collect(),
        }
    }
}

/// `GET /integrations/mirrors/{offer}`
pub async fn show(State(core): State<Core>, Path(id): Path<String>, who: SignedIn) -> web::Result<Response> {
    let member = who.member()?;
    let (offer, left, right) = core.partners.offers().find(|(offer, _, _)| offer.id == id).ok_or(Error::NotFound)?;
    let example = &offer.example;
    let name = format!("{} ↔ {}", left.name(), right.name());
    let missing = [left, right].into_iter().filter(|partner| partner.integration.configured().is_err());
    let answer = OfferPage {
        page: who.page(&name).await?.at(Place::Integrations),
        name,
        tagline: offer.tagline,
        does: offer.does,
        set_up: set_up(left, right),
        may: member.is_admin(),
        missing: missing.map(|partner| (partner.id(), partner.name())).collect(),
        sides: [
            Picture::of(left, example.item, example.title, example.left()),
            Picture::of(right, example.copy, example.title, example.right()),
        ],
        docs: markdown(offer.docs),
    };
    web::page::draw(StatusCode::OK, &answer)
}
