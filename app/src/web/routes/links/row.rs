//! A link as lists show it: on settings pages, on its partner's page, and at the head of its own.

use integration_contract::{Undone, UndoneOutcome};

use crate::{
    core::{Core, integration_links, people::Member},
    db::{
        LinkId,
        entity::{
            integration_link::{LinkState, Model},
            mirror::{self, MirrorState},
        },
    },
    web::{
        page::{Moment, Tone},
        routes::mirrors,
    },
};

/// A link as lists show it: `templates/links/row.html`.
pub struct Row {
    /// Its id.
    pub id: LinkId,
    /// The partner's id.
    pub partner: String,
    /// Its short name.
    pub name: String,
    /// One sentence.
    pub summary: String,
    /// How the state looks.
    pub tone: Tone,
    /// The state in a word.
    pub state: &'static str,
    /// Why, when it is not simply working.
    pub reason: Option<String>,
    /// What its removal undid.
    pub receipt: Vec<String>,
    /// When a hook last arrived.
    pub last_hook: Option<Moment>,
    /// Whether a job is on its way that changes the state in a moment.
    pub in_motion: bool,
    /// Whether it waits for somebody to mend it.
    pub broken: bool,
    /// Whether it still is a link.
    pub living: bool,
    /// Whether this person may change or remove it.
    pub may_manage: bool,
    /// Where the form of its remove button posts to.
    pub delete_path: String,
    /// The mirrors that join it, each with its page.
    pub mirrors: Vec<(String, String)>,
}

impl Row {
    /// The row of a link, as this member may see it.
    pub fn of(core: &Core, member: &Member, link: &Model) -> Self {
        let seen = integration_links::as_partner_sees(core, link);
        let summary = match core.partners.get(&link.partner) {
            Ok(partner) => partner.integration.summary(&seen),
            Err(_) => "This installation no longer has this integration.".to_owned(),
        };
        let (tone, state) = match link.state {
            LinkState::Pending => (Tone::Attention, "Being set up"),
            LinkState::Active if link.reason.is_some() => (Tone::Attention, "In trouble"),
            LinkState::Active => (Tone::Good, "Working"),
            LinkState::Broken => (Tone::Bad, "Needs attention"),
            LinkState::Paused => (Tone::Attention, "Paused"),
            LinkState::Removing => (Tone::Neutral, "Being removed"),
            LinkState::Removed => (Tone::Neutral, "Removed"),
        };
        Self {
            id: link.id,
            partner: link.partner.clone(),
            name: link.name.clone(),
            summary,
            tone,
            state,
            reason: link.reason.clone(),
            receipt: receipt_lines(link.receipt.as_ref()),
            last_hook: link.hook_seen_at.map(Moment::at),
            in_motion: matches!(link.state, LinkState::Pending | LinkState::Removing),
            broken: link.state == LinkState::Broken,
            living: !matches!(link.state, LinkState::Removing | LinkState::Removed),
            may_manage: integration_links::must_manage(member, link).is_ok(),
            delete_path: format!("/integrations/{}/link?link={}", link.partner, link.id),
            mirrors: Vec::new(),
        }
    }

    /// With those of these mirrors that join it.
    #[must_use]
    pub fn joined_by<'a>(mut self, mirrors: impl IntoIterator<Item = &'a mirror::Model>) -> Self {
        let joins = |mirror: &&mirror::Model| {
            let is_there = !matches!(mirror.state, MirrorState::Removing | MirrorState::Removed);
            is_there && [mirror.left_link, mirror.right_link].contains(&self.id)
        };
        let joining = mirrors.into_iter().filter(joins);
        self.mirrors = joining.map(|mirror| (mirror.name.clone(), mirrors::path_of(mirror))).collect();
        self
    }
}

/// A receipt as it stands in a row, a sentence for each thing that was undone.
pub fn receipt_lines(receipt: Option<&serde_json::Value>) -> Vec<String> {
    let receipt: Vec<Undone> = receipt.and_then(|json| serde_json::from_value(json.clone()).ok()).unwrap_or_default();
    receipt
        .into_iter()
        .map(|undone| match undone.outcome {
            UndoneOutcome::Removed => format!("Removed {}.", undone.what),
            UndoneOutcome::AlreadyGone => format!("{}: was gone already.", capitalised(&undone.what)),
            UndoneOutcome::LeftOver(why) => format!("Left over: {}. {why}", undone.what),
        })
        .collect()
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
