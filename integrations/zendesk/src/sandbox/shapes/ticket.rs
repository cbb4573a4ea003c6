//! Tickets, comments and audits.

use serde_json::{Value, json};

use super::super::world::account::{Account, Attachment};
use super::super::world::audit::Audit;
use super::super::world::stamp;
use super::super::world::ticket::{Comment, Ticket};

pub(in super::super) fn ticket(account: &Account, ticket: &Ticket, at: &str) -> Value {
    let fields = &ticket.fields;
    let followups: Vec<u64> =
        account.live_tickets().filter(|other| other.follows == Some(ticket.id)).map(|other| other.id).collect();
    let custom: Value = fields.custom_fields.iter().map(|(id, value)| json!({"id": id, "value": value})).collect();
    json!({
        "id": ticket.id,
        "url": format!("{at}/api/v2/tickets/{}.json", ticket.id),
        "external_id": fields.external_id,
        "via": {"channel": ticket.channel.word(), "source": {"from": {}, "to": {}, "rel": null}},
        "created_at": stamp(ticket.created),
        "updated_at": stamp(ticket.updated),
        "generated_timestamp": ticket.updated.as_second(),
        "type": fields.kind.map(|it| it.word()),
        "subject": fields.subject,
        "raw_subject": fields.subject,
        "description": ticket.description(),
        "priority": fields.priority.map(|it| it.word()),
        "status": fields.status.word(),
        "custom_status_id": fields.custom_status,
        "recipient": null,
        "requester_id": fields.requester,
        "submitter_id": ticket.submitter,
        "assignee_id": fields.assignee,
        "organization_id": fields.organization,
        "group_id": fields.group,
        "collaborator_ids": [],
        "follower_ids": [],
        "email_cc_ids": [],
        "forum_topic_id": null,
        "problem_id": null,
        "has_incidents": false,
        "is_public": ticket.public,
        "due_at": null,
        "tags": fields.tags,
        "custom_fields": custom,
        "fields": custom,
        "satisfaction_rating": null,
        "sharing_agreement_ids": [],
        "followup_ids": followups,
        "ticket_form_id": null,
        "brand_id": 1,
        "allow_channelback": false,
        "allow_attachments": true,
        "from_messaging_channel": false,
    })
}

pub(in super::super) fn comment(account: &Account, comment: &Comment, at: &str) -> Value {
    let audit = account
        .tickets
        .values()
        .flat_map(|ticket| &ticket.audits)
        .find(|audit| audit.comment == Some(comment.id))
        .map(|audit| audit.id);
    let attachments: Value = comment.attachments.iter().map(|it| attachment(it, at)).collect();
    json!({
        "id": comment.id,
        "type": "Comment",
        "author_id": comment.author,
        "body": comment.body,
        "html_body": comment.html,
        "plain_body": comment.body,
        "public": comment.public,
        "attachments": attachments,
        "audit_id": audit,
        "via": {"channel": comment.channel.word(), "source": {"from": {}, "to": {}, "rel": null}},
        "created_at": stamp(comment.created),
        "metadata": {"system": {}, "custom": {}},
    })
}

pub(in super::super) fn attachment(it: &Attachment, at: &str) -> Value {
    json!({
        "id": it.id,
        "url": format!("{at}/api/v2/attachments/{}.json", it.id),
        "file_name": it.name,
        "content_url": format!("{at}/api/v2/attachments/{}/content", it.id),
        "mapped_content_url": format!("{at}/api/v2/attachments/{}/content", it.id),
        "content_type": it.kind,
        "size": it.bytes.len(),
        "inline": false,
        "deleted": false,
        "thumbnails": [],
    })
}

pub(in super::super) fn audit(account: &Account, ticket: &Ticket, audit: &Audit, at: &str) -> Value {
    // Events need ids of their own; the audit's leaves room for them.
    let id = |index: usize| audit.id * 100 + index as u64;
    let of_comment = audit.comment.and_then(|id| ticket.comment(id).ok()).map(|it| {
        let mut event = comment(account, it, at);
        event["type"] = json!("Comment");
        event
    });
    let of_fields = audit.changes.iter().enumerate().map(|(index, change)| {
        if audit.creation {
            return json!({"id": id(index), "type": "Create", "field_name": change.field, "value": change.after});
        }
        json!({
            "id": id(index),
            "type": "Change",
            "field_name": change.field,
            "value": change.after,
            "previous_value": change.before,
        })
    });
    json!({
        "id": audit.id,
        "ticket_id": ticket.id,
        "created_at": stamp(audit.created),
        "author_id": audit.actor.user,
        "metadata": {"system": {}, "custom": {}},
        "via": {"channel": audit.actor.channel.word(), "source": {"from": {}, "to": {}, "rel": null}},
        "events": of_comment.into_iter().chain(of_fields).collect::<Value>(),
    })
}
