//! Links: the form, its choices, its check, and the sentence about one. Being in the channel is `channel`.

use integration_contract::{
    Account, CheckedLink, Choice, ErrorKind, Field, FieldErrors, FieldKind, FormInput, IntegrationLink, LinkForm,
    LinkRefused, LinkSettings, Result, Status,
};
use serde::{Deserialize, Serialize};

use crate::{
    api::Api,
    config::Config,
    error::{About, invite},
    oauth::is_id,
    wire::{AuthTest, Channel},
};

const DIRECTION: &str = "direction";
const CHANNEL: &str = "channel";
const EMOJI: &str = "emoji";
const STATUSES: &str = "statuses";
const PEOPLE: &str = "people";
const WHEN: &str = "when";

const DEFAULT_EMOJI: &str = "white_check_mark";
const LIVE: &str = "live";
/// Slack allows 80.
const LONGEST_NAME: usize = 80;
const LONGEST_EMOJI: usize = 100;

/// What a link is set to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// What the link is bound to: it outlives renames.
    pub(crate) channel_id: String,
    /// What it is called at the moment, without `#`.
    pub(crate) channel_name: String,
    pub(crate) is_private: bool,
    pub(crate) direction: Vec<Direction>,
    /// The reaction that makes a message an entry; `None` = reactions mean nothing.
    pub(crate) emoji: Option<String>,
    /// Which entries go out.
    pub(crate) statuses: Vec<Status>,
    /// Whose entries go out, by our ids; none = everybody's.
    pub(crate) people: Vec<String>,
    pub(crate) when: When,
    /// The app as Slack knows it in this workspace.
    pub(crate) me: Me,
}

/// Which way things go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Direction {
    /// From Slack to the log.
    Incoming,
    /// From the log to Slack.
    Outgoing,
}

/// When entries go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum When {
    /// Each at once.
    Live,
    /// Once a day, at this hour of the team's day.
    Digest(u8),
}

/// The app as Slack knows it in a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Me {
    /// The bot's user, `U…`: who is mentioned.
    pub(crate) user_id: String,
    /// The bot itself, `B…`: who posted.
    pub(crate) bot_id: Option<String>,
    /// What people write after `@`.
    pub(crate) name: String,
    /// Where the workspace's pages are: `https://acme.slack.com/`.
    pub(crate) team_url: String,
}

impl From<AuthTest> for Me {
    fn from(test: AuthTest) -> Self {
        let name = test.user.filter(|name| !name.is_empty()).unwrap_or_else(|| "our app".to_owned());
        Self { user_id: test.user_id, bot_id: test.bot_id, name, team_url: test.url }
    }
}

impl Settings {
    pub(crate) fn has(&self, direction: Direction) -> bool {
        self.direction.contains(&direction)
    }

    /// `#done`
    pub(crate) fn channel(&self) -> String {
        format!("#{}", self.channel_name)
    }

    /// For the sentences of errors.
    pub(crate) fn about(&self) -> About {
        About { channel: self.channel(), bot: format!("@{}", self.me.name) }
    }

    /// Where a message is seen at Slack.
    pub(crate) fn permalink(&self, channel: &str, ts: &str, thread_ts: Option<&str>) -> Option<String> {
        let path = format!("archives/{channel}/p{}", ts.replace('.', ""));
        let mut url = url::Url::parse(&self.me.team_url).ok()?.join(&path).ok()?;
        if let Some(thread) = thread_ts.filter(|thread| *thread != ts) {
            url.query_pairs_mut().append_pair("thread_ts", thread).append_pair("cid", channel);
        }
        matches!(url.scheme(), "http" | "https").then(|| url.into())
    }
}

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
            "",
            FieldKind::One(
                std::iter::once(choice(LIVE, "At once"))
                    .chain((0..24).map(|hour| choice(&format!("digest:{hour}"), &daily(hour))))
                    .collect(),
            ),
            &[LIVE],
        ),
    ];
    Ok(LinkForm { fields, notice })
}

fn choice(value: &str, label: &str) -> Choice {
    Choice { value: value.to_owned(), label: label.to_owned() }
}

fn daily(hour: u8) -> String {
    format!("Every day at {hour:02}:00 in the team's time zone")
}

const STATUS_WORDS: [(Status, &str, &str); 3] = [
    (Status::Done, "done", "What got done"),
    (Status::Goal, "goal", "Goals"),
    (Status::Blocked, "blocked", "What is blocked"),
];

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
        people: chosen.people,
        when: chosen.when,
        me,
    };
    Ok(CheckedLink { settings: LinkSettings::of(&settings), target })
}

/// What a link to a channel is about.
pub(crate) fn target(channel: &str) -> String {
    format!("channel:{channel}")
}

/// A form whose every field is what it should be.
struct Chosen {
    direction: Vec<Direction>,
    channel: Named,
    emoji: Option<String>,
    statuses: Vec<Status>,
    people: Vec<String>,
    when: When,
}

impl Chosen {
    fn read(input: &FormInput) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let direction = directions(input.all(DIRECTION));
        if direction.is_none() {
            errors.add(DIRECTION, "Choose at least one direction.");
        }
        let channel = match input.all(CHANNEL) {
            [_] => Named::parse(input.one(CHANNEL)),
            _ => None,
        };
        if channel.is_none() {
            errors.add(CHANNEL, "Name one channel, as in #done, or paste its address at Slack.");
        }
        let emoji = emoji(input.one(EMOJI));
        if emoji.is_none() {
            errors.add(EMOJI, "Write the name of one emoji, as in :white_check_mark:, or nothing.");
        }
        let outgoing = direction.as_ref().is_some_and(|direction| direction.contains(&Direction::Outgoing));
        let statuses = statuses(input.all(STATUSES)).filter(|statuses| !outgoing || !statuses.is_empty());
        if statuses.is_none() {
            errors.add(STATUSES, "Choose at least one, from the list.");
        }
        let when = when(input.one(WHEN));
        if when.is_none() {
            errors.add(WHEN, "Choose one from the list.");
        }
        match (direction, channel, emoji, statuses, when) {
            (Some(direction), Some(channel), Some(emoji), Some(statuses), Some(when)) => {
                let mut people = input.all(PEOPLE).to_vec();
                people.retain(|person| !person.is_empty());
                people.sort();
                people.dedup();
                Ok(Self { direction, channel, emoji, statuses, people, when })
            }
            _ => Err(errors),
        }
    }
}

fn directions(ids: &[String]) -> Option<Vec<Direction>> {
    let known = ids.iter().all(|id| id == "incoming" || id == "outgoing");
    let all = [("incoming", Direction::Incoming), ("outgoing", Direction::Outgoing)];
    let chosen: Vec<_> = all.into_iter().filter(|(id, _)| ids.iter().any(|one| one == id)).collect();
    (known && !chosen.is_empty()).then(|| chosen.into_iter().map(|(_, direction)| direction).collect())
}

fn statuses(ids: &[String]) -> Option<Vec<Status>> {
    let known = ids.iter().all(|id| STATUS_WORDS.iter().any(|(_, word, _)| word == id));
    let chosen = STATUS_WORDS.iter().filter(|(_, word, _)| ids.iter().any(|id| id == word));
    known.then(|| chosen.map(|(status, ..)| *status).collect())
}

/// Nothing typed is at once.
fn when(id: &str) -> Option<When> {
    if id.is_empty() || id == LIVE {
        return Some(When::Live);
    }
    let hour = id.strip_prefix("digest:")?;
    let plain = matches!(hour.len(), 1 | 2)
        && hour.bytes().all(|byte| byte.is_ascii_digit())
        && (hour == "0" || !hour.starts_with('0'));
    hour.parse().ok().filter(|hour| plain && *hour < 24).map(When::Digest)
}

/// `:white_check_mark:` or `white_check_mark`; nothing is no emoji; `None` = no name of an emoji.
fn emoji(typed: &str) -> Option<Option<String>> {
    let name = typed.strip_prefix(':').and_then(|rest| rest.strip_suffix(':')).unwrap_or(typed);
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_+'-".contains(&byte);
    match name {
        "" if typed.is_empty() => Some(None),
        // What Slack tells a reaction as.
        "thumbsup" => Some(Some("+1".to_owned())),
        "thumbsdown" => Some(Some("-1".to_owned())),
        name => ((1..=LONGEST_EMOJI).contains(&name.len()) && name.bytes().all(plain)).then(|| Some(name.to_owned())),
    }
}

/// A channel as somebody typed or pasted it.
#[derive(Debug, PartialEq)]
enum Named {
    Id(String),
    Name(String),
}

impl Named {
    fn parse(typed: &str) -> Option<Self> {
        let is_channel_id = |id: &str| is_id(id) && id.len() >= 6 && id.starts_with(['C', 'G', 'D']);
        if let Ok(url) = url::Url::parse(typed)
            && matches!(url.scheme(), "http" | "https")
        {
            // acme.slack.com/archives/C…/p…, and app.slack.com/client/T…/C…
            let segments: Vec<_> = url.path_segments()?.collect();
            let at = segments.iter().position(|segment| *segment == "archives" || *segment == "client")?;
            let id = segments[at..].iter().find(|segment| is_channel_id(segment))?;
            return Some(Self::Id((*id).to_owned()));
        }
        let typed = match typed.strip_prefix("<#").and_then(|rest| rest.strip_suffix('>')) {
            Some(mention) => mention.split('|').next().unwrap_or_default(),
            None => typed,
        };
        if is_channel_id(typed) {
            return Some(Self::Id(typed.to_owned()));
        }
        let name = typed.strip_prefix('#').unwrap_or(typed);
        is_name(name).then(|| Self::Name(name.to_owned()))
    }

    fn shown(&self) -> String {
        match self {
            Self::Id(id) => format!("channel {id}"),
            Self::Name(name) => format!("channel #{name}"),
        }
    }
}

/// Letters of any script without capitals, digits, hyphens and underscores.
fn is_name(name: &str) -> bool {
    let plain = |sign: char| (sign.is_alphanumeric() && !sign.is_uppercase()) || matches!(sign, '-' | '_' | '.');
    !name.is_empty() && name.chars().count() <= LONGEST_NAME && name.chars().all(plain)
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
            When::Digest(hour) => format!("digest:{hour}"),
        },
    );
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
    if settings.has(Direction::Outgoing) {
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
            When::Digest(hour) => format!(" every day at {hour:02}:00"),
        };
        said.push(format!("{words}{whose} are posted to {channel}{when}"));
    }
    let mut sentence = format!("{}.", said.join("; "));
    sentence[..1].make_ascii_uppercase();
    sentence
}

/// A status as a word.
pub(crate) fn word(status: Status) -> &'static str {
    match status {
        Status::Done => "done",
        Status::Goal => "goal",
        Status::Blocked => "blocked",
    }
}

/// What to do in a private channel, for whoever needs it.
pub(crate) fn invitation(settings: &Settings) -> String {
    format!("Our app is not in {}, which is private. {}", settings.channel(), invite(&settings.about()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_typed_and_pasted() {
        let id = |id: &str| Some(Named::Id(id.to_owned()));
        let name = |name: &str| Some(Named::Name(name.to_owned()));
        for (typed, wanted) in [
            ("#done", name("done")),
            ("done", name("done")),
            ("#größe-1_x", name("größe-1_x")),
            ("C0123456789", id("C0123456789")),
            ("<#C0123456789|done>", id("C0123456789")),
            ("https://acme.slack.com/archives/C0123456789", id("C0123456789")),
            ("https://acme.slack.com/archives/C0123456789/p1715000000000100?thread_ts=1", id("C0123456789")),
            ("https://app.slack.com/client/T0123456/G0123456789", id("G0123456789")),
            ("http://127.0.0.1:3001/slack/archives/C0DONE01", id("C0DONE01")),
            ("https://acme.slack.com/team/U0123456", None),
            ("https://acme.slack.com/archives/x", None),
            ("", None),
            ("#", None),
            ("#Done", None),
            ("#a b", None),
            ("#a/b", None),
            ("../x", None),
            ("javascript:alert(1)", None),
        ] {
            assert_eq!(Named::parse(typed), wanted, "{typed}");
        }
        assert_eq!(Named::parse(&"x".repeat(81)), None);
    }

    #[test]
    fn emojis_are_names_with_or_without_colons() {
        let named = |name: &str| Some(Some(name.to_owned()));
        for (typed, wanted) in [
            ("", Some(None)),
            (":tada:", named("tada")),
            ("tada", named("tada")),
            ("+1", named("+1")),
            (":thumbsup:", named("+1")),
            ("man-woman-boy", named("man-woman-boy")),
            ("::", None),
            (":", None),
            ("Tada", None),
            ("ta da", None),
            ("🎉", None),
            ("<!here>", None),
        ] {
            assert_eq!(emoji(typed), wanted, "{typed}");
        }
    }

    #[test]
    fn a_digest_has_an_hour_of_the_day() {
        assert_eq!(when("digest:0"), Some(When::Digest(0)));
        assert_eq!(when("digest:23"), Some(When::Digest(23)));
        assert_eq!(when(""), Some(When::Live));
        for wrong in ["digest", "digest:", "digest:24", "digest:-1", "digest:007", "digest:+5", "digest:05", "daily"] {
            assert_eq!(when(wrong), None, "{wrong}");
        }
    }
}
