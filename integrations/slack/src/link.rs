//! Links: the form, its choices, its check, and the sentence about one. Being in the channel is `channel`.

use integration_contract::{
    Account, CheckedLink, Choice, ErrorKind, Field, FieldErrors, FieldKind, FormInput, IntegrationLink, LinkForm,
    LinkRefused, LinkSettings, Result,
};

use crate::{
    api::Api,
    chosen::{Chosen, DAILY, ITEM_WORDS, LIVE, Named, STATUS_WORDS, is_name},
    config::Config,
    error::About,
    settings::{Direction, Me, Settings, When, target, word, words_of},
    wire::Channel,
};

pub(crate) const DIRECTION: &str = "direction";
pub(crate) const CHANNEL: &str = "channel";
pub(crate) const EMOJI: &str = "emoji";
pub(crate) const STATUSES: &str = "statuses";
pub(crate) const ITEMS: &str = "items";
pub(crate) const PEOPLE: &str = "people";
pub(crate) const WHEN: &str = "when";

const DEFAULT_EMOJI: &str = "white_check_mark";

// ---- the form

pub(crate) async fn form(config: &Config, cx: &Account, so_far: &FormInput) -> Result<LinkForm> {
    let (choices, notice) = channels(config, cx).await?;
    let typed = |name: &str, default: &[&str]| match so_far.is_empty() {
        true => default.iter().map(|value| (*value).to_owned()).collect(),
        false => so_far.all(name).to_vec(),
    };
    let field = |name, label, help: &str, kind, default: &[&str]| Field {
        name,
        label,
        help: help.to_owned(),
        kind,
        values: typed(name, default),
    };
    let fields = vec![
        field(
            DIRECTION,
            "Direction",
            "What people write at Slack can become entries, and entries can be posted there.",
            FieldKind::Many(vec![
                choice("incoming", "From Slack to the log"),
                choice("outgoing", "From the log to Slack"),
            ]),
            &["incoming", "outgoing"],
        ),
        field(
            CHANNEL,
            "Channel",
            "The app joins a public channel by itself. Into a private one somebody has to invite it first: type /invite \
             and the app's name there.",
            FieldKind::Search { choices, placeholder: "#done, or the channel's address" },
            &[],
        ),
        field(
            EMOJI,
            "Emoji that makes a message an entry",
            "Whoever reacts with it to a message puts that message into the log, as an entry of the one who wrote it. \
             Leave it empty to switch this off.",
            FieldKind::Text { placeholder: DEFAULT_EMOJI },
            &[DEFAULT_EMOJI],
        ),
        field(
            STATUSES,
            "Which entries go to Slack",
            "",
            FieldKind::Many(STATUS_WORDS.iter().map(|(_, id, label)| choice(id, label)).collect()),
            &["done", "goal", "blocked"],
        ),
        field(PEOPLE, "Whose entries go to Slack", "Choose nobody for everybody's.", FieldKind::Members, &[]),
        field(
            WHEN,
            "When they go",
            "Items go at once, whatever you choose here. The hour of the team's digest stands in the team's settings.",
            FieldKind::One(
                [choice(LIVE, "At once"), choice(DAILY, "Every day at the hour of the team's digest")]
                    .into_iter()
                    .chain((0..24).map(|hour| choice(&format!("digest:{hour}"), &daily(hour))))
                    .collect(),
            ),
            &[LIVE],
        ),
        field(
            ITEMS,
            "Items of the team's other links",
            "Each becomes a thread of the channel, and what happens to it goes below. Entries about items then stay in \
             the log.",
            FieldKind::Many(ITEM_WORDS.iter().map(|(_, id, label)| choice(id, label)).collect()),
            &[],
        ),
    ];
    Ok(LinkForm { fields, notice, ..LinkForm::default() })
}

fn choice(value: &str, label: &str) -> Choice {
    Choice { value: value.to_owned(), label: label.to_owned() }
}

fn daily(hour: u8) -> String {
    format!("Every day at {hour:02}:00 in the team's time zone")
}

async fn channels(config: &Config, cx: &Account) -> Result<(Vec<Choice>, Option<String>)> {
    if of_an_organization(cx) {
        let notice = "The app is installed for a whole organization at Slack, so its channels are not listed. Paste the \
                      channel's address: in Slack, open the channel's details, Copy link.";
        return Ok((Vec::new(), Some(notice.to_owned())));
    }
    let listed = Api::new(&cx.http, &config.api_url).conversations_list().await?;
    let choices: Vec<_> = listed
        .items
        .iter()
        .filter(|channel| !channel.is_archived && !channel.is_im && !channel.is_mpim && is_name(&channel.name))
        .map(|channel| {
            let private = if channel.is_private { " (private)" } else { "" };
            choice(&format!("#{}", channel.name), &format!("#{}{private}", channel.name))
        })
        .collect();
    let notice = if !listed.complete {
        Some(
            "Not all channels are listed: it took too long, or there are very many. Any other can be pasted by its \
              address.",
        )
    } else if choices.is_empty() {
        Some("Slack lists no channel. Make one there, or invite the app to a private one, and open this form again.")
    } else {
        None
    };
    Ok((choices, notice.map(str::to_owned)))
}

/// Installed for all workspaces of an Enterprise organization, `E…`.
fn of_an_organization(cx: &Account) -> bool {
    cx.identity.as_ref().is_some_and(|identity| identity.id.starts_with('E'))
}

// ---- its check

pub(crate) async fn check(config: &Config, cx: &Account, input: &FormInput) -> Result<CheckedLink, LinkRefused> {
    let chosen = Chosen::read(input)?;
    let api = Api::new(&cx.http, &config.api_url);
    let me = Me::from(api.auth_test(None).await.map_err(integration_contract::Error::from)?);
    let about = About { bot: format!("@{}", me.name), ..About::default() };
    let api = api.about(about.clone());
    let channel = match find(&api, cx, &chosen.channel).await? {
        Some(channel) => channel,
        None => return Err(FieldErrors::of(CHANNEL, not_shown(&chosen.channel, &about)).into()),
    };
    if let Some(sentence) = unusable(&channel, &about) {
        return Err(FieldErrors::of(CHANNEL, sentence).into());
    }
    let target = target(&channel.id);
    let settings = Settings {
        channel_id: channel.id,
        channel_name: channel.name,
        is_private: channel.is_private,
        direction: chosen.direction,
        emoji: chosen.emoji,
        statuses: chosen.statuses,
        items: chosen.items,
        people: chosen.people,
        when: chosen.when,
        me,
    };
    Ok(CheckedLink { settings: LinkSettings::of(&settings), target })
}

/// `None` = Slack does not show it to us.
async fn find(api: &Api<'_>, cx: &Account, named: &Named) -> Result<Option<Channel>, LinkRefused> {
    let id = match named {
        Named::Id(id) => id.clone(),
        Named::Name(_) if of_an_organization(cx) => {
            let sentence = "The app is installed for a whole organization at Slack, where names are not unique. Paste the \
                            channel's address.";
            return Err(FieldErrors::of(CHANNEL, sentence).into());
        }
        Named::Name(name) => {
            let listed = api.conversations_list().await.map_err(integration_contract::Error::from)?;
            match listed.items.into_iter().find(|channel| channel.name == *name) {
                Some(channel) => channel.id,
                None if listed.complete => return Ok(None),
                None => {
                    let sentence =
                        format!("There are too many channels to find #{name} by its name. Paste its address.");
                    return Err(FieldErrors::of(CHANNEL, sentence).into());
                }
            }
        }
    };
    match api.conversations_info(&id).await {
        Ok(channel) => Ok(Some(channel)),
        Err(no) if no.error().kind() == ErrorKind::NotFound => Ok(None),
        Err(no) if no.error().kind() == ErrorKind::Forbidden => {
            Err(FieldErrors::of(CHANNEL, no.error().sentence()).into())
        }
        Err(no) => Err(integration_contract::Error::from(no).into()),
    }
}

fn not_shown(named: &Named, about: &About) -> String {
    format!(
        "Slack shows us no {}. Check the spelling; an archived channel has to be unarchived first; and if it is private, \
         type “/invite {}” in it at Slack, then send this form again.",
        named.shown(),
        about.bot
    )
}

fn unusable(channel: &Channel, about: &About) -> Option<String> {
    if channel.is_im || channel.is_mpim {
        return Some("That is a conversation between people, not a channel. Choose a channel.".to_owned());
    }
    let name = format!("#{}", channel.name);
    if channel.is_archived {
        return Some(format!("{name} is archived at Slack. Unarchive it there first."));
    }
    if channel.is_private && !channel.is_member {
        return Some(format!(
            "Our app is not in {name}, which is private. Type “/invite {}” in it at Slack, then send this form again.",
            about.bot
        ));
    }
    None
}

// ---- a link as a form, and as a sentence

pub(crate) fn form_input(link: &IntegrationLink) -> FormInput {
    let Ok(settings) = link.settings.read::<Settings>() else { return FormInput::default() };
    let mut input = FormInput::default();
    for direction in &settings.direction {
        input.push(DIRECTION, if *direction == Direction::Incoming { "incoming" } else { "outgoing" });
    }
    input.push(CHANNEL, settings.channel());
    input.push(EMOJI, settings.emoji.unwrap_or_default());
    for (status, id, _) in STATUS_WORDS {
        if settings.statuses.contains(&status) {
            input.push(STATUSES, id);
        }
    }
    for person in settings.people {
        input.push(PEOPLE, person);
    }
    input.push(
        WHEN,
        match settings.when {
            When::Live => LIVE.to_owned(),
            When::Daily => DAILY.to_owned(),
            When::Digest(hour) => format!("digest:{hour}"),
        },
    );
    for (kind, id, _) in ITEM_WORDS {
        if settings.items.contains(&kind) {
            input.push(ITEMS, id);
        }
    }
    input
}

pub(crate) fn short_name(link: &IntegrationLink) -> String {
    link.settings.read::<Settings>().map_or_else(|_| "a channel".to_owned(), |settings| settings.channel())
}

pub(crate) fn summary(link: &IntegrationLink) -> String {
    let Ok(settings) = link.settings.read::<Settings>() else {
        return "The settings of this link can't be read; change or remove it.".to_owned();
    };
    let channel = settings.channel();
    let mut said = Vec::new();
    if settings.has(Direction::Incoming) {
        let emoji = settings.emoji.as_deref().map(|emoji| format!(" and messages with :{emoji}:")).unwrap_or_default();
        said.push(format!("commands, mentions{emoji} in {channel} become entries"));
    }
    let entries_go = !settings.statuses.is_empty() || settings.items.is_empty();
    if settings.has(Direction::Outgoing) && entries_go {
        let words = match settings.statuses.as_slice() {
            [] => "nothing".to_owned(),
            all if all.len() == STATUS_WORDS.len() => "entries".to_owned(),
            some => {
                let words: Vec<_> = some.iter().map(|status| word(*status)).collect();
                format!("{} entries", words.join(" and "))
            }
        };
        let whose = match settings.people.len() {
            0 => String::new(),
            1 => " of one person".to_owned(),
            number => format!(" of {number} people"),
        };
        let when = match settings.when {
            When::Live => String::new(),
            When::Daily => " every day with the team's digest".to_owned(),
            When::Digest(hour) => format!(" every day at {hour:02}:00"),
        };
        said.push(format!("{words}{whose} are posted to {channel}{when}"));
    }
    if settings.has(Direction::Outgoing) && !settings.items.is_empty() {
        let kinds: Vec<_> = settings.items.iter().map(|kind| words_of(*kind)).collect();
        let list = match kinds.as_slice() {
            [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
            all => all.concat(),
        };
        said.push(format!("{list} of the team's other links become threads in {channel}"));
    }
    let mut sentence = format!("{}.", said.join("; "));
    sentence[..1].make_ascii_uppercase();
    sentence
}
