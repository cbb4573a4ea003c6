//! Reactions to messages.

use serde_json::json;

use super::{UserId, World};
use crate::sandbox::hooks::event::{Audience, Event};
use crate::sandbox::refusal::Refusal;

/// <https://docs.slack.dev/reference/methods/reactions.add>
const KINDS_PER_MESSAGE: usize = 23;

impl World {
    pub fn react(&mut self, who: &str, channel: &str, ts: &str, name: &str) -> Result<(), Refusal> {
        let name = reaction_name(name)?;
        let place = self.channel_mut(channel)?;
        if place.archived {
            return Err(Refusal::new("is_archived"));
        }
        let message = place.messages.get_mut(ts).ok_or_else(Refusal::no_message)?;
        let kinds = message.reactions.len();
        match message.reactions.iter_mut().find(|(it, _)| *it == name) {
            Some((_, users)) if users.iter().any(|user| user == who) => return Err(Refusal::new("already_reacted")),
            Some((_, users)) => users.push(who.to_owned()),
            None if kinds >= KINDS_PER_MESSAGE => return Err(Refusal::new("too_many_emoji")),
            None => message.reactions.push((name.clone(), vec![who.to_owned()])),
        }
        self.tell_reaction(who, channel, ts, &name, "reaction_added")
    }

    pub fn take_reaction_back(&mut self, who: &str, channel: &str, ts: &str, name: &str) -> Result<(), Refusal> {
        let name = reaction_name(name)?;
        let message = self.channel_mut(channel)?.messages.get_mut(ts).ok_or_else(Refusal::no_message)?;
        let users: Option<&mut Vec<UserId>> =
            message.reactions.iter_mut().find(|(it, _)| *it == name).map(|(_, users)| users);
        let position = users.as_ref().and_then(|users| users.iter().position(|user| user == who));
        let (Some(users), Some(position)) = (users, position) else {
            return Err(Refusal::new("no_reaction"));
        };
        users.remove(position);
        message.reactions.retain(|(_, users)| !users.is_empty());
        self.tell_reaction(who, channel, ts, &name, "reaction_removed")
    }

    fn tell_reaction(&mut self, who: &str, channel: &str, ts: &str, name: &str, event: &str) -> Result<(), Refusal> {
        let place = self.channel(channel)?;
        let (team, author) = (place.team.clone(), place.message(ts)?.user.clone());
        let event = Event::new(event)
            .scope("reactions:read")
            .with("user", json!(who))
            .with("reaction", json!(name))
            .with("item", json!({"type": "message", "channel": channel, "ts": ts}))
            .with("item_user", json!(author));
        self.tell(&team, Audience::Members(channel.to_owned()), event);
        Ok(())
    }
}

/// Without the colons that some write around it.
fn reaction_name(name: &str) -> Result<String, Refusal> {
    let name = name.trim().trim_matches(':');
    let fits = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "_-+:'".contains(letter);
    if name.is_empty() || name.len() > 100 || !name.chars().all(fits) {
        return Err(Refusal::new("invalid_name"));
    }
    Ok(name.to_owned())
}
