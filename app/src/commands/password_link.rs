//! `password-link`: a link with which somebody who forgot their password sets a new one, to be passed on by hand.

use anyhow::{Result, bail};

use super::say;
use crate::{
    boot,
    clock::Clock,
    core::{
        Error,
        password_links::{self, address},
    },
    db::{Db, missing_steps},
};

pub(super) async fn run(email: &str) -> Result<()> {
    let config = boot::configure("warn")?;
    let db = Db::open(&config.database.url).await?;
    if missing_steps(&db).await? > 0 {
        bail!("The database's schema is older than this program. Run `patchbay migrate` first.");
    }
    let made = password_links::make(&db, Clock::system().now(), email).await;
    db.close().await?;
    let (user, token) = match made {
        Ok(made) => made,
        Err(Error::NotFound) => bail!("Nobody here has the address {}.", email.escape_debug()),
        Err(error) => return Err(error.into()),
    };
    say(format_args!(
        "With this link {} sets a new password. It counts once, for an hour, and in the place of any earlier one. Who \
         opens it first gets in: pass it on to nobody else.",
        user.email
    ))?;
    say(address(&config.site.public_url(config.listen.address.port()), &token))
}
