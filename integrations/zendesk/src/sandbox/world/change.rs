//! Creating and updating tickets: what is allowed, what follows by itself, and who is told.
//! <https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/>

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::super::refusal::{Problems, Refusal};
use super::account::{Account, Actor, Attachment};
use super::audit::Audit;
use super::ticket::{Comment, Fields, Ticket};
use super::words::{Channel, Kind, Priority, Status};
use super::{markup, stamp};

/// Of a comment; Zendesk's limit.
const BODY_MAX: usize = 65_535;

/// What is to be of a ticket; what is not said stays.
#[derive(Default)]
pub(in super::super) struct Change {
    pub subject: Option<String>,
    pub status: Option<Status>,
    pub custom_status: Option<u64>,
    pub priority: Option<Option<Priority>>,
    pub kind: Option<Option<Kind>>,
    pub requester: Option<u64>,
    pub submitter: Option<u64>,
    pub assignee: Option<Option<u64>>,
    pub group: Option<Option<u64>>,
    pub organization: Option<Option<u64>>,
    pub external_id: Option<Option<String>>,
    pub tags: Option<Vec<String>>,
    pub more_tags: Vec<String>,
    pub fewer_tags: Vec<String>,
    pub custom_fields: BTreeMap<u64, Value>,
    pub comment: Option<NewComment>,
    pub follows: Option<u64>,
    /// Only if the ticket is still as it was then.
    pub unless_newer_than: Option<String>,
}

#[derive(Default)]
pub(in super::super) struct NewComment {
    pub body: Option<String>,
    pub html: Option<String>,
    pub public: Option<bool>,
    pub author: Option<u64>,
    pub uploads: Vec<String>,
}

/// A tag as Zendesk keeps it.
pub(in super::super) fn tag(text: &str) -> String {
    text.trim().to_lowercase().split_whitespace().collect::<Vec<_>>().join("_")
}

impl Change {
    /// A comment and nothing else.
    pub fn saying(body: &str, public: bool) -> Self {
        let comment = NewComment { body: Some(body.to_owned()), public: Some(public), ..NewComment::default() };
        Self { comment: Some(comment), ..Self::default() }
    }

    /// Whether it touches more than what may be changed of a closed ticket.
    fn is_more_than_labels(&self) -> bool {
        self.status.is_some_and(|status| status != Status::Closed)
            || self.comment.is_some()
            || self.custom_status.is_some()
            || self.assignee.is_some()
            || self.group.is_some()
            || self.requester.is_some()
            || self.kind.is_some()
            || self.external_id.is_some()
            || !self.custom_fields.is_empty()
    }

    fn write(&self, fields: &mut Fields) {
        let Self { subject, priority, kind, requester, group, organization, external_id, .. } = self;
        fields.subject = subject.clone().unwrap_or_else(|| std::mem::take(&mut fields.subject));
        fields.priority = priority.unwrap_or(fields.priority);
        fields.kind = kind.unwrap_or(fields.kind);
        fields.requester = requester.unwrap_or(fields.requester);
        fields.group = group.unwrap_or(fields.group);
        fields.organization = organization.unwrap_or(fields.organization);
        fields.external_id = external_id.clone().unwrap_or_else(|| fields.external_id.take());
        fields.tags = self.tags.clone().unwrap_or_else(|| std::mem::take(&mut fields.tags));
        fields.tags.extend(self.more_tags.iter().cloned());
        fields.tags.retain(|tag| !self.fewer_tags.contains(tag));
        fields.tags.sort();
        fields.tags.dedup();
        fields.custom_fields.extend(self.custom_fields.clone());
    }
}

impl Account {
    /// Creates a ticket, and says its number.
    pub fn create_ticket(&mut self, actor: Actor, mut change: Change) -> Result<u64, Refusal> {
        let mut problems = Problems::default();
        let requester = change.requester.unwrap_or(actor.user);
        let organization = self.users.get(&requester).and_then(|user| user.organization);
        let mut fields = Fields {
            subject: String::new(),
            status: Status::New,
            custom_status: self.default_status(Status::New),
            priority: None,
            kind: None,
            requester,
            assignee: None,
            group: self.groups.first().map(|group| group.id),
            organization,
            external_id: None,
            tags: Vec::new(),
            custom_fields: BTreeMap::new(),
        };
        self.check_people(&change, &mut problems);
        let comment = change.comment.take().unwrap_or_default();
        // Who submits a ticket is the author of its first comment: the requester, unless somebody else is named.
        let submitter = change.submitter.unwrap_or(requester);
        let comment = self.read_comment(submitter, actor.channel, true, comment, &mut problems);
        if comment.as_ref().is_none_or(|comment| comment.body.trim().is_empty()) {
            problems.add("base", "Description: cannot be blank");
        }
        if let Some(followed) = change.follows
            && self.ticket(followed).is_ok_and(|ticket| ticket.fields.status != Status::Closed)
        {
            problems.add("base", "Followup source: is not closed");
        }
        change.write(&mut fields);
        self.set_assignee(&change, &mut fields);
        self.set_status(&change, actor, None, &mut fields, &mut problems);
        problems.finish()?;
        let (Some(comment), now) = (comment, Timestamp::now()) else { return Err(Refusal::bad_json()) };
        if fields.subject.trim().is_empty() {
            // Seen in the wild: a ticket without a subject shows the beginning of its description.
            fields.subject = comment.body.chars().take(80).collect();
        }
        let id = self.tickets.keys().next_back().map_or(1, |last| last + 1);
        let ticket = Ticket {
            id,
            public: comment.public,
            submitter,
            follows: change.follows,
            comments: vec![comment],
            audits: Vec::new(),
            channel: actor.channel,
            fields,
            created: now,
            updated: now,
            deleted: false,
            indexed: Vec::new(),
        };
        self.tickets.insert(id, ticket);
        self.settle(actor, id, None, true)?;
        Ok(id)
    }

    /// Updates a ticket. Says nothing of the audit: it is the last of the ticket's.
    pub fn update_ticket(&mut self, actor: Actor, id: u64, mut change: Change) -> Result<(), Refusal> {
        let ticket = self.ticket(id)?;
        if change.unless_newer_than.as_ref().is_some_and(|seen| *seen != stamp(ticket.updated)) {
            return Err(Refusal::update_conflict());
        }
        if ticket.fields.status == Status::Closed && change.is_more_than_labels() {
            return Err(Refusal::invalid("status", "Status closed prevents ticket update"));
        }
        let (before, public) = (ticket.fields.clone(), ticket.public);
        let mut fields = before.clone();
        let mut problems = Problems::default();
        self.check_people(&change, &mut problems);
        let comment =
            change.comment.take().filter(|it| it.body.is_some() || it.html.is_some() || !it.uploads.is_empty());
        let comment = comment.and_then(|it| self.read_comment(actor.user, actor.channel, public, it, &mut problems));
        let empty = |comment: &Comment| comment.body.trim().is_empty() && comment.attachments.is_empty();
        let comment = comment.filter(|comment| !empty(comment));
        if change.subject.as_ref().is_some_and(|subject| subject.trim().is_empty()) {
            problems.add("subject", "Subject: cannot be blank");
        }
        change.write(&mut fields);
        self.set_assignee(&change, &mut fields);
        self.reopen(actor, comment.as_ref(), &mut change, &before);
        self.set_status(&change, actor, Some(&before), &mut fields, &mut problems);
        problems.finish()?;
        let said = comment.is_some();
        let ticket = self.ticket_mut(id)?;
        ticket.fields = fields;
        ticket.updated = Timestamp::now();
        ticket.comments.extend(comment);
        self.settle(actor, id, Some(before), said)
    }

    /// Writes the audit, tells whoever listens, and lets triggers act.
    fn settle(&mut self, actor: Actor, id: u64, before: Option<Fields>, said: bool) -> Result<(), Refusal> {
        let audit_id = self.new_id();
        let ticket = self.ticket_mut(id)?;
        let comment = ticket.comments.last().map(|comment| comment.id).filter(|_| said);
        let audit = Audit::of(audit_id, actor, ticket, before.as_ref(), comment);
        ticket.audits.push(audit.clone());
        ticket.index();
        self.tell_change(id, &audit);
        self.run_triggers(id, &audit, before.as_ref())
    }

    /// A change that a trigger makes: told and audited, but no occasion for triggers.
    pub fn change_by_rule(&mut self, actor: Actor, id: u64, change: &Change) -> Result<(), Refusal> {
        let actor = Actor { channel: Channel::Rule, ..actor };
        let before = self.ticket(id)?.fields.clone();
        let mut fields = before.clone();
        change.write(&mut fields);
        self.set_assignee(change, &mut fields);
        self.set_status(change, actor, Some(&before), &mut fields, &mut Problems::default());
        let audit_id = self.new_id();
        let ticket = self.ticket_mut(id)?;
        if ticket.fields == fields {
            return Ok(());
        }
        ticket.fields = fields;
        ticket.updated = Timestamp::now();
        let audit = Audit::of(audit_id, actor, ticket, Some(&before), None);
        ticket.audits.push(audit.clone());
        ticket.index();
        self.tell_change(id, &audit);
        Ok(())
    }

    fn check_people(&self, change: &Change, problems: &mut Problems) {
        if change.requester.is_some_and(|id| self.user(id).is_err()) {
            problems.add("requester", "Requester: is invalid");
        }
        if let Some(Some(assignee)) = change.assignee
            && !self.user(assignee).is_ok_and(|user| user.role.is_staff())
        {
            problems.add("assignee", "Assignee: is invalid");
        }
        if let Some(Some(group)) = change.group
            && self.group(group).is_err()
        {
            problems.add("group", "Group: is invalid");
        }
        if change.custom_status.is_some_and(|id| self.status(id).is_none()) {
            problems.add("custom_status_id", "Custom status: is invalid");
        }
        if change.external_id.iter().flatten().any(|external| external.chars().count() > 255) {
            problems.add("external_id", "External: is too long (maximum is 255 characters)");
        }
    }

    fn set_assignee(&self, change: &Change, fields: &mut Fields) {
        fields.assignee = change.assignee.unwrap_or(fields.assignee);
        // A ticket that is somebody's is no longer new.
        if fields.assignee.is_some() && fields.status == Status::New {
            fields.status = Status::Open;
            fields.custom_status = self.default_status(Status::Open);
        }
    }

    /// What a customer says to an answered ticket opens it again.
    fn reopen(&self, actor: Actor, comment: Option<&Comment>, change: &mut Change, before: &Fields) {
        let by_customer =
            comment.is_some_and(|it| self.users.get(&it.author).is_some_and(|user| !user.role.is_staff()));
        let answered = matches!(before.status, Status::Pending | Status::Hold | Status::Solved);
        let told_otherwise =
            change.status.is_some() && self.users.get(&actor.user).is_some_and(|it| it.role.is_staff());
        if by_customer && answered && !told_otherwise {
            change.status.get_or_insert(Status::Open);
        }
    }

    fn set_status(
        &self,
        change: &Change,
        actor: Actor,
        before: Option<&Fields>,
        fields: &mut Fields,
        problems: &mut Problems,
    ) {
        if let Some(custom) = change.custom_status.and_then(|id| self.status(id)) {
            fields.status = custom.category;
            fields.custom_status = custom.id;
        } else if let Some(status) = change.status
            && status != fields.status
        {
            fields.status = status;
            fields.custom_status = self.default_status(status);
        }
        let was = before.map(|fields| fields.status);
        if fields.status == Status::New && was.is_some_and(|was| was != Status::New) {
            problems.add("status", "Status: a ticket cannot go back to new");
        }
        if fields.status == Status::New && fields.assignee.is_some() {
            fields.status = Status::Open;
            fields.custom_status = self.default_status(Status::Open);
        }
        if matches!(fields.status, Status::Solved | Status::Closed) && was != Some(fields.status) {
            if fields.assignee.is_none() && self.house.auto_assign_on_solve {
                fields.assignee = Some(actor.user);
            }
            if fields.assignee.is_none() && fields.status == Status::Solved {
                problems.add("base", "Assignee: is required when solving a ticket");
            }
            for required in &self.house.required_on_solve {
                let title = match required.as_str() {
                    "type" if fields.kind.is_none() => "Type",
                    "priority" if fields.priority.is_none() => "Priority",
                    _ => continue,
                };
                problems.add("base", &format!("{title}:: is required when solving a ticket"));
            }
        }
    }

    fn read_comment(
        &mut self,
        author: u64,
        channel: Channel,
        public: bool,
        new: NewComment,
        problems: &mut Problems,
    ) -> Option<Comment> {
        let author = new.author.unwrap_or(author);
        let Ok(user) = self.user(author) else {
            problems.add("comment", "Author: is invalid");
            return None;
        };
        // A customer's comments are always public.
        let public = !user.role.is_staff() || new.public.unwrap_or(public);
        let (html, body) = match (new.html, new.body) {
            (Some(html), _) => markup::from_html(&html),
            (None, body) => {
                let body = body.unwrap_or_default();
                (markup::from_plain(&body), body)
            }
        };
        if body.len() > BODY_MAX {
            problems.add("comment", "Comment: is too long (maximum is 65535 characters)");
        }
        let mut attachments: Vec<Attachment> = Vec::new();
        for token in &new.uploads {
            match self.uploads.remove(token) {
                Some(files) => attachments.extend(files),
                None => problems.add("comment", "Upload: token is invalid or was used before"),
            }
        }
        let id = self.new_id();
        Some(Comment { id, author, public, body, html, channel, attachments, created: Timestamp::now() })
    }

    /// A public comment becomes an internal note.
    pub fn make_private(&mut self, actor: Actor, ticket: u64, comment: u64) -> Result<(), Refusal> {
        let it = self.ticket_mut(ticket)?;
        let comment = it.comments.iter_mut().find(|it| it.id == comment).ok_or_else(Refusal::not_found)?;
        comment.public = false;
        let comment = comment.clone();
        it.updated = Timestamp::now();
        it.index();
        self.tell_comment(ticket, actor, "comment_made_private", &comment);
        Ok(())
    }

    /// Words of a comment become blocks.
    pub fn redact(&mut self, actor: Actor, ticket: u64, comment: u64, text: &str) -> Result<(), Refusal> {
        let it = self.ticket_mut(ticket)?;
        let comment = it.comments.iter_mut().find(|it| it.id == comment).ok_or_else(Refusal::not_found)?;
        if text.is_empty() || !comment.body.contains(text) {
            return Err(Refusal::invalid("text", "Text: was not found in the comment"));
        }
        comment.body = comment.body.replace(text, &"▇".repeat(text.chars().count()));
        comment.html = markup::from_plain(&comment.body);
        let comment = comment.clone();
        it.updated = Timestamp::now();
        it.index();
        self.tell_comment(ticket, actor, "comment_redacted", &comment);
        Ok(())
    }

    pub fn delete_ticket(&mut self, actor: Actor, id: u64) -> Result<(), Refusal> {
        let ticket = self.ticket_mut(id)?;
        ticket.deleted = true;
        ticket.updated = Timestamp::now();
        ticket.index();
        self.tell_deleted(id, actor);
        Ok(())
    }
}
