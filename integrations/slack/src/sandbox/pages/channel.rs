//! A channel: its messages, and everything one can do there.

use askama::Template;
use axum::response::Response;
use jiff::Timestamp;

use super::super::refusal::Refusal;
use super::super::world::World;
use super::super::world::channels::{Channel, Kind};
use super::super::world::messages::{Message, Whisper};
use super::mrkdwn::{self, Line};
use super::workspace::{Row, rows};
use super::{Page, Visit, see, show as show_page};

struct Reaction {
    name: String,
    sign: String,
    count: usize,
    mine: bool,
    who: String,
}

struct Said {
    ts: String,
    anchor: String,
    author: String,
    author_id: String,
    app: bool,
    at: String,
    lines: Vec<Line>,
    /// What the author may change.
    text: String,
    edited: bool,
    mine: bool,
    whisper: bool,
    reactions: Vec<Reaction>,
    replies: Vec<Said>,
}

struct Member {
    id: String,
    name: String,
    app: bool,
}

#[derive(Template)]
#[template(path = "sandbox/channel.html")]
struct ChannelPage {
    page: Page,
    team: String,
    workspace: String,
    rows: Vec<Row>,
    here: String,
    id: String,
    name: String,
    purpose: String,
    private: bool,
    direct: bool,
    general: bool,
    archived: bool,
    joined: bool,
    said: Vec<Said>,
    members: Vec<Member>,
    others: Vec<Member>,
    commands: Vec<String>,
}

pub(super) fn show(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let me = visit.member(world)?;
    let channel = world.visible_channel(&me, visit.param("channel"))?;
    let team = world.workspace(visit.param("team"))?;
    if channel.team != team.id {
        return Err(Refusal::no_channel());
    }
    let commands =
        world.installations.iter().filter(|it| it.teams.contains(&team.id)).filter_map(|it| world.app(&it.app).ok());
    let (members, others) = world
        .users_of(&team.id)
        .filter(|user| !user.deleted)
        .map(|user| (channel.members.contains(&user.id), user))
        .fold((Vec::new(), Vec::new()), |(mut members, mut others), (is_in, user)| {
            let app = user.bot.is_some();
            let member =
                Member { id: user.id.clone(), name: if app { &user.real_name } else { &user.name }.clone(), app };
            if is_in {
                members.push(member)
            } else {
                others.push(member)
            }
            (members, others)
        });
    let rows = rows(world, &team.id, &me);
    let name =
        rows.iter().find(|row| row.id == channel.id).map_or_else(|| channel.name.clone(), |row| row.name.clone());
    Ok(show_page(&ChannelPage {
        page: Page::new(world, &visit.visitor, &format!("{name} · {}", team.name)),
        team: team.id.clone(),
        workspace: team.name.clone(),
        here: format!("{}/client/{}/{}", world.at, team.id, channel.id),
        id: channel.id.clone(),
        name,
        purpose: channel.purpose.clone(),
        private: channel.kind == Kind::Private,
        direct: channel.kind == Kind::Direct,
        general: channel.general,
        archived: channel.archived,
        joined: channel.members.contains(&me),
        said: conversation(world, channel, &me),
        members,
        others,
        commands: commands.flat_map(|app| app.settings.commands.clone()).collect(),
        rows,
    }))
}

/// From a permalink to the message on its channel's page.
pub(super) fn permalink(world: &mut World, visit: &Visit) -> Result<Response, Refusal> {
    let channel = world.channel(visit.param("channel"))?;
    let anchor = visit.param("message");
    Ok(see(world, &format!("/client/{}/{}#{anchor}", channel.team, channel.id)))
}

/// Threads below their first message, and what only I can see, by time.
fn conversation(world: &World, channel: &Channel, me: &str) -> Vec<Said> {
    let first = channel.messages.values().filter(|message| !message.is_reply());
    let mut said: Vec<Said> = first
        .map(|message| {
            let replies = channel.replies(&message.ts).map(|reply| said_by(world, reply, me)).collect();
            Said { replies, ..said_by(world, message, me) }
        })
        .collect();
    said.extend(channel.whispers.iter().filter(|it| it.to == me).map(|it| whispered(world, it)));
    said.sort_by(|one, other| one.ts.cmp(&other.ts));
    said
}

fn said_by(world: &World, message: &Message, me: &str) -> Said {
    let author = world.users.get(&message.user);
    let name = author.map_or(&message.user, |user| if user.bot.is_some() { &user.real_name } else { &user.name });
    Said {
        anchor: anchor(&message.ts),
        author: message.username.clone().unwrap_or_else(|| name.clone()),
        author_id: message.user.clone(),
        app: author.is_some_and(|author| author.bot.is_some()),
        at: time(&message.ts),
        lines: mrkdwn::lines(world, &message.words),
        text: mrkdwn::source(world, &message.words.text),
        edited: message.edited.is_some(),
        mine: message.user == me && !message.gone,
        whisper: false,
        reactions: message.reactions.iter().map(|(name, users)| reaction(world, name, users, me)).collect(),
        replies: Vec::new(),
        ts: message.ts.clone(),
    }
}

fn reaction(world: &World, name: &str, users: &[String], me: &str) -> Reaction {
    let names = users.iter().filter_map(|id| world.users.get(id)).map(|user| user.name.as_str());
    Reaction {
        name: name.to_owned(),
        sign: mrkdwn::emoji(name),
        count: users.len(),
        mine: users.iter().any(|user| user == me),
        who: names.collect::<Vec<_>>().join(", "),
    }
}

fn whispered(world: &World, whisper: &Whisper) -> Said {
    let from = whisper.from.as_ref().and_then(|id| world.users.get(id));
    Said {
        anchor: anchor(&whisper.ts),
        author: from.map_or_else(|| "Slackbot".to_owned(), |user| user.real_name.clone()),
        author_id: from.map(|user| user.id.clone()).unwrap_or_default(),
        app: true,
        at: time(&whisper.ts),
        lines: mrkdwn::lines(world, &whisper.words),
        text: String::new(),
        edited: false,
        mine: false,
        whisper: true,
        reactions: Vec::new(),
        replies: Vec::new(),
        ts: whisper.ts.clone(),
    }
}

fn anchor(ts: &str) -> String {
    format!("p{}", ts.replace('.', ""))
}

/// The time of day, in UTC.
fn time(ts: &str) -> String {
    let seconds = ts.split('.').next().and_then(|text| text.parse().ok()).unwrap_or_default();
    Timestamp::from_second(seconds).map_or_else(|_| ts.to_owned(), |at| at.strftime("%H:%M").to_string())
}
