//! The outbox: what the log has to tell partners, until each has it or it is known why not.
//!
//! ```text
//!   an entry is written, changed, archived: tell()              a hook is to be answered: answer()
//!          │ in the same commit                                         │
//!          ▼                                                            │
//!     gathered ── the digest's hour strikes ──► waiting ◄───────────────┘
//!                                               │ ▲  └── the job deliver() ──► delivered, skipped, failed
//!                            the link is broken │ │ it works again
//!                                               ▼ │
//!                                              held          any of these, the link is removed ──► cancelled
//! ```
//!
//! - What is sent is the entry **as it is then** (`picture`), so changes before that join the message that waits, and a
//!   repeated delivery does no harm. A message's **version** rises with each change: who sent an older one is not done.
//! - What happened to an **item** of another link is a message of its own, with the change in it (`item`).
//! - Messages of a link leave one after the other: their jobs share a lane. A message's **turn** rises with each job for
//!   it, so that a job from before the link broke can't overtake.
//! - What stands at the partner is kept as a **post**, marked before the call is made: after a crash or a lost answer the
//!   partner is told "maybe", and looks for it first ([`attempt`]).
//! - Whether a link is still there is asked before each call, not once ([`mod@line`]); a partner that does not answer is
//!   given a rest by its [`Breakers`].
//!
//! Nothing here knows a partner; the entries know nothing but [`tell()`], the items nothing but [`tell_item`].

mod answer;
mod attempt;
mod breaker;
mod compose;
mod deliver;
mod digest;
mod foresee;
mod item;
mod keep;
mod line;
mod mask;
mod picture;
mod tell;

use std::time::Duration;

use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect, sea_query::LockType};

pub use answer::{about_answer, answer};
pub use breaker::Breakers;
pub use deliver::{deliver, gave_up};
pub use digest::{SEND_DIGEST, next_strike, strike};
pub use foresee::{Foreseen, ForeseenChange, Told as WouldTell, foresee, foresee_change};
pub use item::{about_change, happened, item_in_words, tell_item, tell_trouble};
pub(super) use keep::AGED;
pub use keep::{
    AttemptLine, CallNote, Line, POSTS_KEPT, cancel, count, count_failed, dressed, forget_messages, forget_posts,
    forget_posts_of, go_on, held, replay, replay_failed, until_calls_have_begun,
};
pub(in crate::core) use mask::{MASK, is_secret_name, masked};
pub use picture::outgoing;
pub use tell::{Occasion, about_entry, tell};

use super::{Core, Result};
use crate::{
    db::{
        LinkId, OrganizationId, OutboxMessageId,
        entity::{
            Tenant,
            integration_link::{self, LinkState},
            outbox_message::{Column, Entity, Model, OutboxKind},
        },
    },
    queue::NewJob,
};

/// The job that sends a message: payload `{"message": id, "turn": n}`.
pub const DELIVER: &str = "deliver";

/// What waited longer than this for its link to work is old news, and is not sent by itself any more.
pub const TOO_OLD: Duration = Duration::from_secs(3 * 24 * 3600);

/// How long an answer is of use: the addresses that partners give for answers live about half an hour.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(25 * 60);

/// The job that sends a message in its present turn.
fn job(message: &Model) -> NewJob {
    let lane = match message.kind {
        // An answer need not wait for the entries of a day, nor they for an answer that can't be given.
        OutboxKind::Answer => format!("answer:{}", message.link_id),
        OutboxKind::Entry | OutboxKind::Item | OutboxKind::Digest => lane_of(message.link_id),
    };
    NewJob {
        organization: message.organization_id,
        kind: DELIVER,
        payload: payload(message),
        lane: Some(lane),
        run_at: None,
    }
}

/// The lane in which a link's messages leave.
fn lane_of(link: LinkId) -> String {
    format!("out:{link}")
}

fn payload(message: &Model) -> serde_json::Value {
    serde_json::json!({ "message": message.id, "turn": message.turn })
}

async fn load(db: &impl ConnectionTrait, organization: OrganizationId, id: OutboxMessageId) -> Result<Option<Model>> {
    Ok(Entity::of(organization).filter(Column::Id.eq(id)).one(db).await?)
}

/// Takes hold of a link until the end of the transaction. Whoever writes to several messages of a link does so first, so
/// that no two can wait for each other; entries may go on being written meanwhile. Answers with where the link stands.
async fn hold_link(tx: &impl ConnectionTrait, organization: OrganizationId, link: LinkId) -> Result<Option<LinkState>> {
    let row = integration_link::Entity::of(organization)
        .filter(integration_link::Column::Id.eq(link))
        .select_only()
        .column(integration_link::Column::State)
        .lock(LockType::NoKeyUpdate);
    Ok(row.into_tuple().one(tx).await?)
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl Core {
    /// Which partners are given a rest.
    pub(super) fn breakers(&self) -> &Breakers {
        &self.0.breakers
    }
}
