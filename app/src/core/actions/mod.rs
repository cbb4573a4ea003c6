//! Actions: buttons inside a partner's product that call us.
//!
//! What a button does is written in its address (`address`), so nothing is kept for a button that nobody clicks. What comes
//! of a click is in `click`. Reading the call and checking its token is `web::routes::action`.

mod address;
mod click;

use integration_contract::{Button, Deed};
use url::Url;

pub use click::{Click, NotDone, click, forget_marks};

use super::{
    Core, Result, integration_links,
    partners::{Partner, our_url},
};
use crate::db::{
    EntryId, ItemId,
    entity::integration_link::{self, LinkState},
};

/// What a button is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// An entry of the log.
    Entry(EntryId),
    /// An item of another link of the team.
    Item(ItemId),
}

/// What a click on a button does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Completes an entry.
    Complete,
    /// Gives an item to whoever clicks.
    AssignToMe,
    /// Closes an item.
    Close,
    /// Opens an item again.
    Reopen,
}

impl Verb {
    /// What stands on the button.
    pub fn name(self) -> &'static str {
        match self {
            Self::Complete => "Mark as done",
            Self::AssignToMe => "Assign to me",
            Self::Close => "Close",
            Self::Reopen => "Reopen",
        }
    }

    /// What it does to an item; none when it is for entries.
    pub fn deed(self) -> Option<Deed> {
        match self {
            Self::Complete => None,
            Self::AssignToMe => Some(Deed::AssignToMe),
            Self::Close => Some(Deed::Close),
            Self::Reopen => Some(Deed::Reopen),
        }
    }

    /// The verb that stands for a deed; none when it takes more than a click.
    pub fn of(deed: &Deed) -> Option<Self> {
        match deed {
            Deed::AssignToMe => Some(Self::AssignToMe),
            Deed::Close => Some(Self::Close),
            Deed::Reopen => Some(Self::Reopen),
            Deed::Retitle(_) | Deed::Label(_) => None,
        }
    }
}

/// A button of this link's at its partner; none where the partner has no buttons, or the link's secret does not open.
pub fn button(core: &Core, link: &integration_link::Model, about: About, verb: Verb) -> Option<Button> {
    let partner = core.partners.get(&link.partner).ok()?;
    partner.integration.actions()?;
    let secret = integration_links::hook_secret(core, link)?;
    let token = address::write(&link.hook_key, about, verb, &secret)?;
    Some(Button { name: verb.name().to_owned(), url: button_url(core, partner, &token) })
}

/// A button that we made.
pub struct Pressed {
    /// The link at whose partner it is.
    pub link: integration_link::Model,
    /// What it is about.
    pub about: About,
    /// What it does.
    pub verb: Verb,
    /// Its whole address.
    pub url: Url,
}

/// Which button an address means.
pub enum Found {
    /// This one.
    Button(Box<Pressed>),
    /// One of a link that was removed.
    Removed,
    /// None that we made.
    Nothing,
}

/// The button with this token at this partner.
///
/// # Errors
/// When the database does not answer.
pub async fn find(core: &Core, partner: &Partner, token: &str) -> Result<Found> {
    let Ok(read) = address::read(token) else { return Ok(Found::Nothing) };
    let Some(link) = integration_links::by_hook_key(core, partner, &read.link_key()).await? else {
        return Ok(Found::Nothing);
    };
    // Its secret goes with it, so there is nothing left to check the tag with. That it was there is no news to whoever has
    // its key.
    if matches!(link.state, LinkState::Removing | LinkState::Removed) {
        return Ok(Found::Removed);
    }
    let genuine = integration_links::hook_secret(core, &link).is_some_and(|secret| read.is_genuine(&secret));
    if !genuine {
        return Ok(Found::Nothing);
    }
    let url = button_url(core, partner, token);
    Ok(Found::Button(Box::new(Pressed { link, about: read.about(), verb: read.verb(), url })))
}

/// Where the button with this token calls. Made from our settings, never from a request.
fn button_url(core: &Core, partner: &Partner, token: &str) -> Url {
    our_url(&core.site.public_url, &format!("integrations/{}/actions/{token}", partner.id()))
}
