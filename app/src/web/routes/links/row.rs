//! A link as lists show it: on settings pages, on its partner's page, and at the head of its own.

use std::time::Duration;

use integration_contract::{Undone, UndoneOutcome};

use super::REMOVAL;
use crate::{
    core::{
        Core,
        health::{Standings, troubles::named},
        integration_links,
        people::Member,
    },
    db::{
        LinkId,
        entity::{
            integration_link::{LinkState, Model},
            mirror::{self, MirrorState},
        },
    },
    web::{
        self,
        mend::{Around, Mend},
        page::{Moment, Tone},
        routes::mirrors,
    },
};

/// What a pause means.
const PAUSED: &str = "Until it is resumed, nothing comes or goes through it. What arrives is listed, and can be read or sent again \
                      after that.";

/// For how long pages say that a link could hear nothing for a while.
const UNHEARD_SAID: Duration = Duration::from_hours(7 * 24);

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
    /// Since when it stands so, where that is worth a word: it does not work.
    pub since: Option<Moment>,
    /// What is kept until it works again, in a sentence.
    pub held: Option<String>,
    /// The one thing to do about it.
    pub mend: Option<Mend>,
    /// What its removal undid.
    pub receipt: Vec<String>,
    /// When a hook last arrived.
    pub last_hook: Option<Moment>,
    /// Whether a job is on its way that changes the state in a moment.
    pub in_motion: bool,
    /// Whether it still is a link.
    pub living: bool,
    /// Whether this person may change or remove it.
    pub may_manage: bool,
    /// Where the form of its remove button posts to.
    pub delete_path: String,
    /// From when until when it could hear nothing, if that is not long ago.
    pub unheard: Option<(Moment, Moment)>,
    /// The mirrors that join it, each with its page.
    pub mirrors: Vec<(String, String)>,
}

impl Row {
    /// The rows of links of one organization, as this member may see them on the page at `next`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn all(core: &Core, member: &Member, links: &[Model], next: &str) -> web::Result<Vec<Self>> {
        let all: Vec<&Model> = links.iter().collect();
        let standings = Standings::of(core, member, &all).await?.counting_held(core, &all).await?;
        Ok(links.iter().map(|link| Self::of(core, member, link, &standings, next)).collect())
    }

    /// The row of one link.
    pub fn of(core: &Core, member: &Member, link: &Model, standings: &Standings, next: &str) -> Self {
        let seen = integration_links::as_partner_sees(core, link);
        let summary = match core.partners.get(&link.partner) {
            Ok(partner) => partner.integration.summary(&seen),
            Err(_) => "This installation no longer has this integration.".to_owned(),
        };
        let standing = standings.of_link(core, member, link);
        let names = named(standing.step, standings);
        let around = Around { names: &names, next };
        let (tone, state) = match link.state {
            LinkState::Active if standing.needs_somebody => (Tone::Bad, "Needs attention"),
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
            reason: standing.reason.or_else(|| (link.state == LinkState::Paused).then(|| PAUSED.to_owned())),
            since: (tone != Tone::Good && tone != Tone::Neutral && link.state != LinkState::Pending)
                .then(|| Moment::at(standing.since)),
            held: standing.held.sentence(),
            mend: standing.step.map(|step| Mend::of_link(core, step, link, standings.account(link), around)),
            receipt: receipt_lines(link.receipt.as_ref()),
            last_hook: link.hook_seen_at.map(Moment::at),
            in_motion: matches!(link.state, LinkState::Pending | LinkState::Removing),
            living: integration_links::lives(link),
            may_manage: integration_links::must_manage(member, link).is_ok(),
            delete_path: format!("/integrations/{}/link?link={}", link.partner, link.id),
            unheard: unheard(core, link),
            mirrors: Vec::new(),
        }
    }

    /// What is said before it is removed.
    pub fn removal(&self) -> String {
        let names: Vec<&str> = self.mirrors.iter().map(|(name, _)| name.as_str()).collect();
        match names[..] {
            [] => REMOVAL.to_owned(),
            [one] => format!("{REMOVAL} The mirror {one} stops with it, for good."),
            _ => format!("{REMOVAL} These mirrors stop with it, for good: {}.", names.join(", ")),
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

fn unheard(core: &Core, link: &Model) -> Option<(Moment, Moment)> {
    let (from, until) = link.unheard_from.zip(link.unheard_until)?;
    (until > core.clock.before(UNHEARD_SAID)).then(|| (Moment::at(from), Moment::at(until)))
}

/// A receipt as it stands in a row, a sentence for each thing that was undone.
pub fn receipt_lines(receipt: Option<&serde_json::Value>) -> Vec<String> {
    undone_lines(receipt.and_then(|json| serde_json::from_value(json.clone()).ok()).unwrap_or_default())
}

/// A sentence for each thing that was undone at a partner.
pub fn undone_lines(undone: Vec<Undone>) -> Vec<String> {
    undone
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
