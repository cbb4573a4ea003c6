//! What every web handler can reach.

use axum::extract::FromRef;

use crate::core::Core;

/// The state of the router. Cheap to clone.
#[derive(Clone, FromRef)]
pub struct AppState {
    /// The nouns and their rules.
    pub core: Core,
}
