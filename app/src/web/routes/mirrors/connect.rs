//! The accounts that a new mirror's links can act with, and connecting one on the way.

use integration_contract::Connect;

use super::word;
use crate::{
    core::{Core, Error, integration_users, partners::Partner, people::Member},
    db::{
        IntegrationUserId,
        entity::{
            integration_user::{AccountState, Model},
            mirror::Side,
        },
    },
    web::routes::site::SiteField,
};

/// The accounts of one side.
pub struct Accounts {
    rows: Vec<Model>,
    chosen: Option<IntegrationUserId>,
    /// Whether the partner has accounts at all.
    needed: bool,
}

impl Accounts {
    /// Those that work; `wished` is chosen if it is one of them, and the only one is chosen by itself.
    pub async fn of(
        core: &Core,
        member: &Member,
        partner: &Partner,
        wished: Option<IntegrationUserId>,
    ) -> Result<Self, Error> {
        let needed = !matches!(partner.integration.card().connect, Connect::Nothing);
        let mut rows = integration_users::usable(core, member).await?;
        rows.retain(|row| row.partner == partner.id() && row.state == AccountState::Connected);
        if !partner.acts_with_accounts() {
            rows.retain(|row| row.expires_at.is_none_or(|at| at > core.clock.now()));
        }
        let chosen = match rows.as_slice() {
            [only] => Some(only.id),
            _ => rows.iter().map(|row| row.id).find(|id| Some(*id) == wished),
        };
        Ok(Self { rows, chosen, needed })
    }

    /// The one that is acted with.
    pub fn chosen(&self) -> Option<&Model> {
        self.rows.iter().find(|row| Some(row.id) == self.chosen)
    }

    /// Whether nothing is left to choose.
    pub fn is_chosen(&self) -> bool {
        !self.needed || self.chosen.is_some()
    }

    /// Whether this is one of them.
    pub fn has(&self, id: IntegrationUserId) -> bool {
        self.rows.iter().any(|row| row.id == id)
    }
}

/// One side, as the page draws it: `templates/mirrors/_accounts.html`.
pub struct AccountPart {
    /// The word for the side.
    pub side: &'static str,
    /// The partner's id.
    pub partner: &'static str,
    /// The partner's name.
    pub partner_name: &'static str,
    /// Those to choose from.
    pub accounts: Vec<AccountChoice>,
    /// Whether the partner has accounts at all.
    pub needed: bool,
    /// Whether one is chosen.
    pub chosen: bool,
    /// What is to be said before the partner's consent page.
    pub site: Option<SiteField>,
}

/// One account.
pub struct AccountChoice {
    /// Its id.
    pub id: IntegrationUserId,
    /// What people call it, with what tells it from others.
    pub name: String,
    /// Whether it is chosen, or would be: the one that was connected last.
    pub chosen: bool,
}

impl AccountPart {
    /// Of one side; with the field for the partner's site as it was sent, when that can't be used.
    pub fn of(side: Side, partner: &Partner, accounts: &Accounts, refused: Option<SiteField>) -> Self {
        let last_site = accounts.rows.iter().filter_map(|row| row.site.as_deref()).next_back().unwrap_or_default();
        let latest = accounts.rows.iter().max_by_key(|row| row.connected_at).map(|row| row.id);
        let marked = accounts.chosen.or(latest);
        let choice = |row: &Model| AccountChoice {
            id: row.id,
            name: match (&row.site, row.user_id) {
                (Some(site), _) => format!("{} ({site})", row.account_name),
                (None, None) => format!("{} (for everybody in the organization)", row.account_name),
                (None, Some(_)) => row.account_name.clone(),
            },
            chosen: marked == Some(row.id),
        };
        Self {
            side: word(side),
            partner: partner.id(),
            partner_name: partner.name(),
            accounts: accounts.rows.iter().map(choice).collect(),
            needed: accounts.needed,
            chosen: accounts.is_chosen(),
            site: refused.or_else(|| SiteField::of(partner, last_site)),
        }
    }
}
