//! Previews: what settings would have made of what was there already. Nothing is written.
//!
//! [`arriving()`] reads the kept hooks of a link again, [`lately()`] asks the partner what happened before there was a link,
//! [`leaving()`] goes through the team's newest entries and what its other
//! links heard of items. [`samples()`] shows at a partner what nobody did. The link may have settings that are not stored yet, or not be stored itself.

mod arriving;
mod lately;
mod leaving;
mod said;
mod samples;

pub use arriving::{Heard, arriving, would_say};
pub use lately::{Lately, lately};
pub use leaving::{Leaving, leaving};
pub use said::{Said, said};
pub use samples::samples;

use integration_contract::{CheckedLink, LinkSettings};

use super::{Core, integration_links, partners::Partner, people::Member};
use crate::db::{
    IntegrationUserId, LinkId, TeamId,
    entity::integration_link::{LinkLevel, LinkState, Model},
};

/// How many events, and how many entries, a preview goes through.
pub const SHOWN: u64 = 20;

/// A link as it would be with these settings.
pub fn with_settings(link: &Model, settings: LinkSettings) -> Model {
    Model { settings: settings.0, ..link.clone() }
}

/// A link as it would be if it were made now.
pub fn imagined(
    core: &Core,
    who: &Member,
    partner: &Partner,
    level: LinkLevel,
    team: TeamId,
    account: Option<IntegrationUserId>,
    checked: CheckedLink,
) -> Model {
    let now = core.clock.now();
    let mut link = Model {
        organization_id: who.organization,
        id: LinkId::new(),
        partner: partner.id().to_owned(),
        level,
        team_id: team,
        user_id: Some(who.user),
        integration_user_id: account,
        target: checked.target,
        live_target: None,
        settings: checked.settings.0,
        name: String::new(),
        state: LinkState::Pending,
        reason: None,
        remedy: None,
        state_since: now,
        hook_key: String::new(),
        hook_secret: None,
        given_secret: None,
        noticed: None,
        hook_seen_at: None,
        unheard_from: None,
        unheard_until: None,
        receipt: None,
        created_at: now,
        updated_at: now,
    };
    link.name = partner.integration.short_name(&integration_links::as_partner_sees(core, &link));
    link
}
