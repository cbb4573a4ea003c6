//! `/teams/{team}/live`: server-sent events that say when the log has something new, for `static/live.js`.
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
        Core,
        live::{newest, watch_log},
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

/// `GET /teams/{team}/live`
pub(super) async fn news(
    State(core): State<Core>,
    State(stopping): State<Stopping>,
    who: SignedIn,
    Path(id): Path<TeamId>,
) -> Result<Response> {
    let (member, team) = teams::find(&core, &who.person, id).await?;
    let watching = watch_log(&core, &member, team.id).await?;
    let event = |newest: String| Ok::<_, Infallible>(Event::default().event("log").data(newest).retry(PAUSE));
    let now = event(newest(&core, &member, team.id).await?);
    let later = stream::unfold(watching, move |mut watching| {
        let core = core.clone();
        async move {
            watching.news().await;
            // Without an answer the stream ends, and the browser asks again.
            let newest = newest(&core, &member, id).await.ok()?;
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
