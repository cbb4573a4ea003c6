//! Answers to people who wrote to us from a partner.

use integration_contract::{Answer, ExposeSecret, SecretString};
use sea_orm::DatabaseTransaction;
use serde::{Deserialize, Serialize};

use super::{
    job,
    tell::{insert, new_message},
};
use crate::{
    core::{Core, Error, Result, sealing::Place},
    db::{
        MessageId,
        entity::{
            integration_link,
            outbox_message::{Model, OutboxKind, OutboxState},
        },
    },
    queue,
};

/// An answer and where it goes. Whoever has the address can answer, and whoever has the page in the answer can join the
/// accounts: so it is sealed, and dropped once it was sent.
#[derive(Serialize, Deserialize)]
struct Content {
    to: String,
    answer: Answer,
}

/// What the answer to whoever wrote an inbox message is about.
pub fn about_answer(to_message: MessageId) -> String {
    format!("answer:{to_message}")
}

/// Answers whoever wrote the inbox message: in the same commit as what came of it, delivered by a job. Wake the queue
/// after the commit.
///
/// # Errors
/// When the database does not answer.
pub async fn answer(
    core: &Core,
    tx: &DatabaseTransaction,
    link: &integration_link::Model,
    to_message: MessageId,
    to: &str,
    answer: Answer,
) -> Result<()> {
    let about = about_answer(to_message);
    let mut message = new_message(link, about, OutboxKind::Answer, OutboxState::Waiting, core.clock.now());
    let content = serde_json::to_string(&Content { to: to.to_owned(), answer }).map_err(anyhow::Error::from)?;
    message.content = Some(core.vault.seal(place(&message), &SecretString::from(content)));
    if insert(tx, &message).await? {
        queue::add(tx, job(&message)).await?;
    }
    Ok(())
}

/// Where it goes and what it says.
pub(super) fn open(core: &Core, message: &Model) -> Result<(String, Answer)> {
    let broken = || Error::Internal(anyhow::anyhow!("the content of an answer does not open"));
    let sealed = message.content.as_deref().ok_or_else(broken)?;
    let clear = core.vault.open(place(message), sealed).map_err(|_| broken())?;
    let Content { to, answer } = serde_json::from_str(clear.expose_secret()).map_err(|_| broken())?;
    Ok((to, answer))
}

fn place(message: &Model) -> Place {
    Place::outbox_content(message.organization_id, message.id)
}
