//! Taking a link over: it goes on with an account of who presses the button, which they may have to connect first.

use axum::response::{IntoResponse, Redirect, Response};

use super::{link_of, link_path};
use crate::{
    core::{
        Core, Error,
        integration_links::{self, TakenOver},
        integration_users::Purpose,
        partners::Partner,
        people::Member,
    },
    db::{LinkId, entity::integration_link::Model},
    web::{
        self,
        extract::{ReturnPath, SignedIn},
        page::Tone,
        routes::connect,
    },
};

/// Lets the link act with an account of who asks; without one, they are led to the partner's consent page, and it is done
/// when they are back.
pub(super) async fn take_over(
    core: &Core,
    who: &SignedIn,
    partner: &Partner,
    member: &Member,
    link: &Model,
    next: &str,
) -> web::Result<Response> {
    let here = link_path(link);
    let next = ReturnPath::new(next).or(&here);
    let site = match integration_links::take_over(core, member, partner, link).await {
        Ok(TakenOver::NoAccount { site }) => site,
        done => {
            say(who, partner, done).await?;
            return Ok(Redirect::to(&next).into_response());
        }
    };
    if partner.site().is_some() && site.is_none() {
        let sentence = format!("Connect your {} account first. Then use it for {}.", partner.name(), link.name);
        who.flash(Tone::Attention, sentence).await?;
        return Ok(Redirect::to(&format!("/integrations/{}", partner.id())).into_response());
    }
    let purpose = Purpose { site, return_to: Some(next), take_over: Some(link.id), ..Purpose::default() };
    connect::lead(core, who, member, partner, purpose).await
}

/// The same for who has just connected the account for it.
pub async fn take_over_connected(
    core: &Core,
    who: &SignedIn,
    partner: &Partner,
    link: LinkId,
    next: &str,
) -> web::Result<Response> {
    let (member, link) = link_of(core, who, partner, &link.to_string()).await?;
    say(who, partner, integration_links::take_over(core, &member, partner, &link).await).await?;
    Ok(Redirect::to(next).into_response())
}

/// Says what it came to, if it came to something: not when an account is still to be connected.
async fn say(who: &SignedIn, partner: &Partner, done: Result<TakenOver, Error>) -> web::Result<()> {
    let (tone, sentence) = match done {
        Ok(TakenOver::NoAccount { .. }) => return Ok(()),
        Ok(TakenOver::Taken) => {
            (Tone::Good, format!("It acts with your {} account from now on, and is being set up.", partner.name()))
        }
        Err(Error::Conflict(sentence)) => (Tone::Attention, sentence),
        Err(Error::Partner(error)) => (Tone::Bad, error.sentence().to_owned()),
        Err(error) => return Err(error.into()),
    };
    who.flash(tone, sentence).await
}
