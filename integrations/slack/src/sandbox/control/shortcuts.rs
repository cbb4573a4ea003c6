//! Shortcuts past pages and consent, for tests and for pointing other clients here.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use integration_sandboxkit::{rules, table};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Sandbox;
use super::super::hooks::command::{self, Typed};
use super::super::oauth::{consent, scopes};
use super::super::refusal::Refusal;
use super::super::shapes;
use super::super::world::channels::Kind;
use super::super::world::tokens::{End, Holder};
use super::super::world::{AppId, ChannelId, TeamId, Ts, UserId, World};
use super::{answer, apps};

pub(in super::super) async fn overview(State(sandbox): State<Sandbox>) -> Json<Value> {
    let world = sandbox.world();
    let workspaces: Value = world
        .workspaces
        .values()
        .map(|team| {
            let users: Value = world.users_of(&team.id).map(|user| shapes::people::user(&world, user, true)).collect();
            let channels: Value =
                world.channels_of(&team.id).map(|it| shapes::channel::channel(it, "", true)).collect();
            json!({"id": team.id, "name": team.name, "domain": team.domain, "users": users, "channels": channels})
        })
        .collect();
    let apps: Value = world.apps.iter().map(apps::shown).collect();
    let effects = [rules::effects(), table(include_str!("rules.rs"))].concat();
    let at = &world.at;
    Json(json!({
        "what": "Slack sandbox: a stand-in inside Patchbay",
        "web": at,
        "api": format!("{at}/api/"),
        "authorize": format!("{at}/oauth/v2/authorize"),
        "workspaces": workspaces,
        "apps": apps,
        "control": table(include_str!("mod.rs")),
        "effects_of_rules": effects,
        "effects_of_deliveries": table(include_str!("mail.rs")),
    }))
}

#[derive(Deserialize)]
pub(super) struct Authorize {
    /// An id or a handle.
    user: String,
    url: String,
    #[serde(default)]
    decision: Decision,
    #[serde(default)]
    enterprise: bool,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Decision {
    #[default]
    Allow,
    Cancel,
}

pub(super) async fn authorize(State(sandbox): State<Sandbox>, Json(ask): Json<Authorize>) -> Response {
    sandbox.change(|world| {
        let redirect = user(world, &ask.user).and_then(|who| {
            consent::decide_for(world, &who, &ask.url, ask.decision == Decision::Allow, ask.enterprise)
        });
        answer(redirect.map(|url| json!({"redirect": url})))
    })
}

#[derive(Deserialize)]
pub(super) struct Install {
    user: String,
    app: Option<AppId>,
    #[serde(default)]
    scopes: String,
    #[serde(default)]
    user_scopes: String,
    #[serde(default)]
    enterprise: bool,
}

pub(super) async fn install(State(sandbox): State<Sandbox>, Json(ask): Json<Install>) -> Response {
    let mut world = sandbox.world();
    answer(install_app(&mut world, &ask))
}

fn install_app(world: &mut World, ask: &Install) -> Result<Value, Refusal> {
    let who = user(world, &ask.user)?;
    let team = world.user(&who)?.home().to_owned();
    let app = ask.app.clone().unwrap_or_else(|| world.apps[0].id.clone());
    let rotating = world.app(&app)?.settings.token_rotation;
    let (bot_scopes, user_scopes) = (scopes::split(&ask.scopes), scopes::split(&ask.user_scopes));
    let installation = world.install(&app, &team, ask.enterprise, &who, &bot_scopes);
    let mut issue = |holder, scopes: &[String]| {
        world.tokens.issue(&app, &installation.teams, installation.enterprise, holder, scopes, rotating)
    };
    let bot = issue(Holder::Bot(installation.bot.clone()), &installation.scopes);
    let person = (!user_scopes.is_empty()).then(|| issue(Holder::Person(who), &user_scopes));
    let bot_id = world.user(&installation.bot)?.bot.as_ref().map(|bot| bot.id.clone());
    Ok(json!({
        "team": team,
        "app": app,
        "bot_token": bot.value,
        "refresh_token": bot.refresh,
        "bot_user_id": installation.bot,
        "bot_id": bot_id,
        "user_token": person.map(|token| token.value),
    }))
}

#[derive(Deserialize)]
pub(super) struct EndTokens {
    team: TeamId,
    how: Ending,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ending {
    Revoked,
    Expired,
    Uninstalled,
}

pub(super) async fn end_tokens(State(sandbox): State<Sandbox>, Json(ask): Json<EndTokens>) -> Json<Value> {
    let mut world = sandbox.world();
    let there = world.tokens.list.iter_mut().filter(|token| token.teams.contains(&ask.team));
    let mut ended = 0;
    for token in there {
        match ask.how {
            Ending::Revoked => token.ended = Some(End::Revoked),
            Ending::Uninstalled => token.ended = Some(End::Uninstalled),
            // A refresh still helps.
            Ending::Expired => token.expires = Some(Timestamp::now()),
        }
        ended += 1;
    }
    Json(json!({"ended": ended}))
}

pub(super) async fn expire_codes(State(sandbox): State<Sandbox>) -> Json<Value> {
    sandbox.world().tokens.expire_codes();
    Json(json!({"expired": true}))
}

pub(super) async fn expire_response_urls(State(sandbox): State<Sandbox>) -> Json<Value> {
    for url in sandbox.world().reply_urls.values_mut() {
        url.expires = Timestamp::now();
    }
    Json(json!({"expired": true}))
}

#[derive(Deserialize)]
pub(super) struct Say {
    user: String,
    channel: ChannelId,
    text: String,
    thread_ts: Option<Ts>,
}

pub(super) async fn say(State(sandbox): State<Sandbox>, Json(ask): Json<Say>) -> Response {
    let typed = {
        let world = sandbox.world();
        user(&world, &ask.user).and_then(|user| {
            let team = world.visible_channel(&user, &ask.channel)?.team.clone();
            Ok(Typed { team, channel: ask.channel, user, line: ask.text })
        })
    };
    let done = match typed {
        Ok(typed) if typed.line.starts_with('/') => command::run(&sandbox, typed).await.map(|()| json!({"ts": null})),
        Ok(typed) => {
            let say = |world: &mut World| world.type_message(&typed.user, &typed.channel, &typed.line, ask.thread_ts);
            sandbox.change(say).map(|ts| json!({"ts": ts}))
        }
        Err(refusal) => Err(refusal),
    };
    answer(done)
}

pub(super) async fn channel(State(sandbox): State<Sandbox>, Path(id): Path<ChannelId>) -> Response {
    let world = sandbox.world();
    answer(world.channel(&id).map(|channel| {
        let messages: Value = channel
            .messages
            .values()
            .map(|message| {
                let mut shown = shapes::message::message(&world, message, "");
                shown["metadata"] = json!(message.words.metadata);
                shown
            })
            .collect();
        let whispers: Value = channel
            .whispers
            .iter()
            .map(|it| json!({"ts": it.ts, "to": it.to, "from": it.from, "text": it.words.text, "blocks": it.words.blocks}))
            .collect();
        json!({
            "channel": shapes::channel::channel(channel, "", true),
            "members": channel.members,
            "messages": messages,
            "whispers": whispers,
        })
    }))
}

#[derive(Deserialize)]
pub(super) struct ManyChannels {
    team: TeamId,
    prefix: String,
    count: usize,
    #[serde(default)]
    private: bool,
}

pub(super) async fn make_channels(State(sandbox): State<Sandbox>, Json(ask): Json<ManyChannels>) -> Response {
    sandbox.change(|world| {
        let creator = world.users_of(&ask.team).find(|user| user.bot.is_none()).map(|user| user.id.clone());
        let Some(creator) = creator else { return answer(Err(Refusal::new("team_not_found"))) };
        let width = ask.count.to_string().len();
        let kind = if ask.private { Kind::Private } else { Kind::Public };
        let made: Result<Vec<ChannelId>, Refusal> = (1..=ask.count)
            .map(|number| {
                world.add_channel(None, &creator, &ask.team, &format!("{}-{number:0width$}", ask.prefix), kind)
            })
            .collect();
        answer(made.map(|ids| json!({"created": ids})))
    })
}

/// Somebody by id, or by handle.
fn user(world: &World, name: &str) -> Result<UserId, Refusal> {
    let found = world.users.values().find(|user| user.bot.is_none() && (user.id == name || user.name == name));
    found.map(|user| user.id.clone()).ok_or_else(|| Refusal::new("user_not_found"))
}
