//! `/integrations/{p}/link`: making, removing, and looking at links.

mod activity;
mod choices;
mod event;
mod form;
mod new;
mod preview;
mod remove;
mod row;
mod show;
mod take_over;
mod trace;

pub use activity::show as activity;
pub use choices::{Combos, Sought, Wanted};
pub use form::{Acting, Refusal, form_of, has_account};
pub use new::{create, draw as new};
pub use remove::destroy;
pub use row::{Row, receipt_lines, undone_lines};
use serde::Deserialize;
pub use show::{change, show};
pub use take_over::take_over_connected;
pub use trace::show as trace;

use crate::{
    core::{Core, Error, integration_links, partners::Partner, people::Member},
    db::entity::integration_link::{LinkLevel, Model},
    web::{self, extract::SignedIn},
};

/// What a removal does, as it is said before it is done.
const REMOVAL: &str = "What was made for this link is taken away, and nothing comes or goes through it any more. Every \
                           entry stays. You get a receipt.";

/// Which link a removal is about.
#[derive(Deserialize)]
pub struct OfLink {
    link: Option<String>,
}

/// A link of this partner that the person may see.
async fn link_of(core: &Core, who: &SignedIn, partner: &Partner, id: &str) -> web::Result<(Member, Model)> {
    let id = id.trim().parse().map_err(|_| Error::NotFound)?;
    let (member, link) = integration_links::find(core, &who.person, id).await?;
    if link.partner != partner.id() {
        return Err(Error::NotFound.into());
    }
    Ok((member, link))
}

/// The settings page a link is listed on.
fn settings_path(link: &Model) -> String {
    match link.level {
        LinkLevel::Team => format!("/teams/{}/settings", link.team_id),
        LinkLevel::User => "/settings".to_owned(),
    }
}

/// The link's own page.
pub fn link_path(link: &Model) -> String {
    format!("/integrations/{}/link/{}", link.partner, link.id)
}
