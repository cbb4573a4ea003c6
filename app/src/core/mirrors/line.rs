//! The line to a partner while a change is carried: asks before each call whether the mirror still is one.

use std::{pin::pin, task::Poll};

use async_trait::async_trait;
use integration_contract::{Account, Error, ErrorKind, Http, Request, Response, Result, Transport};

use super::load;
use crate::{
    core::{self, Core, integration_links, partners::Partner},
    db::{
        LinkId, MirrorId, OrganizationId,
        entity::{integration_link, mirror::MirrorState},
    },
};

/// What a partner is called with for a mirror: the account of its link, on such a line.
pub(super) async fn account(
    core: &Core,
    mirror: MirrorId,
    partner: &Partner,
    link: &integration_link::Model,
) -> core::Result<Account> {
    let mut account = integration_links::account(core, partner, link).await?;
    account.http = Http::new(Line {
        inner: account.http,
        core: core.clone(),
        organization: link.organization_id,
        mirror,
        link: link.id,
    });
    Ok(account)
}

/// A partner's HTTP handle that works as long as the mirror does.
struct Line {
    inner: Http,
    core: Core,
    organization: OrganizationId,
    mirror: MirrorId,
    link: LinkId,
}

impl Line {
    async fn is_there(&self) -> core::Result<bool> {
        let db = self.core.db.reader();
        let mirror = load(db, self.organization, self.mirror).await?;
        let link = integration_links::load(&self.core, self.organization, self.link).await?;
        Ok(mirror.is_some_and(|mirror| mirror.state == MirrorState::Active)
            && link.is_some_and(|link| integration_links::lives(&link)))
    }
}

#[async_trait]
impl Transport for Line {
    async fn send(&self, request: Request) -> Result<Response> {
        // Whoever removes the mirror waits, before that is answered, until the calls that were still allowed have begun.
        let leave = self.core.0.beginning.read().await;
        match self.is_there().await {
            Ok(true) => {}
            Ok(false) => {
                return Err(Error::new(
                    ErrorKind::Refused,
                    "The mirror was paused or removed, so nothing more was sent.",
                ));
            }
            Err(error) => {
                let sentence = "Our own database did not answer, so nothing was sent.";
                return Err(Error::new(ErrorKind::Unavailable, sentence).caused_by(error));
            }
        }
        let mut call = pin!(self.inner.send(request));
        // The first poll hands the call over.
        let begun = futures::poll!(call.as_mut());
        drop(leave);
        match begun {
            Poll::Ready(answer) => answer,
            Poll::Pending => call.await,
        }
    }
}
