//! Keeping messages: for each its marks, its row and its job, in one commit.
//!
//! A mark is a digest that a repeated hook would have too. Each message has two: of its delivery's name, which a partner
//! repeats when it delivers again, and of its event and body, because most partners sign the body only and anyone who
//! has seen a call could send it again under another name. The primary key of the marks decides, so it holds across
//! processes, restarts and commits whose outcome was not heard of: a message is new if it could write all its marks.

use std::collections::{BTreeSet, HashSet};

use aws_lc_rs::digest::{self, SHA256};
use integration_contract::text::without_nul;
use sea_orm::{
    ActiveValue::Set,
    ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, Statement,
    sea_query::{Expr, OnConflict, Query},
};

use super::{Arrival, NewMessage, READ_MESSAGE, Received};
use crate::{
    db::{
        Db, LinkId, MessageId, OrganizationId,
        entity::{
            inbox_mark,
            inbox_message::{self, MessageState},
        },
    },
    queue::{self, NewJob},
};

/// How much of a rejected body is kept.
const BEGINNING: usize = 1024;

/// How many rejected messages a link keeps.
const MOST_REJECTED: u32 = 100;

/// How long a name that a partner chose may be.
const LONGEST_NAME: usize = 200;

/// How long a reason may be.
const LONGEST_REASON: usize = 1000;

/// A message, fit to be stored, with its marks.
pub(super) struct Envelope {
    message: NewMessage,
    digest: Vec<u8>,
    marks: Vec<Mark>,
}

/// What a repeated message would have too, within its link.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Mark {
    organization: OrganizationId,
    link: LinkId,
    digest: Vec<u8>,
}

impl Envelope {
    /// Digests the message and makes its texts storable: PostgreSQL knows no NUL, and a name may have any length.
    pub fn seal(mut message: NewMessage) -> Self {
        let digest = sha256(&[&message.body]);
        let mark = |digest| Mark { organization: message.organization, link: message.link, digest };
        let mut marks = Vec::new();
        if !matches!(message.state, Arrival::Rejected { .. }) {
            marks.push(mark(sha256(&[b"body\0", message.event.as_bytes(), b"\0", &digest])));
            if !message.delivery.is_empty() {
                marks.push(mark(sha256(&[b"delivery\0", message.delivery.as_bytes()])));
            }
        }
        for name in [&mut message.event, &mut message.delivery, &mut message.lane] {
            *name = storable(name, LONGEST_NAME);
        }
        for value in message.headers.values_mut().flatten() {
            *value = without_nul(value);
        }
        match &mut message.state {
            Arrival::Received => {}
            Arrival::Ignored { reason } => *reason = self::reason(reason),
            Arrival::Rejected { reason } => {
                *reason = self::reason(reason);
                message.body.truncate(BEGINNING);
            }
        }
        Self { message, digest, marks }
    }

    /// How many bytes it brings into a commit.
    pub fn size(&self) -> usize {
        self.message.body.len()
    }

    /// The word for the metrics.
    pub fn arrival(&self) -> &'static str {
        match self.message.state {
            Arrival::Received => "received",
            Arrival::Ignored { .. } => "ignored",
            Arrival::Rejected { .. } => "rejected",
        }
    }
}

/// Keeps messages, all in one commit, and says of each whether it is new.
pub(super) async fn keep(db: &Db, now: i64, envelopes: &[&Envelope]) -> Result<Vec<Received>, DbErr> {
    db.write(async |tx| {
        let mut unseen = write_marks(tx, now, envelopes).await?;
        let received: Vec<Received> = envelopes
            .iter()
            .map(|envelope| {
                // Each mark is new once: for the first of two alike in this commit, and not for the second.
                let unseen = envelope.marks.iter().filter(|mark| unseen.remove(mark)).count();
                if unseen == envelope.marks.len() { Received::New } else { Received::Repeated }
            })
            .collect();
        let new: Vec<(MessageId, &Envelope)> = envelopes
            .iter()
            .zip(&received)
            .filter(|(_, received)| **received == Received::New)
            .map(|(envelope, _)| (MessageId::new(), *envelope))
            .collect();
        write_messages(tx, now, &new).await?;
        let to_read = new.iter().filter(|(_, envelope)| envelope.message.state == Arrival::Received);
        queue::add_many(tx, to_read.map(|(id, envelope)| job(*id, &envelope.message)).collect()).await?;
        Ok(received)
    })
    .await
}

/// The job that reads a message.
fn job(id: MessageId, message: &NewMessage) -> NewJob {
    reading_job(message.organization, message.link, &message.lane, id)
}

/// The job that reads a message.
pub(super) fn reading_job(organization: OrganizationId, link: LinkId, lane: &str, id: MessageId) -> NewJob {
    NewJob {
        organization,
        kind: READ_MESSAGE,
        payload: payload(id),
        lane: Some(format!("link:{link}:{lane}")),
        run_at: None,
    }
}

/// The payload of the job that reads a message.
pub(super) fn payload(id: MessageId) -> serde_json::Value {
    serde_json::json!({ "message": id })
}

/// Writes the marks that are not there yet, and answers with them.
async fn write_marks(tx: &DatabaseTransaction, now: i64, envelopes: &[&Envelope]) -> Result<HashSet<Mark>, DbErr> {
    // Sorted, so that two processes with the same marks in hand can't wait for each other.
    let marks: BTreeSet<&Mark> = envelopes.iter().flat_map(|envelope| &envelope.marks).collect();
    if marks.is_empty() {
        return Ok(HashSet::new());
    }
    use inbox_mark::Column::{LinkId, Mark as Digest, OrganizationId, SeenAt};
    let mut insert = Query::insert();
    insert.into_table(inbox_mark::Entity).columns([OrganizationId, LinkId, Digest, SeenAt]);
    for Mark { organization, link, digest } in marks {
        let digest = digest.clone();
        insert.values_panic([Expr::val(*organization), Expr::val(*link), Expr::val(digest), Expr::val(now)]);
    }
    insert.on_conflict(OnConflict::new().do_nothing().to_owned());
    insert.returning(Query::returning().columns([OrganizationId, LinkId, Digest]));
    let rows = tx.query_all(&insert).await?;
    rows.iter()
        .map(|row| {
            Ok(Mark {
                organization: row.try_get_by_index(0)?,
                link: row.try_get_by_index(1)?,
                digest: row.try_get_by_index(2)?,
            })
        })
        .collect()
}

async fn write_messages(tx: &DatabaseTransaction, now: i64, new: &[(MessageId, &Envelope)]) -> Result<(), DbErr> {
    if new.is_empty() {
        return Ok(());
    }
    let rows = new.iter().map(|(id, Envelope { message, digest, .. })| {
        let (state, reason) = match &message.state {
            Arrival::Received => (MessageState::Received, None),
            Arrival::Ignored { reason } => (MessageState::Ignored, Some(reason.clone())),
            Arrival::Rejected { reason } => (MessageState::Rejected, Some(reason.clone())),
        };
        inbox_message::ActiveModel {
            organization_id: Set(message.organization),
            id: Set(*id),
            link_id: Set(message.link),
            partner: Set(message.partner.clone()),
            event: Set(message.event.clone()),
            delivery: Set(message.delivery.clone()),
            lane: Set(message.lane.clone()),
            headers: Set(serde_json::json!(message.headers)),
            body: Set(message.body.to_vec()),
            digest: Set(digest.clone()),
            finished_at: Set((state != MessageState::Received).then_some(now)),
            state: Set(state),
            reason: Set(reason),
            received_at: Set(now),
        }
    });
    inbox_message::Entity::insert_many(rows).exec_without_returning(tx).await?;
    let rejected = new.iter().map(|(_, envelope)| &envelope.message);
    let links: BTreeSet<_> = rejected
        .filter(|message| matches!(message.state, Arrival::Rejected { .. }))
        .map(|message| (message.organization, message.link))
        .collect();
    for (organization, link) in links {
        drop_oldest_rejected(tx, organization, link).await?;
    }
    Ok(())
}

/// A broken sender could otherwise fill the disk with what nobody can use.
async fn drop_oldest_rejected(
    tx: &DatabaseTransaction,
    organization: OrganizationId,
    link: LinkId,
) -> Result<(), DbErr> {
    let rejected = "FROM inbox_messages WHERE organization_id = $1 AND link_id = $2 AND state = 'rejected'";
    let sql =
        format!("DELETE {rejected} AND id <= (SELECT id {rejected} ORDER BY id DESC LIMIT 1 OFFSET {MOST_REJECTED})");
    let values = [organization.into(), link.into()];
    tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values)).await?;
    Ok(())
}

fn sha256(parts: &[&[u8]]) -> Vec<u8> {
    let mut context = digest::Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    context.finish().as_ref().to_vec()
}

/// A reason, fit to be stored.
pub(super) fn reason(text: &str) -> String {
    storable(text, LONGEST_REASON)
}

/// Cut by characters, not as a person counts them: it is the row that must not grow without end.
fn storable(text: &str, most: usize) -> String {
    without_nul(text).chars().take(most).collect()
}
