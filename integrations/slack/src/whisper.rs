//! Answers to people in a channel that only they see. A command brings an address for its answer; for a mention we make
//! one ourselves, which says whom to tell and where.

use crate::{oauth::is_id, reading::is_ts, wire::Message};

/// Whom to tell, and where.
#[derive(Debug, PartialEq)]
pub(crate) struct Whisper {
    pub(crate) channel: String,
    pub(crate) user: String,
    pub(crate) thread_ts: Option<String>,
}

impl Whisper {
    /// To whoever wrote the message, beside it. Apps are told nothing.
    pub(crate) fn to_author(channel: &str, message: &Message) -> Option<Self> {
        let user = message.user.as_ref().filter(|user| message.bot_id.is_none() && is_id(user))?;
        let thread_ts = message.thread_ts.clone().filter(|ts| is_ts(ts));
        is_id(channel).then(|| Self { channel: channel.to_owned(), user: user.clone(), thread_ts })
    }

    /// As it is kept until there is an answer.
    pub(crate) fn address(&self) -> String {
        let thread = self.thread_ts.as_deref().map(|ts| format!("/{ts}")).unwrap_or_default();
        format!("whisper:{}/{}{thread}", self.channel, self.user)
    }

    /// The inverse of [`Self::address`].
    pub(crate) fn read(address: &str) -> Option<Self> {
        let mut parts = address.strip_prefix("whisper:")?.split('/');
        let (channel, user, thread_ts) = (parts.next()?, parts.next()?, parts.next());
        let good = is_id(channel) && is_id(user) && thread_ts.is_none_or(is_ts) && parts.next().is_none();
        good.then(|| Self {
            channel: channel.to_owned(),
            user: user.to_owned(),
            thread_ts: thread_ts.map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_back_and_nothing_else_is_one() {
        for thread_ts in [None, Some("1795000000.000100".to_owned())] {
            let whisper = Whisper { channel: "C0DONE0001".into(), user: "U0ADA00001".into(), thread_ts };
            assert_eq!(Whisper::read(&whisper.address()), Some(whisper));
        }
        for wrong in [
            "",
            "whisper:",
            "whisper:C1",
            "whisper:C12",
            "whisper:C12/U12/x",
            "whisper:C12/U12/1.1/",
            "C12/U12",
            "whisper:c12/u12",
        ] {
            assert_eq!(Whisper::read(wrong), None, "{wrong}");
        }
    }
}
