//! A submitted form, read: every field is what it should be, or has a sentence. Slack is not asked.

use integration_contract::{FieldErrors, FormInput, ItemKind, Status};

use crate::{
    link::{CHANNEL, DIRECTION, EMOJI, ITEMS, PEOPLE, STATUSES, WHEN},
    oauth::is_id,
    settings::{Direction, When},
};

/// At once.
pub(crate) const LIVE: &str = "live";

/// How "once a day with the team's digest" is written in the form.
pub(crate) const DAILY: &str = "daily";
/// Slack allows 80.
const LONGEST_NAME: usize = 80;
const LONGEST_EMOJI: usize = 100;

/// The statuses with their words in the form and what a person reads.
pub(crate) const STATUS_WORDS: [(Status, &str, &str); 3] = [
    (Status::Done, "done", "What got done"),
    (Status::Goal, "goal", "Goals"),
    (Status::Blocked, "blocked", "What is blocked"),
];

/// The kinds of items, the same.
pub(crate) const ITEM_WORDS: [(ItemKind, &str, &str); 3] = [
    (ItemKind::Issue, "issue", "Issues"),
    (ItemKind::PullRequest, "pull_request", "Pull requests"),
    (ItemKind::Ticket, "ticket", "Tickets"),
];

/// A form whose every field is what it should be.
pub(crate) struct Chosen {
    pub(crate) direction: Vec<Direction>,
    pub(crate) channel: Named,
    pub(crate) emoji: Option<String>,
    pub(crate) statuses: Vec<Status>,
    pub(crate) items: Vec<ItemKind>,
    pub(crate) people: Vec<String>,
    pub(crate) when: When,
}

impl Chosen {
    pub(crate) fn read(input: &FormInput) -> Result<Self, FieldErrors> {
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
        let items = among(&ITEM_WORDS, input.all(ITEMS));
        if items.is_none() {
            errors.add(ITEMS, "Choose from the list.");
        }
        let something = !outgoing || items.as_ref().is_some_and(|items| !items.is_empty());
        let statuses = among(&STATUS_WORDS, input.all(STATUSES)).filter(|some| something || !some.is_empty());
        if statuses.is_none() {
            errors.add(STATUSES, "Choose at least one, from the list.");
        }
        let when = when(input.one(WHEN));
        if when.is_none() {
            errors.add(WHEN, "Choose one from the list.");
        }
        match (direction, channel, emoji, statuses, items, when) {
            (Some(direction), Some(channel), Some(emoji), Some(statuses), Some(items), Some(when)) => {
                let mut people = input.all(PEOPLE).to_vec();
                people.retain(|person| !person.is_empty());
                people.sort();
                people.dedup();
                Ok(Self { direction, channel, emoji, statuses, items, people, when })
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

/// What was chosen, in the order of the list; `None` when something is not in it.
fn among<T: Copy>(list: &[(T, &str, &str)], ids: &[String]) -> Option<Vec<T>> {
    let known = ids.iter().all(|id| list.iter().any(|(_, word, _)| word == id));
    let chosen = list.iter().filter(|(_, word, _)| ids.iter().any(|id| id == word));
    known.then(|| chosen.map(|(one, ..)| *one).collect())
}

/// Nothing typed is at once.
fn when(id: &str) -> Option<When> {
    if id.is_empty() || id == LIVE {
        return Some(When::Live);
    }
    if id == DAILY {
        return Some(When::Daily);
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
pub(crate) enum Named {
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

    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Id(id) => format!("channel {id}"),
            Self::Name(name) => format!("channel #{name}"),
        }
    }
}

/// Letters of any script without capitals, digits, hyphens and underscores.
pub(crate) fn is_name(name: &str) -> bool {
    let plain = |sign: char| (sign.is_alphanumeric() && !sign.is_uppercase()) || matches!(sign, '-' | '_' | '.');
    !name.is_empty() && name.chars().count() <= LONGEST_NAME && name.chars().all(plain)
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
        assert_eq!(when("daily"), Some(When::Daily));
        assert_eq!(when("digest:0"), Some(When::Digest(0)));
        assert_eq!(when("digest:23"), Some(When::Digest(23)));
        assert_eq!(when(""), Some(When::Live));
        for wrong in ["digest", "digest:", "digest:24", "digest:-1", "digest:007", "digest:+5", "digest:05", "Daily"] {
            assert_eq!(when(wrong), None, "{wrong}");
        }
    }
}
