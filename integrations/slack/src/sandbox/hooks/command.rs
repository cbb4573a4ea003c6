//! Slash commands: a form to the app, three seconds for its answer, no second try.
//! <https://docs.slack.dev/interactivity/implementing-slash-commands>

use integration_sandboxkit::random;
use serde_json::Value;
use url::form_urlencoded::Serializer;

use super::super::Sandbox;
use super::super::refusal::Refusal;
use super::super::world::channels::Kind;
use super::super::world::messages::Words;
use super::super::world::replies::Reply;
use super::super::world::{AppId, ChannelId, TeamId, UserId, World, now};
use super::courier::{self, Letter, Purpose};

/// A line that somebody typed, beginning with a slash.
pub(in super::super) struct Typed {
    pub team: TeamId,
    pub channel: ChannelId,
    pub user: UserId,
    pub line: String,
}

/// Where the app may answer, and what failed if it does not.
struct Asked {
    letter: Letter,
    reply_key: String,
    command: String,
}

/// Runs the command and shows the answer to whoever typed it.
pub(in super::super) async fn run(sandbox: &Sandbox, typed: Typed) -> Result<(), Refusal> {
    let asked = sandbox.change(|world| ask(world, &typed))?;
    let Some(asked) = asked else { return Ok(()) };
    let command = asked.command.clone();
    let (status, body) = courier::deliver_and_record(sandbox, asked.letter).await;
    sandbox.change(|world| match status {
        200 => answer(world, &asked.reply_key, &body),
        // Nothing came within three seconds, or nobody was there.
        0 => fail(world, &typed, &command, "operation_timeout"),
        _ => fail(world, &typed, &command, "dispatch_failed"),
    })
}

fn ask(world: &mut World, typed: &Typed) -> Result<Option<Asked>, Refusal> {
    let place = world.visible_channel(&typed.user, &typed.channel)?;
    if place.archived {
        return Err(Refusal::new("is_archived"));
    }
    let (command, text) = typed.line.split_once(char::is_whitespace).unwrap_or((&typed.line, ""));
    let Some(app) = listening_app(world, &typed.team, command) else {
        let text = format!(
            "{command} is not a valid command. In Slack, all messages that start with the \"/\" character are interpreted as commands."
        );
        world.whisper(None, &typed.user, &typed.channel, Words::of(text))?;
        return Ok(None);
    };
    let Some(bot) = world.installation(&app, &typed.team).map(|it| it.bot.clone()) else { return Ok(None) };
    let (url, reply_key) = world.make_reply_url(&typed.team, &typed.channel, &typed.user, &bot);
    let body = form(world, typed, &app, command, text.trim(), &url)?;
    let letter = Letter::new(&app, typed.team.clone(), Purpose::Command, "", body);
    let letter = world.tampered(Letter { label: command.to_owned(), ..letter });
    Ok(Some(Asked { letter, reply_key, command: command.to_owned() }))
}

/// The app that has this command, is installed here, and was allowed commands when it was.
fn listening_app(world: &World, team: &str, command: &str) -> Option<AppId> {
    let has = |app: &str| world.app(app).is_ok_and(|app| app.settings.commands.iter().any(|it| it == command));
    let mut installed = world.installations.iter().filter(|it| it.teams.iter().any(|place| place == team));
    let found = installed.find(|it| it.scopes.iter().any(|scope| scope == "commands") && has(&it.app));
    found.map(|it| it.app.clone())
}

fn form(world: &World, typed: &Typed, app: &str, command: &str, text: &str, url: &str) -> Result<String, Refusal> {
    let (app, team) = (world.app(app)?, world.workspace(&typed.team)?);
    let (place, user) = (world.channel(&typed.channel)?, world.user(&typed.user)?);
    let channel_name = match place.kind {
        Kind::Public => place.name.as_str(),
        Kind::Private => "privategroup",
        Kind::Direct => "directmessage",
    };
    let trigger = format!("{}.{}.{}", now(), random::hex(10), random::hex(32));
    let mut form = Serializer::new(String::new());
    form.append_pair("token", &app.verification_token)
        .append_pair("team_id", &team.id)
        .append_pair("team_domain", &team.domain);
    if let Some(enterprise) = &world.enterprise {
        form.append_pair("enterprise_id", &enterprise.id).append_pair("enterprise_name", &enterprise.name);
    }
    let installed_for_all = world.installation(&app.id, &team.id).is_some_and(|it| it.enterprise);
    form.append_pair("channel_id", &place.id)
        .append_pair("channel_name", channel_name)
        .append_pair("user_id", &user.id)
        .append_pair("user_name", &user.name)
        .append_pair("command", command)
        .append_pair("text", text)
        .append_pair("api_app_id", &app.id)
        .append_pair("is_enterprise_install", if installed_for_all { "true" } else { "false" })
        .append_pair("response_url", url)
        .append_pair("trigger_id", &trigger);
    Ok(form.finish())
}

/// What the app answered at once: nothing, a text, or JSON.
fn answer(world: &mut World, reply_key: &str, body: &str) -> Result<(), Refusal> {
    if body.trim().is_empty() {
        return Ok(());
    }
    let json = serde_json::from_str::<Value>(body).ok().filter(Value::is_object);
    let reply = match json {
        Some(json) => read_reply(&json),
        None => Reply { words: Words::of(body), in_channel: false, replace: false, delete: false, thread: None },
    };
    match world.say(reply_key, reply) {
        // An answer of JSON without anything to show is just a "yes".
        Err(refusal) if refusal.error == "no_text" => Ok(()),
        other => other,
    }
}

/// The JSON of an answer to a command, at once or by its `response_url`.
pub(in super::super) fn read_reply(json: &Value) -> Reply {
    let list = |name: &str| json[name].is_array().then(|| json[name].clone());
    let flag = |name: &str| json[name] == true || json[name] == "true";
    Reply {
        words: Words {
            text: json["text"].as_str().unwrap_or_default().to_owned(),
            blocks: list("blocks"),
            attachments: list("attachments"),
            metadata: None,
        },
        in_channel: json["response_type"] == "in_channel",
        replace: flag("replace_original"),
        delete: flag("delete_original"),
        thread: json["thread_ts"].as_str().map(str::to_owned),
    }
}

fn fail(world: &mut World, typed: &Typed, command: &str, error: &str) -> Result<(), Refusal> {
    let text = format!("{command} failed with the error \"{error}\"");
    world.whisper(None, &typed.user, &typed.channel, Words::of(text)).map(drop)
}
