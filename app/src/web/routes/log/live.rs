//! `/teams/{team}/live` and `/log/live`: server-sent events that say when the log has something new, for `static/live.js`.
//!
//! They carry no content, so that nothing is shown that the page itself would not show. A stream ends after some minutes
//! and when the process stops; the browser opens it again by itself, and who asks is then looked at anew.

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
        teams,
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

impl Log {
    async fn newest(self, core: &Core, member: &Member) -> core::Result<String> {
        match self {
            Self::OfTeam(team) => newest(core, member, team).await,
            Self::Own => newest_own(core, member).await,
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
    stream_of(core, stopping, member, Log::OfTeam(team.id), watching).await
}

/// `GET /log/live`
pub(super) async fn own_news(
    State(core): State<Core>,
    State(stopping): State<Stopping>,
    who: SignedIn,
) -> Result<Response> {
    let member = who.member()?;
    let watching = watch_own(&core, &member).await?;
    stream_of(core, stopping, member, Log::Own, watching).await
}

async fn stream_of(core: Core, stopping: Stopping, member: Member, log: Log, watching: Watching) -> Result<Response> {
    let event = |newest: String| Ok::<_, Infallible>(Event::default().event("log").data(newest).retry(PAUSE));
    let now = event(log.newest(&core, &member).await?);
    let later = stream::unfold(watching, move |mut watching| {
        let core = core.clone();
        async move {
            watching.news().await;
            // Without an answer the stream ends, and the browser asks again.
            let newest = log.newest(&core, &member).await.ok()?;
            Some((event(newest), watching))
        }
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
