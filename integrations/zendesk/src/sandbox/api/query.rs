//! The language of searches: `type:ticket status<solved tags:bug "exact words"`.
//! <https://support.zendesk.com/hc/en-us/articles/4408886879258>

use super::super::world::account::Account;
use super::super::world::people::User;
use super::super::world::stamp;
use super::super::world::ticket::{Indexed, Ticket};
use super::super::world::words::{Channel, Priority, Status};

/// A search, understood.
pub(super) struct Query {
    /// `ticket`, `user`; none: both.
    pub kind: Option<String>,
    terms: Vec<Term>,
}

struct Term {
    negative: bool,
    field: Option<String>,
    operator: Operator,
    value: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    Is,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Query {
    pub fn read(text: &str) -> Self {
        let mut terms: Vec<Term> = words(text).iter().map(|word| Term::read(word)).collect();
        let kind = terms.iter().find(|term| term.field.as_deref() == Some("type") && is_kind(&term.value));
        let kind = kind.map(|term| term.value.clone());
        terms.retain(|term| !(term.field.as_deref() == Some("type") && is_kind(&term.value)));
        Self { kind, terms }
    }

    pub fn fits_ticket(&self, account: &Account, ticket: &Ticket, state: &Indexed) -> bool {
        self.terms.iter().all(|term| term.fits_ticket(account, ticket, state) != term.negative)
    }

    pub fn fits_user(&self, user: &User) -> bool {
        self.terms.iter().all(|term| term.fits_user(user) != term.negative)
    }
}

fn is_kind(value: &str) -> bool {
    matches!(value, "ticket" | "user" | "organization" | "group")
}

/// Split at spaces, but not between quotes.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for sign in text.chars() {
        match sign {
            '"' => quoted = !quoted,
            sign if sign.is_whitespace() && !quoted => words.push(String::new()),
            sign => {
                if let Some(word) = words.last_mut() {
                    word.push(sign);
                }
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

impl Term {
    fn read(word: &str) -> Self {
        let (negative, word) = match word.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, word),
        };
        let at = word.find([':', '<', '>']).filter(|at| *at > 0);
        let Some((field, rest)) = at.map(|at| word.split_at(at)) else {
            return Self { negative, field: None, operator: Operator::Is, value: word.to_lowercase() };
        };
        let (operator, value) = [
            ("<=", Operator::AtMost),
            (">=", Operator::AtLeast),
            ("<", Operator::Less),
            (">", Operator::Greater),
            (":", Operator::Is),
        ]
        .into_iter()
        .find_map(|(sign, operator)| Some((operator, rest.strip_prefix(sign)?)))
        .unwrap_or((Operator::Is, rest));
        Self { negative, field: Some(field.to_lowercase()), operator, value: value.to_owned() }
    }

    fn fits_ticket(&self, account: &Account, ticket: &Ticket, state: &Indexed) -> bool {
        let fields = &state.fields;
        let Some(field) = &self.field else {
            return format!("{} {}", fields.subject, state.text).to_lowercase().contains(&self.value);
        };
        let person = |id: Option<u64>| match id.and_then(|id| account.users.get(&id)) {
            None => self.value == "none",
            Some(user) => {
                user.id.to_string() == self.value
                    || user.email.as_deref() == Some(&*self.value)
                    || user.name == self.value
            }
        };
        match field.as_str() {
            "external_id" => fields.external_id.as_deref() == Some(&*self.value),
            "tags" | "tag" => fields.tags.iter().any(|tag| *tag == self.value.to_lowercase()),
            "status" => self.ranks(Status::read(&self.value).map(|wanted| (fields.status as u8, wanted as u8))),
            "priority" => {
                self.ranks(Priority::read(&self.value).and_then(|wanted| Some((fields.priority? as u8, wanted as u8))))
            }
            "ticket_type" => fields.kind.map(|it| it.word()) == Some(&*self.value),
            "subject" => fields.subject.to_lowercase().contains(&self.value.to_lowercase()),
            "description" | "comment" => state.text.to_lowercase().contains(&self.value.to_lowercase()),
            "requester" => person(Some(fields.requester)),
            "submitter" => person(Some(ticket.submitter)),
            "assignee" => person(fields.assignee),
            "via" => Channel::read(&self.value) == Some(ticket.channel),
            "id" => ticket.id.to_string() == self.value,
            "created" | "created_at" => self.dates(&stamp(ticket.created)),
            "updated" | "updated_at" => self.dates(&stamp(ticket.updated)),
            _ => false,
        }
    }

    fn fits_user(&self, user: &User) -> bool {
        let email = user.email.as_deref().unwrap_or_default();
        match self.field.as_deref() {
            None => user.name.to_lowercase().contains(&self.value) || email.contains(&self.value),
            Some("email") => email == self.value,
            Some("role") => user.role.word() == self.value,
            Some("external_id") => user.external_id.as_deref() == Some(&*self.value),
            Some("name") => user.name.to_lowercase().contains(&self.value.to_lowercase()),
            Some("created" | "created_at") => self.dates(&stamp(user.created)),
            Some(_) => false,
        }
    }

    /// (what it is, what is wanted)
    fn ranks(&self, pair: Option<(u8, u8)>) -> bool {
        let Some((is, wanted)) = pair else { return false };
        self.compares(&is, &wanted)
    }

    /// ISO dates and times sort as texts; a shorter one means all that begin so.
    fn dates(&self, at: &str) -> bool {
        self.compares(&at[..at.len().min(self.value.len())], &*self.value)
    }

    fn compares<T: PartialOrd + ?Sized>(&self, is: &T, wanted: &T) -> bool {
        match self.operator {
            Operator::Is => is == wanted,
            Operator::Less => is < wanted,
            Operator::AtMost => is <= wanted,
            Operator::Greater => is > wanted,
            Operator::AtLeast => is >= wanted,
        }
    }
}
