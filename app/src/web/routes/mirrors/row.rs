//! A mirror as lists show it: on the team's settings, and at the head of its own page.

use crate::{
    core::{
        Core,
        health::{
            Standings,
            next_step::{self, Looks},
            standing::admins_of,
        },
        mirrors::{self, Listed},
        people::Member,
    },
    db::{
        MirrorId,
        entity::{
            integration_link::{self, LinkState},
            mirror::{MirrorState, Model, Side},
        },
    },
    web::{
        self,
        mend::{Around, Mend},
        page::{Moment, Tone},
        routes::links::{self, receipt_lines},
    },
};

/// A mirror as lists show it: `templates/mirrors/row.html`.
pub struct Row {
    /// Its id.
    pub id: MirrorId,
    /// What people call it.
    pub name: String,
    /// The links it joins, as far as they are there.
    pub ends: Vec<links::Row>,
    /// How the state looks.
    pub tone: Tone,
    /// The state in a word or two.
    pub state: &'static str,
    /// When the state began.
    pub began: Moment,
    /// Since when it does not work.
    pub since: Option<Moment>,
    /// Why, when it is not simply working.
    pub reason: Option<String>,
    /// The one thing to do about it, or about the first of its links that needs something.
    pub mend: Option<Mend>,
    /// What its removal undid.
    pub receipt: Vec<String>,
    /// How many items have a copy.
    pub pairs: u64,
    /// How many changes wait to be carried over.
    pub waiting: u64,
    /// How many could not be.
    pub failed: u64,
    /// Making up for what was there before, while it is under way: how many of a hundred are done with.
    pub backfilled: Option<u64>,
    /// Whether a job is on its way that changes the state in a moment.
    pub in_motion: bool,
    /// Whether it still is a mirror.
    pub living: bool,
    /// Whether this person may change or remove it.
    pub may_manage: bool,
    /// What goes when it is removed, and what stays.
    pub goes: String,
}

impl Row {
    /// The rows of mirrors of one organization, as this member may see them on the page at `next`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn all(core: &Core, member: &Member, listed: &[Listed], next: &str) -> web::Result<Vec<Self>> {
        let mut links = Vec::new();
        for listed in listed {
            links.extend(listed.left.iter().chain(&listed.right));
        }
        let standings = Standings::of(core, member, &links).await?;
        let stopped = listed.iter().any(|listed| !matches!(listed.mirror.state, MirrorState::Active));
        let admins = if stopped && !member.is_admin() { admins_of(core, member).await? } else { Vec::new() };
        Ok(listed.iter().map(|listed| Self::of(core, member, listed, &standings, &admins, next)).collect())
    }

    fn of(core: &Core, member: &Member, listed: &Listed, standings: &Standings, admins: &[String], next: &str) -> Self {
        let mirror = &listed.mirror;
        let links = || [&listed.left, &listed.right].into_iter().flatten();
        let ends: Vec<_> = links().map(|link| links::Row::of(core, member, link, standings, next)).collect();
        let may_manage = mirrors::must_manage(member).is_ok();
        let looks = if may_manage { Looks::Manager } else { Looks::AtTeams };
        let whole = links().filter(|link| crate::core::integration_links::lives(link)).count() == 2;
        let own = next_step::of_mirror(mirror.state, whole, looks)
            .map(|step| Mend::of_mirror(core, step, mirror, Around { names: admins, next }));
        let troubled = ends.iter().find(|end| end.mend.is_some()).filter(|_| mirror.state == MirrorState::Active);
        let reason = mirror.reason.clone().or_else(|| {
            let end = troubled?;
            Some(format!("{}: {}", end.name, end.reason.as_deref().unwrap_or(end.state)))
        });
        let since = match mirror.state {
            MirrorState::Active => troubled.and_then(|end| end.since),
            MirrorState::Paused | MirrorState::Broken => Some(Moment::at(mirror.state_since)),
            MirrorState::Removing | MirrorState::Removed => None,
        };
        let mend = own.or_else(|| troubled.and_then(|end| end.mend.clone()));
        let being_set_up = links().any(|link| link.state == LinkState::Pending);
        let is_ready = links().all(|link| link.state == LinkState::Active);
        let (tone, state) = match mirror.state {
            MirrorState::Active if being_set_up => (Tone::Attention, "Being set up"),
            MirrorState::Active if !is_ready => (Tone::Attention, "A link does not work"),
            MirrorState::Active => (Tone::Good, "Working"),
            MirrorState::Paused => (Tone::Attention, "Paused"),
            MirrorState::Broken => (Tone::Bad, "Stopped"),
            MirrorState::Removing => (Tone::Neutral, "Being removed"),
            MirrorState::Removed => (Tone::Neutral, "Removed"),
        };
        let living = is_living(mirror);
        Self {
            id: mirror.id,
            name: mirror.name.clone(),
            tone,
            state,
            began: Moment::at(mirror.state_since),
            since,
            reason,
            mend,
            receipt: receipt_of(listed),
            pairs: listed.pairs,
            waiting: listed.waiting,
            failed: listed.failed,
            backfilled: listed.backfill.as_ref().filter(|so_far| so_far.is_under_way()).map(|so_far| so_far.percent()),
            in_motion: mirror.state == MirrorState::Removing || (living && being_set_up),
            living,
            may_manage,
            goes: goes(listed),
            ends,
        }
    }

    /// How it fares, in numbers.
    pub fn numbers(&self) -> String {
        let mut said = match self.pairs {
            0 => "Nothing is joined yet".to_owned(),
            1 => "1 pair is joined".to_owned(),
            many => format!("{many} pairs are joined"),
        };
        if self.waiting > 0 {
            said.push_str(&format!(", {} on the way", changes(self.waiting)));
        }
        if self.failed > 0 {
            said.push_str(&format!(", {} could not be carried over", changes(self.failed)));
        }
        said + "."
    }
}

fn changes(many: u64) -> String {
    match many {
        1 => "1 change".to_owned(),
        many => format!("{many} changes"),
    }
}

fn is_living(mirror: &Model) -> bool {
    !matches!(mirror.state, MirrorState::Removing | MirrorState::Removed)
}

/// What goes when a mirror is removed, and what stays.
fn goes(listed: &Listed) -> String {
    let named = |goes: bool| {
        let links = [&listed.left, &listed.right].into_iter().flatten();
        let names: Vec<_> =
            links.filter(|link| listed.takes.contains(&link.id) == goes).map(|link| link.name.as_str()).collect();
        names.join(" and ")
    };
    match (named(true), named(false)) {
        (gone, stays) if gone.is_empty() => format!("Removing it leaves the links to {stays} as they are."),
        (gone, stays) if stays.is_empty() => {
            format!("Removing it removes the links to {gone}, with what was set up for them there and nothing else.")
        }
        (gone, stays) => format!(
            "Removing it removes the link to {gone}, with what was set up for it there and nothing else. The link to {stays} \
             stays."
        ),
    }
}

/// What its removal undid: at the partners, or that nothing had to be.
fn receipt_of(listed: &Listed) -> Vec<String> {
    let mirror = &listed.mirror;
    if mirror.state != MirrorState::Removed {
        return Vec::new();
    }
    let mut lines = receipt_lines(mirror.receipt.as_ref());
    let stays = |side: Side, link: &Option<integration_link::Model>| {
        let link = link.as_ref().filter(|link| !mirror.made(side) && crate::core::integration_links::lives(link))?;
        Some(format!("The link to {} stayed: the team had it before.", link.name))
    };
    lines.extend(stays(Side::Left, &listed.left));
    lines.extend(stays(Side::Right, &listed.right));
    if lines.is_empty() {
        lines.push("Nothing had to be undone.".to_owned());
    }
    lines
}
