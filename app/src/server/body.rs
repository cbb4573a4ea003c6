//! A request's body with a deadline for all of it: a byte every now and then does not help.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::BoxError;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use super::Limits;

/// The body did not come within its deadline.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the request's body did not come in time")]
pub struct TooSlow;

pub(super) struct Deadline {
    body: Incoming,
    until: Instant,
    /// Made when the body first has to be waited for: most never do.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    /// The time begins now, when the head has been read.
    pub(super) fn new(body: Incoming, limits: &Limits) -> Self {
        let until = Instant::now() + time_for(body.size_hint().exact(), limits);
        Self { body, until, alarm: None }
    }
}

fn time_for(announced: Option<u64>, limits: &Limits) -> Duration {
    if announced.is_some_and(|bytes| bytes > Limits::LARGE) { limits.large_body } else { limits.body }
}

impl Body for Deadline {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            let late = frame.is_some() && Instant::now() >= self.until;
            return Poll::Ready(if late { Some(Err(TooSlow.into())) } else { frame.map(|frame| Ok(frame?)) });
        }
        let until = self.until;
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(until)));
        alarm.as_mut().poll(cx).map(|()| Some(Err(TooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_announced_large_body_gets_the_longer_time() {
        let limits = Limits::default();
        assert_eq!(time_for(None, &limits), limits.body);
        assert_eq!(time_for(Some(Limits::LARGE), &limits), limits.body);
        assert_eq!(time_for(Some(Limits::LARGE + 1), &limits), limits.large_body);
    }
}
