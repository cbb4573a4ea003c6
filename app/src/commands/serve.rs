//! `serve`, `web` and `work`: the two halves of an instance, in one process or in several.

use anyhow::Result;

use crate::boot::{self, Service};

/// What this process does.
pub(super) struct Roles {
    pub web: bool,
    pub work: bool,
}

pub(super) async fn run(roles: Roles) -> Result<()> {
    let config = boot::configure("info")?;
    // First, so that a taken port is told before anything is changed.
    let listener = if roles.web { Some(boot::listen(&config).await?) } else { None };
    let port = match &listener {
        Some(listener) => listener.local_addr()?.port(),
        None => config.listen.address.port(),
    };
    let core = boot::open(&config, config.site.public_url(port)).await?;
    let mut service = Service::new(core);
    if roles.work {
        service.work();
    }
    if let Some(listener) = listener {
        service.web(listener, &config)?;
    }
    service.until_stopped().await
}
