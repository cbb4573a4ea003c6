//! Items of other links: the first thing told of one begins a thread, all else goes below it, and the message that began it
//! always shows the item as it stands.
//!
//! A comment that is changed or deleted is changed or deleted here, too; its reply is found by its metadata.

use integration_contract::{Change, Error, ErrorKind, Outgoing, OutgoingItem, Posted, Receipt, Result};
use serde_json::Value;

use crate::{
    deliver::{Channel, NO_THREAD, Place, began, note},
    item::{self, FIRST},
};

const DELETED: &str = "Its thread was deleted at Slack, so this was not posted.";

pub(crate) async fn tell(channel: &Channel<'_>, message: &Outgoing, told: &OutgoingItem) -> Result<Receipt> {
    let talk = Talk { channel, message, told };
    let Some(thread) = &told.thread else { return talk.begin().await };
    let thread = Place::read(thread)?;
    // The link went to another channel: what happens now is not for the former one.
    if thread.channel != channel.settings.channel_id {
        return talk.alone().await;
    }
    talk.go_on(&thread).await
}

/// One change of an item on its way.
struct Talk<'a> {
    channel: &'a Channel<'a>,
    message: &'a Outgoing,
    told: &'a OutgoingItem,
}

impl Talk<'_> {
    fn id(&self) -> &str {
        &self.message.id
    }

    fn channel_id(&self) -> &str {
        &self.channel.settings.channel_id
    }

    /// The message that begins the thread, and below it what happened, unless it is there to see.
    async fn begin(&self) -> Result<Receipt> {
        let is_it = |payload: &Value| payload["item"] == self.told.id.as_str() && payload["part"] == FIRST;
        let picture = item::picture(self.channel_id(), self.id(), self.told);
        let there = self.channel.standing(&self.message.posted, is_it).await?;
        let (first, fresh) = match there {
            Some(there) => {
                let receipt = self.channel.update(&there, picture).await?;
                if receipt.remote_id.is_none() {
                    return Ok(receipt);
                }
                (there, false)
            }
            None => {
                let receipt = self.channel.post(&picture).await?;
                (Place::read(receipt.remote_id.as_deref().unwrap_or_default())?, true)
            }
        };
        let opened = matches!(self.told.change.what, Change::Opened) && self.told.trouble.is_none();
        let told_before = matches!(self.message.posted, Posted::As(_));
        if !opened && !told_before && !self.comment_is_gone() {
            match self.reply(&first, fresh).await {
                Ok(_) => {}
                // The thread has begun: whoever tries again must look first.
                Err(error) if fresh && error.passes() => return Err(half_done(error)),
                Err(error) => return Err(error),
            }
        }
        Ok(Receipt::posted(first.name()))
    }

    async fn go_on(&self, thread: &Place) -> Result<Receipt> {
        // First what can be done twice, then what can't.
        if self.shows() {
            let picture = item::picture(self.channel_id(), self.id(), self.told);
            let receipt = self.channel.update(thread, picture).await?;
            if receipt.remote_id.is_none() {
                return Ok(note(None, DELETED));
            }
        }
        match (&self.told.change.what, &self.told.trouble, &self.message.posted) {
            (Change::CommentEdited(comment), None, Posted::Never | Posted::Maybe { .. }) => {
                match self.reply_about(thread, &comment.id).await? {
                    Some(reply) => {
                        let post = item::happening(self.channel_id(), self.id(), self.told);
                        self.channel.update(&reply, post).await
                    }
                    None => self.reply(thread, false).await,
                }
            }
            (Change::CommentDeleted(comment), None, _) => match self.reply_about(thread, comment).await? {
                Some(reply) => self.channel.delete(&reply).await,
                None => Ok(Receipt::nothing()),
            },
            (_, _, Posted::As(there)) => Ok(Receipt::posted(there)),
            _ => self.reply(thread, false).await,
        }
    }

    /// Not in a thread: the item as it stands and what happened, in one message.
    async fn alone(&self) -> Result<Receipt> {
        if self.comment_is_gone() {
            return Ok(Receipt::nothing());
        }
        let post = item::whole(self.channel_id(), self.id(), self.told);
        let is_it = |payload: &Value| payload["id"] == self.id();
        match self.channel.standing(&self.message.posted, is_it).await? {
            Some(there) => self.channel.update(&there, post).await,
            None => self.channel.post(&post).await,
        }
    }

    /// Writes below the thread what happened, once; `fresh` = the thread has just begun.
    async fn reply(&self, thread: &Place, fresh: bool) -> Result<Receipt> {
        if let (Posted::Maybe { since }, false) = (&self.message.posted, fresh) {
            let is_it = |payload: &Value| payload["id"] == self.id() && payload["part"] != FIRST;
            if let Some(there) = self.below(thread, began(*since), is_it).await? {
                return Ok(Receipt::posted(there.name()));
            }
        }
        let post = item::happening(self.channel_id(), self.id(), self.told).below(&thread.channel, &thread.ts);
        match self.channel.post_below(&post).await? {
            Some(receipt) => Ok(receipt),
            None => Ok(note(None, DELETED)),
        }
    }

    /// The reply that tells of this comment.
    async fn reply_about(&self, thread: &Place, comment: &str) -> Result<Option<Place>> {
        self.below(thread, 0, |payload| payload["comment"] == comment).await
    }

    async fn below(&self, thread: &Place, since: i64, is_it: impl Fn(&Value) -> bool) -> Result<Option<Place>> {
        match self.channel.api.replies_since(&thread.channel, &thread.ts, since).await {
            Ok(listed) => Ok(self.channel.ours(listed.items, &thread.channel, is_it)),
            Err(no) if no.is(NO_THREAD) => Ok(None),
            Err(no) => Err(no.into()),
        }
    }

    /// Whether the message that began the thread shows something else now.
    fn shows(&self) -> bool {
        !matches!(self.told.change.what, Change::Commented(_) | Change::CommentEdited(_) | Change::CommentDeleted(_))
    }

    /// There is nothing to be seen any more, and nothing to be said of it.
    fn comment_is_gone(&self) -> bool {
        matches!(self.told.change.what, Change::CommentDeleted(_)) && self.told.trouble.is_none()
    }
}

fn half_done(error: Error) -> Error {
    let wait = error.wait();
    let unknown = Error::new(ErrorKind::UnknownOutcome, error.sentence()).caused_by(error);
    match wait {
        Some(wait) => unknown.retry_after(wait),
        None => unknown,
    }
}
