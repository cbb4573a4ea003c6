//! An installation of the organization, and how the state of an account is said.

use crate::{
    core::{Core, integration_users},
    db::{
        IntegrationUserId, OrganizationId,
        entity::integration_user::{AccountState, Model},
    },
    web::{self, page::Tone},
};

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

    fn of(core: &Core, row: Model) -> Self {
        let (tone, state) = account_state(row.state);
        let name = core.partners.get(&row.partner).map_or_else(|_| row.partner.clone(), |it| it.name().to_owned());
        Self {
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

/// How an account's state looks.
pub fn account_state(state: AccountState) -> (Tone, &'static str) {
    match state {
        AccountState::Connected => (Tone::Good, "Connected"),
        AccountState::Broken => (Tone::Bad, "Connect again"),
        AccountState::Leaving => (Tone::Neutral, "Being disconnected"),
    }
}
