//! The durable queue.

/// The queue.
#[derive(Clone)]
pub struct Queue;
