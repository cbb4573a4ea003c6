//! `response_url`s: what an app may still say after it has answered a slash command.

use integration_sandboxkit::random;
use jiff::{Span, Timestamp};

use super::messages::{NewMessage, Words};
use super::{ChannelId, TeamId, Ts, UserId, World};
use crate::sandbox::refusal::Refusal;

const USES: u32 = 5;
const MINUTES: i64 = 30;

pub(in super::super) struct ReplyUrl {
    pub team: TeamId,
    pub channel: ChannelId,
    /// Who typed the command.
    pub user: UserId,
    pub bot: UserId,
    pub used: u32,
    pub expires: Timestamp,
    /// What was said last: `replace_original` and `delete_original` mean it.
    original: Option<Original>,
}

#[derive(Clone)]
enum Original {
    Whisper(Ts),
    Message(Ts),
}

/// An answer to a command, at once or later.
pub(in super::super) struct Reply {
    pub words: Words,
    pub in_channel: bool,
    pub replace: bool,
    pub delete: bool,
    pub thread: Option<Ts>,
}

impl Reply {
    fn check(&self) -> Result<(), Refusal> {
        if self.words.are_empty() && !self.delete { Err(Refusal::new("no_text")) } else { Ok(()) }
    }
}

impl World {
    /// A new address; its last part is a secret.
    pub fn make_reply_url(&mut self, team: &str, channel: &str, user: &str, bot: &str) -> (String, String) {
        let key = format!("{}/{}", Timestamp::now().as_microsecond(), random::letters(24));
        let reply = ReplyUrl {
            team: team.to_owned(),
            channel: channel.to_owned(),
            user: user.to_owned(),
            bot: bot.to_owned(),
            used: 0,
            expires: Timestamp::now().saturating_add(Span::new().minutes(MINUTES)).unwrap_or(Timestamp::MAX),
            original: None,
        };
        self.reply_urls.insert(key.clone(), reply);
        (format!("{}/commands/{team}/{key}", self.at), key)
    }

    /// What the app posted to the address.
    pub fn use_reply_url(&mut self, team: &str, key: &str, reply: Reply) -> Result<(), Refusal> {
        let url = self.reply_urls.get_mut(key).filter(|url| url.team == team);
        let url = url.ok_or_else(|| Refusal::new("invalid_url"))?;
        if url.expires <= Timestamp::now() {
            return Err(Refusal::new("expired_url"));
        }
        if url.used >= USES {
            return Err(Refusal::new("used_url"));
        }
        reply.check()?;
        url.used += 1;
        self.say(key, reply)
    }

    /// What the app answered at once; that costs no use.
    pub fn say(&mut self, key: &str, reply: Reply) -> Result<(), Refusal> {
        reply.check()?;
        let url = self.reply_urls.get(key).ok_or_else(|| Refusal::new("invalid_url"))?;
        let (channel, user, bot) = (url.channel.clone(), url.user.clone(), url.bot.clone());
        let original = url.original.clone();
        match (original, reply.delete, reply.replace) {
            (Some(original), true, _) => return self.take_back(key, &channel, &bot, original),
            (Some(original), false, true) => return self.replace(&channel, &bot, original, reply.words),
            (None, true, _) => return Ok(()),
            _ => {}
        }
        let said = if reply.in_channel {
            // This works in channels the app is not in.
            let new = NewMessage { words: reply.words, thread: reply.thread, ..NewMessage::default() };
            Original::Message(self.post(&bot, &channel, new)?)
        } else {
            Original::Whisper(self.whisper(Some(&bot), &user, &channel, reply.words)?)
        };
        self.remember(key, Some(said));
        Ok(())
    }

    fn take_back(&mut self, key: &str, channel: &str, bot: &str, original: Original) -> Result<(), Refusal> {
        self.remember(key, None);
        match original {
            Original::Message(ts) => self.delete(bot, channel, &ts),
            Original::Whisper(ts) => {
                self.channel_mut(channel)?.whispers.retain(|whisper| whisper.ts != ts);
                Ok(())
            }
        }
    }

    fn replace(&mut self, channel: &str, bot: &str, original: Original, words: Words) -> Result<(), Refusal> {
        match original {
            Original::Message(ts) => self.edit(bot, channel, &ts, words),
            Original::Whisper(ts) => {
                let whispers = &mut self.channel_mut(channel)?.whispers;
                let whisper = whispers.iter_mut().find(|it| it.ts == ts).ok_or_else(Refusal::no_message)?;
                whisper.words = words;
                Ok(())
            }
        }
    }

    fn remember(&mut self, key: &str, original: Option<Original>) {
        if let Some(url) = self.reply_urls.get_mut(key) {
            url.original = original;
        }
    }
}
