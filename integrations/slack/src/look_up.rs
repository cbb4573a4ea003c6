//! What hooks leave out: the message that got the emoji, and what people are called.

use std::collections::BTreeSet;

use integration_contract::{Account, Author, Error, ErrorKind, Happening, IntegrationLink, NewLines, Reading, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    api::Api,
    config::Config,
    mrkdwn::{self, Names},
    oauth::{account_id, is_id, profile},
    reading::{LookUp, Said, is_emoji, line, message_id, our_own, retracted},
    settings::Settings,
    wire::Message,
};

/// More people than this in one message stay ids.
const MOST_NAMES: usize = 10;
/// What somebody wrote; all other subtypes are Slack's own words, such as "joined the channel".
const WRITTEN: [&str; 4] = ["thread_broadcast", "file_share", "me_message", "bot_message"];

pub(crate) async fn look_up(config: &Config, cx: &Account, link: &IntegrationLink, what: &Value) -> Result<Reading> {
    let settings: Settings = link.settings.read()?;
    let asked = LookUp::deserialize(what)
        .map_err(|error| Error::new(ErrorKind::Malformed, "What is to be looked up can't be read.").caused_by(error))?;
    let api = Api::new(&cx.http, &config.api_url).about(settings.about());
    let said = match asked {
        LookUp::Names(said) => said,
        LookUp::Message { channel, ts, workspace, app } => {
            let Some(message) = api.message(&channel, &ts).await? else { return Ok(retracted(&ts)) };
            match meant(&settings, &channel, &message, workspace, app.as_deref()) {
                Ok(said) => said,
                Err(reading) => return Ok(reading),
            }
        }
    };
    lines(&api, &settings, said).await
}

/// Whether the message as it stands now is meant for the log; if not, what that comes to.
fn meant(
    settings: &Settings,
    channel: &str,
    message: &Message,
    workspace: String,
    app: Option<&str>,
) -> Result<Said, Reading> {
    if message.is_of(&settings.me.user_id, settings.me.bot_id.as_deref(), app) {
        return Err(our_own());
    }
    if message.subtype.as_deref().is_some_and(|subtype| !WRITTEN.contains(&subtype)) {
        return Err(Reading::ignored("Nobody wrote that message: it is Slack's own."));
    }
    let mentions = mrkdwn::mentioned(message.text()).contains(&settings.me.user_id.as_str());
    let bears = settings.emoji.as_ref().is_some_and(|emoji| {
        let reactions = message.reactions.iter().flatten();
        reactions.into_iter().any(|reaction| reaction.count > 0 && is_emoji(&reaction.name, emoji))
    });
    if !mentions && !bears {
        return Err(retracted(&message.ts));
    }
    let of_author = message.user_team.as_ref().or(message.team.as_ref()).filter(|team| !team.is_empty());
    let workspace = of_author.filter(|_| !workspace.starts_with('E')).cloned().unwrap_or(workspace);
    let said = Said::of(settings, channel, message, workspace);
    if said.text.is_empty() { Err(Reading::ignored("The message has no text.")) } else { Ok(said) }
}

async fn lines(api: &Api<'_>, settings: &Settings, said: Said) -> Result<Reading> {
    let mut wanted: BTreeSet<&str> = mrkdwn::mentioned(&said.text).into_iter().take(MOST_NAMES).collect();
    wanted.extend(said.user.as_deref());
    let mut names = Names::new();
    for user in wanted.into_iter().filter(|user| is_id(user)) {
        if let Some(name) = api.users_info(user, None).await? {
            names.insert(user.to_owned(), line(&name));
        }
    }
    let text = mrkdwn::plain(&said.text, &names);
    if text.trim().is_empty() {
        return Ok(Reading::ignored("The message has no text."));
    }
    Ok(Reading::of(Happening::Lines(NewLines {
        external_id: message_id(&said.ts),
        text,
        url: settings.permalink(&said.channel, &said.ts, said.thread_ts.as_deref()),
        source: settings.channel(),
        author: author(settings, &said, &names),
        happened_at: said.ts.split('.').next().and_then(|seconds| seconds.parse().ok()),
    })))
}

fn author(settings: &Settings, said: &Said, names: &Names) -> Author {
    match &said.user {
        // An app posts as its bot user, under a name of its own.
        Some(user) => Author {
            id: Some(account_id(&said.workspace, user)),
            name: names.get(user).cloned().or(said.app_name.as_deref().map(line)).unwrap_or_else(|| line(user)),
            url: is_id(user).then(|| profile(&settings.me.team_url, user)).flatten(),
            avatar: None,
        },
        None => {
            let name = said.app_name.as_deref().map(line).filter(|name| !name.is_empty());
            Author { name: name.unwrap_or_else(|| "an app at Slack".to_owned()), ..Author::default() }
        }
    }
}
