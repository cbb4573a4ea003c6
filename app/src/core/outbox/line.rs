//! The line to a partner during one attempt: asks before each call whether the link still is one, and notes each call.

use std::{
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::Instant,
};

use async_trait::async_trait;
use integration_contract::{Error, ErrorKind, Http, Request, Response, Result, Transport};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};
use serde::{Deserialize, Serialize};
use tokio::sync::RwLockReadGuard;

use super::{mask, milliseconds};
use crate::{
    core::{self, Core},
    db::{
        LinkId, OrganizationId,
        entity::{
            Tenant,
            integration_link::{self, LinkState},
        },
    },
};

/// How many calls of one attempt are noted.
const MOST: usize = 20;

/// One HTTP call, as it is kept with its attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallNote {
    /// `POST`…
    pub method: String,
    /// Host and path. A query is left out: it may hold anything.
    pub place: String,
    /// What was answered.
    pub status: Option<u16>,
    /// Why nothing was.
    pub why: Option<String>,
    /// How long it took.
    pub ms: i64,
    /// How the answer begins, without anything that looks like a token.
    pub answer: String,
}

/// What one attempt saw on its line.
#[derive(Clone, Default)]
pub(super) struct Notes(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    calls: Vec<CallNote>,
    stopped: bool,
}

impl Notes {
    /// The calls that were made.
    pub fn calls(&self) -> Vec<CallNote> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).calls.clone()
    }

    /// Whether a call was not begun because the link was removed.
    pub fn stopped(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).stopped
    }

    /// The link was removed: what a call that was not begun answers.
    pub fn stop(&self) -> Error {
        self.note(|seen| seen.stopped = true);
        Error::new(ErrorKind::Refused, "The link was removed, so nothing more was sent.")
    }

    fn note(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// A partner's HTTP handle with the eyes of one attempt.
pub(super) struct Line {
    pub inner: Http,
    pub core: Core,
    pub organization: OrganizationId,
    pub link: LinkId,
    /// Whether the path may be kept: that of an answer's address opens it.
    pub shows_paths: bool,
    pub notes: Notes,
}

#[async_trait]
impl Transport for Line {
    async fn send(&self, request: Request) -> Result<Response> {
        let leave = match begin(&self.core, self.organization, self.link).await {
            Ok(Some(leave)) => leave,
            Ok(None) => return Err(self.notes.stop()),
            Err(error) => {
                let sentence = "Our own database did not answer, so nothing was sent.";
                return Err(Error::new(ErrorKind::Unavailable, sentence).caused_by(error));
            }
        };
        let path = if self.shows_paths { mask::masked(request.url.path()) } else { "/…".to_owned() };
        let (method, place) = (request.method.to_string(), format!("{}{path}", request.url.host_str().unwrap_or("")));
        let started = Instant::now();
        let answer = {
            let mut call = pin!(self.inner.send(request));
            // The first poll hands the call over. From then on it is under way, and a removal need not wait for it.
            let begun = futures::poll!(call.as_mut());
            drop(leave);
            match begun {
                Poll::Ready(answer) => answer,
                Poll::Pending => call.await,
            }
        };
        let (status, why, excerpt) = match &answer {
            Ok(answer) => (Some(answer.status.as_u16()), None, mask::excerpt(&answer.body)),
            Err(error) => (None, Some(error.sentence().to_owned()), String::new()),
        };
        let call = CallNote { method, place, status, why, ms: milliseconds(started.elapsed()), answer: excerpt };
        self.notes.note(|seen| {
            if seen.calls.len() < MOST {
                seen.calls.push(call);
            }
        });
        answer
    }
}

/// Leave to begin a call for a link; none once it was removed. Whoever removes a link waits, after the commit and before
/// the answer, until nobody holds one: a call that was still allowed has then begun. That holds within this process;
/// another one's calls can begin a database's round trip later.
pub(super) async fn begin(
    core: &Core,
    organization: OrganizationId,
    link: LinkId,
) -> core::Result<Option<RwLockReadGuard<'_, ()>>> {
    let leave = core.0.beginning.read().await;
    let state: Option<LinkState> = integration_link::Entity::of(organization)
        .filter(integration_link::Column::Id.eq(link))
        .select_only()
        .column(integration_link::Column::State)
        .into_tuple()
        .one(core.db.reader())
        .await?;
    let lives = state.is_some_and(|state| !matches!(state, LinkState::Removing | LinkState::Removed));
    Ok(lives.then_some(leave))
}
