//! Placeholders: `{{ticket.id}}` and its like in what a trigger sends. Plain ones only; Liquid's filters and branches
//! are not there.

use jiff::Timestamp;
use serde_json::Value;
use url::form_urlencoded;

use super::account::{Account, Actor};
use super::markup;
use super::people::User;
use super::stamp;
use super::ticket::{Comment, Ticket};

/// What placeholders can speak of.
pub(in super::super) struct Scope<'a> {
    pub account: &'a Account,
    pub ticket: &'a Ticket,
    pub actor: Actor,
}

impl Scope<'_> {
    /// The template with its placeholders filled. What is unknown is empty.
    pub fn render(&self, template: &str, escape: bool) -> String {
        let mut filled = String::new();
        let mut rest = template;
        while let Some(open) = rest.find("{{") {
            let Some(length) = rest[open..].find("}}") else { break };
            filled.push_str(&rest[..open]);
            let value = self.value(rest[open + 2..open + length].trim()).unwrap_or_default();
            filled.push_str(&if escape { escaped(&value) } else { value });
            rest = &rest[open + length + 2..];
        }
        filled + rest
    }

    /// For webhooks that take a list of names and values.
    pub fn render_pairs(&self, pairs: &[Value], format: &str) -> String {
        let pairs: Vec<(String, String)> = pairs
            .iter()
            .map(|pair| {
                let text = |index: usize| pair[index].as_str().unwrap_or_default();
                (text(0).to_owned(), self.render(text(1), false))
            })
            .collect();
        if format == "json" {
            let object: serde_json::Map<String, Value> =
                pairs.into_iter().map(|(name, it)| (name, it.into())).collect();
            return Value::Object(object).to_string();
        }
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }

    fn value(&self, name: &str) -> Option<String> {
        let (what, which) = name.split_once('.')?;
        match what {
            "ticket" => self.of_ticket(which),
            "current_user" => of_user(self.account.users.get(&self.actor.user)?, which),
            "account" if which == "name" => Some(self.account.name.clone()),
            _ => None,
        }
    }

    fn of_ticket(&self, which: &str) -> Option<String> {
        let (ticket, fields) = (self.ticket, &self.ticket.fields);
        if let Some((who, which)) = which.split_once('.') {
            return match who {
                "requester" => of_user(self.account.users.get(&fields.requester)?, which),
                "assignee" => of_user(self.account.users.get(&fields.assignee?)?, which),
                "submitter" => of_user(self.account.users.get(&ticket.submitter)?, which),
                "group" if which == "name" => Some(self.account.group(fields.group?).ok()?.name.clone()),
                "organization" if which == "name" => {
                    Some(self.account.organization(fields.organization?).ok()?.name.clone())
                }
                _ => None,
            };
        }
        Some(match which {
            "id" => ticket.id.to_string(),
            "external_id" => fields.external_id.clone()?,
            "title" | "subject" => fields.subject.clone(),
            "description" => ticket.description().to_owned(),
            // The title for people, not the API's word.
            "status" => fields.status.title().to_owned(),
            "custom_status" => self.account.status(fields.custom_status)?.label.clone(),
            "priority" => fields.priority?.title().to_owned(),
            "ticket_type" => fields.kind?.title().to_owned(),
            "tags" => fields.tags.join(" "),
            "via" => ticket.channel.title().to_owned(),
            "url" => self.link().trim_start_matches("https://").trim_start_matches("http://").to_owned(),
            "link" => self.link(),
            "created_at" => day(ticket.created),
            "updated_at" => day(ticket.updated),
            "created_at_with_timestamp" => stamp(ticket.created),
            "updated_at_with_timestamp" => stamp(ticket.updated),
            "latest_comment" => ticket.latest_comment(false)?.body.clone(),
            "latest_public_comment" => ticket.latest_comment(true)?.body.clone(),
            "latest_comment_formatted" => self.formatted(ticket.latest_comment(false)?),
            "latest_public_comment_formatted" => self.formatted(ticket.latest_comment(true)?),
            "latest_comment_html" | "latest_comment_rich" => ticket.latest_comment(false)?.html.clone(),
            "latest_public_comment_html" | "latest_public_comment_rich" => ticket.latest_comment(true)?.html.clone(),
            "comments_formatted" => self.all_formatted(false),
            "public_comments_formatted" => self.all_formatted(true),
            _ => return None,
        })
    }

    fn link(&self) -> String {
        format!("{}/agent/tickets/{}", self.account.at, self.ticket.id)
    }

    fn formatted(&self, comment: &Comment) -> String {
        let author = self.account.users.get(&comment.author).map_or("", |user| &user.name);
        let at = comment.created.strftime("%b %-d, %Y, %H:%M");
        format!("----------------------------------------------\n\n{author}, {at}\n\n{}", comment.body)
    }

    fn all_formatted(&self, public_only: bool) -> String {
        let newest_first = self.ticket.comments.iter().rev().filter(|comment| comment.public || !public_only);
        newest_first.map(|comment| self.formatted(comment)).collect::<Vec<_>>().join("\n\n")
    }
}

fn of_user(user: &User, which: &str) -> Option<String> {
    Some(match which {
        "id" => user.id.to_string(),
        "name" => user.name.clone(),
        "first_name" => user.name.split(' ').next()?.to_owned(),
        "last_name" => user.name.split(' ').skip(1).collect::<Vec<_>>().join(" "),
        "email" => user.email.clone()?,
        "external_id" => user.external_id.clone()?,
        "phone" => user.phone.clone()?,
        "notes" => markup::escape(&user.notes),
        "role" => user.role.title().to_owned(),
        _ => return None,
    })
}

fn day(at: Timestamp) -> String {
    at.strftime("%B %-d, %Y").to_string()
}

/// As the inside of a JSON string.
fn escaped(text: &str) -> String {
    let quoted = Value::String(text.to_owned()).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}
