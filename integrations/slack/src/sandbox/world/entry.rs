//! What a person typed, as Slack keeps it: `&<>` escaped, names and addresses made into links, and the same as blocks.

use serde_json::{Value, json};

use super::messages::{NewMessage, Words};
use super::{Ts, World};
use crate::sandbox::refusal::Refusal;

/// A piece of a typed line.
enum Piece {
    Text(String),
    Person(String),
    Channel { id: String, name: String },
    Everyone(&'static str),
    Link(String),
}

/// The words of a message that a person typed into their client.
pub(in super::super) fn typed(world: &World, team: &str, line: &str) -> Words {
    let pieces = pieces(world, team, line);
    let text: String = pieces.iter().map(kept).collect();
    let elements: Vec<Value> = pieces.iter().map(element).collect();
    let section = json!({"type": "rich_text_section", "elements": elements});
    let blocks = (!line.is_empty()).then(|| json!([{"type": "rich_text", "elements": [section]}]));
    Words { text, blocks, ..Words::default() }
}

impl World {
    /// A person writes into a channel.
    pub fn type_message(&mut self, who: &str, channel: &str, line: &str, thread: Option<Ts>) -> Result<Ts, Refusal> {
        let words = self.typed_there(who, channel, line)?;
        self.post(who, channel, NewMessage { words, thread, ..NewMessage::default() })
    }

    /// A person changes what they wrote.
    pub fn retype_message(&mut self, who: &str, channel: &str, ts: &str, line: &str) -> Result<(), Refusal> {
        let words = self.typed_there(who, channel, line)?;
        self.edit(who, channel, ts, words)
    }

    fn typed_there(&self, who: &str, channel: &str, line: &str) -> Result<Words, Refusal> {
        let place = self.visible_channel(who, channel)?;
        if !place.members.contains(who) {
            return Err(Refusal::new("not_in_channel"));
        }
        Ok(typed(self, &place.team, line))
    }
}

fn pieces(world: &World, team: &str, line: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for word in line.split_inclusive(char::is_whitespace) {
        let bare = word.trim_end();
        let piece = piece(world, team, bare);
        let rest = match &piece {
            Some((_, taken)) => &word[*taken..],
            None => word,
        };
        pieces.extend(piece.map(|(piece, _)| piece));
        match pieces.last_mut() {
            Some(Piece::Text(before)) => before.push_str(rest),
            _ if rest.is_empty() => {}
            _ => pieces.push(Piece::Text(rest.to_owned())),
        }
    }
    pieces
}

/// What a word begins with, and how much of the word that is.
fn piece(world: &World, team: &str, word: &str) -> Option<(Piece, usize)> {
    if word.starts_with("http://") || word.starts_with("https://") {
        let address = word.trim_end_matches(['.', ',', ')', '!', '?', ';', ':']);
        return Some((Piece::Link(address.to_owned()), address.len()));
    }
    let sign = word.chars().next().filter(|sign| matches!(sign, '@' | '#'))?;
    let ends = |letter: char| !(letter.is_alphanumeric() || matches!(letter, '-' | '_'));
    let name = word[1..].split(ends).next().unwrap_or_default().to_lowercase();
    let taken = 1 + name.len();
    if sign == '#' {
        let channel = world.channels_of(team).find(|channel| !channel.name.is_empty() && channel.name == name)?;
        return Some((Piece::Channel { id: channel.id.clone(), name }, taken));
    }
    if let Some(everyone) = ["here", "channel", "everyone"].into_iter().find(|it| *it == name) {
        return Some((Piece::Everyone(everyone), taken));
    }
    let user = world.users_of(team).find(|user| user.name == name && !user.deleted)?;
    Some((Piece::Person(user.id.clone()), taken))
}

fn kept(piece: &Piece) -> String {
    match piece {
        Piece::Text(text) => escape(text),
        Piece::Person(id) => format!("<@{id}>"),
        Piece::Channel { id, name } => format!("<#{id}|{name}>"),
        Piece::Everyone(who) => format!("<!{who}>"),
        Piece::Link(address) => format!("<{}>", escape(address)),
    }
}

fn element(piece: &Piece) -> Value {
    match piece {
        Piece::Text(text) => json!({"type": "text", "text": text}),
        Piece::Person(id) => json!({"type": "user", "user_id": id}),
        Piece::Channel { id, .. } => json!({"type": "channel", "channel_id": id}),
        Piece::Everyone(who) => json!({"type": "broadcast", "range": who}),
        Piece::Link(address) => json!({"type": "link", "url": address}),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
