//! The request's id: stands in the log, in the answer's `x-request-id` and on error pages. None is taken from outside,
//! so that nobody can write into our log.

use uuid::Uuid;

/// A request's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(Uuid);

tokio::task_local! {
    static CURRENT: RequestId;
}

impl RequestId {
    pub(super) fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// The id of the request that is being answered; none outside of one.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|id| *id).ok()
    }

    /// Answers within the request of this id.
    pub(super) async fn scope<T>(self, answer: impl Future<Output = T>) -> T {
        CURRENT.scope(self, answer).await
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
