//! `/teams/{team}/live` and `/log/live`: server-sent events that say when the log has something new, for `static/live.js`.
//!
//! They carry no content, so that nothing is shown that the page itself would not show. Whoever is to be told something is
//! looked at anew: the stream of somebody who was removed or logged out ends. It also ends after some minutes and when the
//! process stops; then the browser opens it again by itself.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{StreamExt, stream};
use http::HeaderName;

use crate::{
    core::{
        self, Core,
        live::{Watching, newest, newest_own, watch_log, watch_own},
        people::Member,
        sessions, teams, users,
    },
    db::TeamId,
    server::Stopping,
    web::{
        Result,
        extract::{Path, SignedIn},
    },
};

/// How long a stream lasts.
const LASTS: Duration = Duration::from_mins(10);
/// How often something is sent although nothing is new, so that nobody on the way takes the connection for dead.
const HEARTBEAT: Duration = Duration::from_secs(20);
/// How long a browser waits before it opens the stream again.
const PAUSE: Duration = Duration::from_secs(3);

/// Whose log is looked at.
#[derive(Clone, Copy)]
enum Log {
    OfTeam(TeamId),
    Own,
}

/// Who looks, and from which session.
struct Reader {
    core: Core,
    member: Member,
    session_hash: Vec<u8>,
    log: Log,
}

impl Reader {
    /// What is newest, if they may still know it.
    async fn newest(&self) -> core::Result<String> {
        let Member { organization, user, .. } = self.member;
        if !sessions::is_open(&self.core, user, &self.session_hash).await? {
            return Err(core::Error::NotFound);
        }
        let member = users::person(&self.core, user).await?.member_of(organization)?;
        match self.log {
            Log::OfTeam(team) => newest(&self.core, &member, team).await,
            Log::Own => newest_own(&self.core, &member).await,
        }
    }
}

/// `GET /teams/{team}/live`
pub(super) async fn news(
    State(core): State<Core>,
    State(stopping): State<Stopping>,
    who: SignedIn,
    Path(id): Path<TeamId>,
) -> Result<Response> {
    let (member, team) = teams::find(&core, &who.person, id).await?;
    let watching = watch_log(&core, &member, team.id).await?;
    let reader = Reader { core, member, session_hash: who.session_hash(), log: Log::OfTeam(team.id) };
    stream_of(reader, stopping, watching).await
}

/// `GET /log/live`
pub(super) async fn own_news(
    State(core): State<Core>,
    State(stopping): State<Stopping>,
    who: SignedIn,
) -> Result<Response> {
    let member = who.member()?;
    let watching = watch_own(&core, &member).await?;
    let reader = Reader { core, member, session_hash: who.session_hash(), log: Log::Own };
    stream_of(reader, stopping, watching).await
}

async fn stream_of(reader: Reader, stopping: Stopping, watching: Watching) -> Result<Response> {
    let event = |newest: String| Ok::<_, Infallible>(Event::default().event("log").data(newest).retry(PAUSE));
    let now = event(reader.newest().await?);
    let later = stream::unfold((reader, watching), move |(reader, mut watching)| async move {
        watching.news().await;
        // Without an answer the stream ends, and the browser asks again: who may no longer know is then told so.
        let newest = reader.newest().await.ok()?;
        Some((event(newest), (reader, watching)))
    });
    let over = async move {
        tokio::select! {
            () = stopping.announced() => {}
            () = tokio::time::sleep(LASTS) => {}
        }
    };
    let events = stream::once(async { now }).chain(later).take_until(Box::pin(over));
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT));
    // Proxies that gather an answer before they pass it on would gather for ever.
    Ok(([(HeaderName::from_static("x-accel-buffering"), "no")], events).into_response())
}
