//! Who and what is there when the sandbox opens.

use super::channels::Kind;
use super::messages::NewMessage;
use super::people::User;
use super::{Workspace, World, now, typed};
use crate::sandbox::refusal::Refusal;

const ACME: &str = "T0ACME0001";
const UMBRA: &str = "T0UMBRA001";
const ADA: &str = "U0ADA00001";
const BOB: &str = "U0BOB00002";
const GRACE: &str = "U0GRACE003";
const EVE: &str = "U0EVE00004";

pub(super) fn fill(world: &mut World) {
    for (id, name, domain) in [(ACME, "Acme", "acme"), (UMBRA, "Umbra", "umbra")] {
        let workspace = Workspace { id: id.to_owned(), name: name.to_owned(), domain: domain.to_owned() };
        world.workspaces.insert(id.to_owned(), workspace);
    }
    for (id, team, name, real_name, admin) in [
        (ADA, ACME, "ada", "Ada Codes", true),
        (BOB, ACME, "bob", "Bob Builds", false),
        (GRACE, ACME, "grace", "Grace Outside", false),
        (EVE, UMBRA, "eve", "Eve Umbra", true),
    ] {
        let user = User {
            id: id.to_owned(),
            teams: vec![team.to_owned()],
            name: name.to_owned(),
            real_name: real_name.to_owned(),
            admin,
            deleted: false,
            bot: None,
            updated: now(),
        };
        world.users.insert(id.to_owned(), user);
    }
    channels(world).expect("the seed fits the rules");
}

fn channels(world: &mut World) -> Result<(), Refusal> {
    add(world, ACME, "C0ACMEGEN1", "general", Kind::Public, &[ADA, BOB, GRACE], "For everyone")?;
    add(world, ACME, "C0ACMEDONE", "done", Kind::Public, &[ADA, BOB, GRACE], "What we got done")?;
    add(world, ACME, "C0ACMERND1", "random", Kind::Public, &[ADA, BOB], "For the rest")?;
    add(world, ACME, "C0ACMEPLAN", "secret-plans", Kind::Private, &[ADA, BOB], "Not for everyone")?;
    add(world, ACME, "C0ACMEOLD1", "old-news", Kind::Public, &[ADA], "What was")?;
    add(world, UMBRA, "C0UMBRAGEN", "general", Kind::Public, &[EVE], "For everyone")?;
    add(world, UMBRA, "C0UMBRADON", "done", Kind::Public, &[EVE], "What we got done")?;
    add(world, UMBRA, "C0UMBRASEC", "undercover", Kind::Private, &[EVE], "Not for everyone")?;
    for general in ["C0ACMEGEN1", "C0UMBRAGEN"] {
        world.channel_mut(general)?.general = true;
    }
    say(world, ADA, "C0ACMEGEN1", "Welcome, everyone!")?;
    say(world, BOB, "C0ACMEDONE", "Fixed the chart that was empty on Sundays")?;
    say(world, ADA, "C0ACMEDONE", "Nice. Does #general know?")?;
    say(world, ADA, "C0ACMEPLAN", "Nobody may know yet.")?;
    say(world, ADA, "C0ACMEOLD1", "This channel is over.")?;
    say(world, EVE, "C0UMBRADON", "Kept the rain off")?;
    world.archive_channel(ADA, "C0ACMEOLD1")
}

fn add(
    world: &mut World,
    team: &str,
    id: &str,
    name: &str,
    kind: Kind,
    members: &[&str],
    purpose: &str,
) -> Result<(), Refusal> {
    let creator = members.first().copied().unwrap_or(ADA);
    let id = world.add_channel(Some(id), creator, team, name, kind)?;
    let channel = world.channel_mut(&id)?;
    channel.members.extend(members.iter().map(|&member| member.to_owned()));
    channel.purpose = purpose.to_owned();
    Ok(())
}

fn say(world: &mut World, who: &str, channel: &str, line: &str) -> Result<(), Refusal> {
    let words = typed(world, &world.channel(channel)?.team, line);
    world.post(who, channel, NewMessage { words, ..NewMessage::default() }).map(drop)
}
