//! The streaming API: JSON with `\r\n` after each, or an event stream. <https://www.flowdock.com/api/streaming>

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{RawPathParams, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

use super::super::Sandbox;
use super::super::refusal::Refusal;
use super::super::world::World;
use super::super::world::stream::{Ear, Event};
use super::answer::dress;
use super::call::Call;
use super::serve::{read, serve};
use super::{FLOW, SEE_FLOWS, flows};

/// Clients give up after 90 seconds of silence.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Events,
}

impl Format {
    fn of(call: &Call, headers: &HeaderMap) -> Self {
        let asked = call.text("accept");
        let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        let wanted = asked.as_deref().or(accepted).unwrap_or_default();
        if wanted.contains("text/event-stream") { Format::Events } else { Format::Json }
    }

    fn content_type(self) -> &'static str {
        match self {
            Format::Json => "application/json; charset=utf-8",
            Format::Events => "text/event-stream; charset=utf-8",
        }
    }

    fn write(self, event: &Event) -> Bytes {
        match self {
            // The documents say \r, and every client that was ever published waits for \r\n.
            Format::Json => format!("{}\r\n", event.shown).into(),
            Format::Events => format!("id: {}\ndata: {}\n\n", event.id, event.shown).into(),
        }
    }

    /// Something that is nothing. A lone \r\n would be an empty JSON document to Flowdock's own client.
    fn keep_alive(self) -> Bytes {
        Bytes::from_static(match self {
            Format::Json => b"\n",
            Format::Events => b":\n\n",
        })
    }
}

/// Both are `GET /flows` on hosts of their own; on ours the filter tells.
pub(super) async fn flows_or_stream(state: State<Sandbox>, params: RawPathParams, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default();
    if url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "filter") {
        return listen(state, params, request).await;
    }
    serve(&state.0, flows::list, SEE_FLOWS, &params, request).await
}

pub(super) async fn listen(State(sandbox): State<Sandbox>, params: RawPathParams, request: Request) -> Response {
    let headers = request.headers().clone();
    let call = match read(&sandbox, FLOW, &params, request).await {
        Ok(call) => call,
        Err(refusal) => return dress(Err(refusal), None),
    };
    let world = sandbox.world();
    let ear = match ear(&world, &call) {
        Ok(ear) => ear,
        Err(refusal) => return dress(Err(refusal), None),
    };
    let format = Format::of(&call, &headers);
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok()).and_then(|id| id.parse().ok());
    let (missed, coming) = world.stream.listen(last);
    let listener = Listener { ear, format, missed: missed.into(), coming };
    let chunks = stream::unfold(listener, |mut listener| async move {
        let chunk = listener.next().await?;
        Some((Ok::<_, std::io::Error>(chunk), listener))
    });
    let mut response =
        (StatusCode::OK, [(header::CONTENT_TYPE, format.content_type())], Body::from_stream(chunks)).into_response();
    let user = call.user().map_or(0, |user| user);
    response.headers_mut().insert("flowdock-user", user.into());
    response
}

/// Which flows: those of the path or the filter (by path or id), else all joined ones.
fn ear(world: &World, call: &Call) -> Result<Ear, Refusal> {
    let user = call.user()?;
    let private = call.flag("user")?.unwrap_or(false).then_some(user);
    if !call.param("flow").is_empty() {
        return Ok(Ear { flows: vec![call.joined(world)?], private });
    }
    let filter = call.list("filter");
    let flows = match filter.is_empty() {
        true => world.flows.iter().filter(|flow| flow.is_in(user)).map(|flow| flow.id.clone()).collect(),
        false => filter
            .iter()
            .map(|name| world.flow_called(user, name).and_then(|flow| world.joined(user, flow)))
            .collect::<Result<_, _>>()?,
    };
    Ok(Ear { flows, private })
}

struct Listener {
    ear: Ear,
    format: Format,
    missed: VecDeque<Arc<Event>>,
    coming: Receiver<Arc<Event>>,
}

impl Listener {
    /// The next piece for this listener; none: the sandbox is gone, or the listener is far too slow.
    async fn next(&mut self) -> Option<Bytes> {
        while let Some(event) = self.missed.pop_front() {
            if self.ear.hears(&event) {
                return Some(self.format.write(&event));
            }
        }
        loop {
            match timeout(KEEP_ALIVE, self.coming.recv()).await {
                Err(_) => return Some(self.format.keep_alive()),
                Ok(Ok(event)) if self.ear.hears(&event) => return Some(self.format.write(&event)),
                Ok(Ok(_)) => {}
                Ok(Err(RecvError::Closed | RecvError::Lagged(_))) => return None,
            }
        }
    }
}
