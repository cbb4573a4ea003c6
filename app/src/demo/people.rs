//! The demo's people, and what they got done in the last days.

use anyhow::{Context, Result};
use integration_contract::SecretString;
use jiff::{ToSpan, tz::TimeZone};

use crate::{
    core::{
        Core, entries, invitations,
        invitations::NewInvitation,
        organizations,
        people::Member,
        teams::{self, NewTeam},
        users::{self, NewUser},
    },
    db::{TeamId, UserId, entity::member::Role},
    state::DemoPerson,
};

/// Everybody's.
pub(super) const PASSWORD: &str = "patchbay";

/// In the order in which they are told.
pub(super) const PEOPLE: [DemoPerson; 3] = [
    DemoPerson { email: "ada@example.com", name: "Ada Lovelace", what: "owner of Acme, in its team Product" },
    DemoPerson { email: "bob@example.com", name: "Bob Kahn", what: "member of Acme, in its team Product" },
    DemoPerson { email: "eve@example.com", name: "Eve Moneypenny", what: "owner of Umbra, in its team Research" },
];

/// Signs everybody up and lets them write.
pub(super) async fn settle(core: &Core) -> Result<()> {
    let [ada, bob, eve] = &PEOPLE;
    let (ada, bob, eve) = (sign_up(core, ada).await?, sign_up(core, bob).await?, sign_up(core, eve).await?);

    let (ada, product) = found(core, ada, "Acme", "Product").await?;
    let bob = join(core, &ada, bob, product).await?;
    let (eve, research) = found(core, eve, "Umbra", "Research").await?;

    for (who, team, days_ago, lines) in [
        (&ada, product, 3, "Agreed with sales on what the trial shows first #trial\nReviewed the export of invoices"),
        (&bob, product, 3, "Found out why exports time out: one query per row #export"),
        (&ada, product, 2, "Interviewed two customers about the log #research"),
        (&bob, product, 2, "Made the export stream its rows #export\nAnswered six tickets"),
        (&ada, product, 1, "Wrote the release notes for 2.4 #release"),
        (&bob, product, 1, "Merged the streaming export, with @ada's review #export"),
        (&ada, product, 0, "[] Ship 2.4 to everybody #release"),
        (
            &bob,
            product,
            0,
            "Rolled 2.4 out to a tenth of the customers #release\n! Waiting for the new certificate #ops",
        ),
        (&eve, research, 1, "Measured the new antenna in the rain #antenna"),
        (&eve, research, 0, "[] Write up the measurements #antenna"),
    ] {
        write(core, who, team, days_ago, lines).await?;
    }
    Ok(())
}

async fn sign_up(core: &Core, person: &DemoPerson) -> Result<UserId> {
    let new = NewUser { email: person.email.into(), name: person.name.into(), password: SecretString::from(PASSWORD) };
    let user = users::sign_up(core, new).await.with_context(|| format!("{} can't sign up", person.email))?;
    Ok(user.id)
}

async fn found(core: &Core, user: UserId, organization: &str, team: &str) -> Result<(Member, TeamId)> {
    let team = NewTeam { name: team.into(), time_zone: here() };
    let (organization, team) = organizations::found_with_team(core, user, organization, team).await?;
    Ok((Member { organization: organization.id, user, role: Role::Owner }, team.id))
}

async fn join(core: &Core, inviter: &Member, user: UserId, team: TeamId) -> Result<Member> {
    let invitation = NewInvitation { role: Role::Member, team: Some(team) };
    let token = invitations::invite(core, inviter, invitation).await?;
    let accepted = invitations::accept(core, user, &token).await?;
    Ok(Member { organization: accepted.membership.organization.id, user, role: accepted.membership.role })
}

async fn write(core: &Core, who: &Member, team: TeamId, days_ago: i64, lines: &str) -> Result<()> {
    let zone = teams::zone(&here()).unwrap_or(TimeZone::UTC);
    let day = core.clock.today(&zone).checked_sub(days_ago.days())?;
    entries::write_on(core, who, team, Some(day), lines).await?;
    Ok(())
}

/// The time zone of this machine, so that the demo's today is the reader's.
fn here() -> String {
    let here = TimeZone::system();
    here.iana_name().filter(|name| teams::zone(name).is_some()).unwrap_or("UTC").to_owned()
}
