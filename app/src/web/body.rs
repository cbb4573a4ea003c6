//! Reading a request's body: never longer than its route allows, never unpacked, and only a few large ones at once.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::BodyExt;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use crate::server::{Limits, TooSlow};

/// The longest body of a page's form.
pub const FORM_LIMIT: usize = 1024 * 1024;

/// A signature can only be checked over the whole body, so bodies wait in memory before anybody is known to be genuine.
static LARGE_BODIES: Semaphore = Semaphore::const_new(8);

/// How long a large body waits for its turn: less than the deadline for the body itself.
const TURN: std::time::Duration = std::time::Duration::from_secs(5);

/// A body that was not read, or not to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyRefused {
    /// Longer than the route allows. Said from the announced length alone where there is one.
    #[error("the body is too large")]
    TooLarge,
    /// Compressed; nothing is unpacked.
    #[error("the body is compressed")]
    Encoded,
    /// It did not come within its deadline.
    #[error("the body did not come in time")]
    TooSlow,
    /// It ended early, or was not framed as HTTP frames bodies.
    #[error("the body is broken")]
    Broken,
    /// Too many large bodies are being read.
    #[error("too many large bodies at once")]
    Busy,
}

impl BodyRefused {
    /// What it is answered with.
    pub fn status(self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Encoded => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken => StatusCode::BAD_REQUEST,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// Without a body; `layers` puts a page around it where a person reads it, and closes the connection.
impl IntoResponse for BodyRefused {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        if self == Self::Busy {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

/// Reads a body of at most `limit` bytes.
///
/// Look at what the headers alone decide first: a caller who waits for "100 Continue" sends nothing until this is called.
/// A large body's place is taken as long as its bytes, or any part of them, live.
///
/// # Errors
/// See [`BodyRefused`].
pub async fn read_body(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, BodyRefused> {
    let announced = content_length(headers);
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(BodyRefused::TooLarge);
    }
    if is_encoded(headers) {
        return Err(BodyRefused::Encoded);
    }
    let mut turn = None;
    if announced.is_some_and(|length| length > Limits::LARGE) {
        turn = Some(take_turn().await?);
    }
    let mut body = body;
    let mut bytes: Vec<u8> = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(why_broken)?.into_data() else { continue };
        let length = bytes.len() + data.len();
        if length > limit {
            return Err(BodyRefused::TooLarge);
        }
        if turn.is_none() && length as u64 > Limits::LARGE {
            turn = Some(take_turn().await?);
        }
        // Grows as bytes come, whatever length was announced, and never past the limit.
        if length > bytes.capacity() {
            let roomy = (bytes.capacity() * 2).clamp(length, limit);
            bytes.reserve_exact(roomy - bytes.len());
        }
        bytes.extend_from_slice(&data);
    }
    Ok(match turn {
        Some(turn) => Bytes::from_owner(LargeBody { bytes, _turn: turn }),
        None => bytes.into(),
    })
}

/// Gives its turn back when the last part of the bytes is dropped.
struct LargeBody {
    bytes: Vec<u8>,
    _turn: SemaphorePermit<'static>,
}

impl AsRef<[u8]> for LargeBody {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

async fn take_turn() -> Result<SemaphorePermit<'static>, BodyRefused> {
    match timeout(TURN, LARGE_BODIES.acquire()).await {
        Ok(Ok(turn)) => Ok(turn),
        _ => Err(BodyRefused::Busy),
    }
}

/// hyper has made sure that there is at most one and that it is a number.
fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn is_encoded(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .any(|value| !value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity"))
}

fn why_broken(error: axum::Error) -> BodyRefused {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(error) = cause {
        if error.is::<TooSlow>() {
            return BodyRefused::TooSlow;
        }
        cause = error.source();
    }
    BodyRefused::Broken
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn never_polled() -> Body {
        Body::from_stream(stream::poll_fn(|_| -> std::task::Poll<Option<Result<Bytes, TooSlow>>> {
            panic!("the body was read")
        }))
    }

    fn in_parts(parts: Vec<Result<Bytes, TooSlow>>) -> Body {
        Body::from_stream(stream::iter(parts))
    }

    #[tokio::test]
    async fn what_the_headers_decide_leaves_the_body_unread() {
        let long = headers(&[("content-length", "11")]);
        assert_eq!(read_body(&long, never_polled(), 10).await, Err(BodyRefused::TooLarge));
        for encoding in ["gzip", "br", "zstd", "identity, gzip", "x"] {
            let packed = headers(&[("content-encoding", encoding), ("content-length", "5")]);
            assert_eq!(read_body(&packed, never_polled(), 10).await, Err(BodyRefused::Encoded), "{encoding}");
        }
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit_and_not_beyond() {
        let parts = |n| in_parts(vec![Ok(Bytes::from_static(b"abcde")); n]);
        assert_eq!(read_body(&headers(&[]), parts(0), 10).await.unwrap(), Bytes::new());
        assert_eq!(read_body(&headers(&[]), parts(2), 10).await.unwrap(), "abcdeabcde");
        assert_eq!(read_body(&headers(&[]), parts(3), 10).await, Err(BodyRefused::TooLarge));
        assert_eq!(read_body(&headers(&[("content-encoding", "Identity")]), parts(1), 10).await.unwrap(), "abcde");
    }

    #[tokio::test]
    async fn a_slow_body_is_told_from_a_broken_one() {
        let slow = in_parts(vec![Ok(Bytes::from_static(b"a")), Err(TooSlow)]);
        assert_eq!(read_body(&headers(&[]), slow, 10).await, Err(BodyRefused::TooSlow));
        let broken = Body::from_stream(stream::iter([Err::<Bytes, _>(std::io::Error::other("reset"))]));
        assert_eq!(read_body(&headers(&[]), broken, 10).await, Err(BodyRefused::Broken));
    }

    #[tokio::test(start_paused = true)]
    async fn eight_large_bodies_live_at_once_and_a_ninth_is_asked_to_come_again() {
        let large = || in_parts(vec![Ok(Bytes::from(vec![b'x'; 600 * 1024])); 2]);
        let mut kept = Vec::new();
        for _ in 0..8 {
            kept.push(read_body(&headers(&[]), large(), 2 * 1024 * 1024).await.unwrap());
        }
        assert_eq!(read_body(&headers(&[]), large(), 2 * 1024 * 1024).await, Err(BodyRefused::Busy));

        let part = kept.pop().unwrap().slice(0..1);
        assert_eq!(read_body(&headers(&[]), large(), 2 * 1024 * 1024).await, Err(BodyRefused::Busy), "a part lives");
        drop(part);
        assert!(read_body(&headers(&[]), large(), 2 * 1024 * 1024).await.is_ok());
    }
}
