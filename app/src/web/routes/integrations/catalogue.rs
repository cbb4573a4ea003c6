//! `GET /integrations`: every partner and every offer of a mirror, searched and by category.

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use integration_contract::Card;

use super::{
    asked::{Asked, folded},
    standing::Standing,
};
use crate::{
    core::{Core, integration_links, integration_users, mirrors, partners::Partner},
    web::{
        self,
        extract::SignedIn,
        page::{Page, Place, Tone},
        routes::mirrors::offer::tile as offer_tile,
    },
};

#[derive(Template)]
#[template(path = "integrations/catalogue.html")]
struct Catalogue {
    page: Page,
    organization: String,
    asked: Asked,
    categories: Vec<Category>,
    /// What was found: partners.
    tools: Vec<Tile>,
    /// And two partners each, whose items can be kept in step.
    offers: Vec<Tile>,
}

impl Catalogue {
    fn count(&self) -> String {
        match self.tools.len() + self.offers.len() {
            0 => "Nothing found".to_owned(),
            1 => "1 found".to_owned(),
            many => format!("{many} found"),
        }
    }
}

/// A category to choose.
struct Category {
    name: String,
    address: String,
    /// How much of what was searched for is in it.
    count: usize,
    chosen: bool,
}

/// Something in the catalogue: `templates/integrations/_tile.html`.
pub struct Tile {
    /// Its page.
    pub path: String,
    /// Its name.
    pub name: String,
    /// Whose icons it has: the ids of partners.
    pub icons: Vec<&'static str>,
    /// Where it is filed: a mirror under the categories of both its partners.
    pub categories: Vec<&'static str>,
    /// One line.
    pub tagline: &'static str,
    /// How its state looks.
    pub tone: Tone,
    /// Its state in a word or two.
    pub state: String,
    /// Whether there is one already.
    pub added: bool,
    /// What does not work, and the page where that is mended.
    pub trouble: Option<(String, String)>,
    /// What the operator has to do first.
    pub missing: Option<String>,
    /// Where it is added, and what the button says.
    pub add: Option<(String, String)>,
    /// All that is searched, [`folded`].
    pub words: String,
}

impl Tile {
    fn of(site: &str, partner: &Partner, standing: Standing) -> Self {
        let card = partner.integration.card();
        let path = format!("/integrations/{}", card.id);
        // Whoever has no account yet reads on the partner's page what is asked of them.
        let add = if standing.ready { format!("{path}/link") } else { path.clone() };
        Self {
            add: standing.missing.is_none().then(|| (add, format!("Add to {site}"))),
            path,
            name: card.name.to_owned(),
            icons: vec![card.id],
            categories: vec![card.category],
            tagline: card.tagline,
            tone: standing.tone,
            state: standing.state,
            added: standing.linked,
            trouble: standing.trouble.map(|trouble| (trouble.what, trouble.path)),
            missing: standing.missing,
            words: searched(card),
        }
    }

    fn is_in(&self, category: &str) -> bool {
        category.is_empty() || self.categories.iter().any(|one| folded(one) == folded(category))
    }
}

/// What is searched of a partner.
pub fn searched(card: &Card) -> String {
    let events = card.events.iter().map(|event| event.label);
    folded(&[card.name, card.category, card.tagline].into_iter().chain(events).collect::<Vec<_>>().join("\n"))
}

/// `GET /integrations`
pub async fn show(State(core): State<Core>, who: SignedIn, asked: Asked) -> web::Result<Response> {
    let member = who.member()?;
    let links = integration_links::in_sight(&core, &member).await?;
    let accounts = integration_users::usable(&core, &member).await?;
    let mirrors = mirrors::in_sight(&core, &member).await?;
    let partners = core.partners.all().iter();
    let mut tools: Vec<Tile> =
        partners.map(|partner| Tile::of(&core.site.name, partner, Standing::of(partner, &links, &accounts))).collect();
    let mut offers: Vec<Tile> =
        core.partners.offers().map(|(offer, left, right)| offer_tile(offer, left, right, &links, &mirrors)).collect();

    let mut names: Vec<&str> = Vec::new();
    for category in tools.iter().chain(&offers).flat_map(|tile| &tile.categories) {
        if !names.contains(category) {
            names.push(category);
        }
    }
    tools.retain(|tile| asked.finds(&tile.words));
    offers.retain(|tile| asked.finds(&tile.words));
    let category = |value: &str, name: &str| Category {
        name: name.to_owned(),
        address: asked.in_category(value),
        count: tools.iter().chain(&offers).filter(|tile| tile.is_in(value)).count(),
        chosen: folded(value) == folded(&asked.category),
    };
    let categories = std::iter::once(category("", "All")).chain(names.into_iter().map(|name| category(name, name)));
    let categories = categories.collect();
    tools.retain(|tile| tile.is_in(&asked.category));
    offers.retain(|tile| tile.is_in(&asked.category));

    let page = who.page("Integrations").await?.at(Place::Integrations);
    let organization = page.person.as_ref().and_then(|seen| seen.organization.as_ref()).map(|(_, name)| name.clone());
    let organization = organization.unwrap_or_default();
    web::page::draw(StatusCode::OK, &Catalogue { page, organization, asked, categories, tools, offers })
}
