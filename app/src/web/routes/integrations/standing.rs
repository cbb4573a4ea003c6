//! How a person's teams stand with a partner, in a word or two, and where to go when that is not well. Only what the
//! person may see counts.

use crate::{
    core::{integration_links::Glimpse, partners::Partner},
    db::entity::{
        integration_link::LinkState,
        integration_user::{self, AccountState},
    },
    web::page::Tone,
};

use super::needs_account;

/// How things stand with a partner.
pub struct Standing {
    /// How it looks.
    pub tone: Tone,
    /// In a word or two.
    pub state: String,
    /// Whether there is a link.
    pub linked: bool,
    /// What does not work, and where that is mended; the first, when it is several.
    pub trouble: Option<Trouble>,
    /// What the operator has to do first, as the partner's crate says it.
    pub missing: Option<String>,
    /// Whether a link could be added at once.
    pub ready: bool,
}

/// Something that does not work.
pub struct Trouble {
    /// Its name.
    pub what: String,
    /// Its page.
    pub path: String,
}

impl Standing {
    /// `links` are those in the person's sight, `accounts` those they could link with; of all partners.
    pub fn of(partner: &Partner, links: &[Glimpse], accounts: &[integration_user::Model]) -> Self {
        let card = partner.integration.card();
        let links: Vec<_> = links.iter().filter(|link| link.partner == card.id).collect();
        let accounts: Vec<_> = accounts.iter().filter(|account| account.partner == card.id).collect();
        let missing = partner.integration.configured().err().map(|error| error.sentence().to_owned());
        let connected = accounts.iter().any(|account| account.state == AccountState::Connected);
        // A broken link's page says what to do. An account's own place is the partner's page.
        let broken_links = links.iter().filter(|link| link.state == LinkState::Broken).map(|link| Trouble {
            what: link.name.clone(),
            path: format!("/integrations/{}/link/{}", link.partner, link.id),
        });
        let broken_accounts = accounts.iter().filter(|account| account.state == AccountState::Broken);
        let broken_accounts = broken_accounts.map(|account| Trouble {
            what: account.account_name.clone(),
            path: format!("/integrations/{}", account.partner),
        });
        let mut troubles = broken_links.chain(broken_accounts);
        let trouble = troubles.next().filter(|_| missing.is_none());
        let (tone, state) = match (&missing, &trouble, links.len()) {
            (Some(_), ..) => (Tone::Neutral, "Not configured".to_owned()),
            (_, Some(_), _) => (Tone::Bad, "Needs attention".to_owned()),
            (.., 1) => (Tone::Good, "1 link".to_owned()),
            (.., 2..) => (Tone::Good, format!("{} links", links.len())),
            _ if connected => (Tone::Good, "Connected".to_owned()),
            _ => (Tone::Neutral, "Not added yet".to_owned()),
        };
        let ready = missing.is_none() && (connected || !needs_account(card));
        Self { tone, state, linked: !links.is_empty(), trouble, missing, ready }
    }
}
