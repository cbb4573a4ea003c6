//! A look at a link's far end because somebody looks at its page: what the page says is how things stand, not how they
//! stood at the last inspection.

use std::{num::NonZeroU32, time::Duration};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::inspect;
use crate::{
    core::{Core, Error},
    db::{LinkId, entity::integration_link::Model},
};

/// How long a page waits for the partner. A look that takes longer goes on by itself, and the next page has it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Which links were looked at: one look a minute for each, however often its page is opened.
pub struct Looks(DefaultKeyedRateLimiter<LinkId>);

impl Default for Looks {
    fn default() -> Self {
        Self(RateLimiter::keyed(Quota::per_minute(NonZeroU32::MIN)))
    }
}

impl Looks {
    fn is_due(&self, link: LinkId) -> bool {
        // Those of the last minute are few, so it is cheap to keep no others.
        self.0.retain_recent();
        self.0.check_key(&link).is_ok()
    }
}

/// Looks at the link's far end when that has not been done for a minute, and lets the link follow. Answers with whether
/// that has come to an end: the link may have another state then. A partner that can't be asked changes nothing.
pub async fn look(core: &Core, link: &Model) -> bool {
    if !core.0.looks.is_due(link.id) {
        return false;
    }
    let looking = tokio::spawn({
        let (core, link) = (core.clone(), link.clone());
        async move {
            match inspect(&core, &link).await {
                Ok(()) => {}
                Err(Error::Partner(error)) => {
                    tracing::info!(link = %link.id, kind = ?error.kind(), "a look at a link failed")
                }
                Err(error) => tracing::warn!(link = %link.id, ?error, "what was seen of a link was not kept"),
            }
        }
    });
    tokio::time::timeout(PATIENCE, looking).await.is_ok()
}
