//! `/auth/{p}`: connecting an account, and giving an installation up. Started by POST only, so that no link or image can start it for somebody.

use axum::{
    extract::{Path, RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use integration_contract::{ErrorKind, FormInput, SecretString};

use super::{authorize, integrations, links, mirrors, site::SiteField};
use crate::{
    core::{
        Core, Error,
        integration_users::{self, Callback, Consent, Purpose},
        partners::Partner,
        people::Member,
    },
    db::{IntegrationUserId, OrganizationId, entity::integration_user},
    web::{
        self,
        extract::{Form, ReturnPath, SignedIn, Visitor},
        page::Tone,
    },
};

/// No parameter of a genuine callback is longer.
const LONGEST: usize = 2048;

/// `POST /auth/{p}`
pub async fn start(
    State(core): State<Core>,
    Path(id): Path<String>,
    who: SignedIn,
    Form(form): Form,
) -> web::Result<Response> {
    let partner = core.partners.get(&id)?;
    // What is connected again may be of another organization than the one that is looked at.
    let member = match form.one("organization").parse() {
        Ok(organization) => who.person.member_of(organization)?,
        Err(_) => who.member()?,
    };
    let return_to = match form.one("next") {
        "" => None,
        next => Some(ReturnPath::new(next).or(&format!("/integrations/{id}"))),
    };
    let mends = form.one("account").parse().ok();
    match SiteField::read(partner, &form) {
        Ok(site) => lead(&core, &who, &member, partner, Purpose { site, return_to, mends, ..Purpose::default() }).await,
        Err(field) => integrations::draw(&core, &who, partner, Some(*field), StatusCode::UNPROCESSABLE_ENTITY).await,
    }
}

/// Leads the person to the partner's consent page; or to ours about the partner, with the reason why not.
pub(super) async fn lead(
    core: &Core,
    who: &SignedIn,
    member: &Member,
    partner: &Partner,
    purpose: Purpose,
) -> web::Result<Response> {
    match integration_users::begin(core, member, who.session_hash(), partner, purpose).await {
        Ok(url) => Ok(Redirect::to(url.as_str()).into_response()),
        Err(Error::Partner(error)) => {
            who.flash(Tone::Bad, error.sentence()).await?;
            Ok(Redirect::to(&format!("/integrations/{}", partner.id())).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /auth/{p}/callback`
pub async fn callback(
    State(core): State<Core>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    visitor: Visitor,
) -> web::Result<Response> {
    let partner = core.partners.get(&id)?;
    let answer = read(query.as_deref().unwrap_or_default()).ok_or(web::Error::StartAgain)?;
    let who = SignedIn::of(visitor).ok_or(web::Error::StartAgain)?;
    let ended = match integration_users::finish(&core, &who.person, &who.session_hash(), partner, answer).await {
        Ok(ended) => ended,
        Err(Error::Partner(error)) if error.kind() == ErrorKind::Refused => {
            who.flash(Tone::Bad, error.sentence()).await?;
            return Ok(Redirect::to(&format!("/integrations/{id}")).into_response());
        }
        // A stale or foreign answer, or no consent under way: nothing here says which.
        Err(Error::Conflict(_)) => return Err(web::Error::StartAgain),
        Err(error) => return Err(error.into()),
    };
    who.choose(ended.organization).await?;
    match ended.consent {
        Consent::Connected(account) => {
            let (name, it) = (partner.name(), &account.account_name);
            let sentence = match account.user_id {
                Some(_) => format!("Connected to {name} as {it}."),
                None => format!("Connected to {name}: installed in {it}, for everybody in the organization."),
            };
            match other_than_meant(&core, ended.organization, ended.mends, &account).await? {
                Some(meant) => {
                    let instead = format!(
                        "{sentence} What needs attention is {meant}, though: choose that one at {name}, and connect again."
                    );
                    who.flash(Tone::Attention, instead).await?;
                }
                None => who.flash(Tone::Good, sentence).await?,
            }
            if let Some(link) = ended.take_over {
                let next = ended.return_to.unwrap_or_else(|| "/integrations".to_owned());
                return links::take_over_connected(&core, &who, partner, link, &next).await;
            }
            let next = ended.return_to.unwrap_or_else(|| format!("/integrations/{id}/link"));
            Ok(Redirect::to(&next).into_response())
        }
        Consent::Declined => {
            who.flash(Tone::Attention, format!("{} was not connected.", partner.name())).await?;
            // Whatever else it was begun for can't go on without the account; the way to a mirror asks for another one.
            let back = ended.return_to.filter(|path| mirrors::is_way(path));
            Ok(Redirect::to(&back.unwrap_or_else(|| format!("/integrations/{id}"))).into_response())
        }
        Consent::Unproven => authorize::gone(&who, partner, None).await,
    }
}

/// What the account is called that was to be connected again, where another one came back: the browser was logged in as
/// somebody else at the partner.
async fn other_than_meant(
    core: &Core,
    organization: OrganizationId,
    meant: Option<IntegrationUserId>,
    came: &integration_user::Model,
) -> web::Result<Option<String>> {
    let Some(meant) = meant.filter(|meant| *meant != came.id) else { return Ok(None) };
    let meant = integration_users::find(core, organization, meant).await?;
    // What it says of somebody else's is none of this person's business.
    Ok(meant.filter(|row| row.user_id == came.user_id && row.partner == came.partner).map(|row| row.account_name))
}

/// `POST /integrations/{p}/disconnect`: gives up an installation of the organization, for its admins.
pub async fn disconnect(
    State(core): State<Core>,
    Path(id): Path<String>,
    who: SignedIn,
    Form(form): Form,
) -> web::Result<Redirect> {
    core.partners.get(&id)?;
    let account: IntegrationUserId = form.one("account").parse().map_err(|_| Error::NotFound)?;
    let mut found = Err(Error::NotFound);
    // It belongs to one organization, and its id does not say to which.
    for member in who.person.members() {
        found = integration_users::disconnect(&core, &member, account).await;
        if !matches!(found, Err(Error::NotFound)) {
            break;
        }
    }
    match found {
        Ok(row) => who.flash(Tone::Good, format!("{} is being disconnected.", row.account_name)).await?,
        Err(Error::Conflict(sentence)) => who.flash(Tone::Attention, sentence).await?,
        Err(error) => return Err(error.into()),
    }
    Ok(Redirect::to(&ReturnPath::new(form.one("next")).or(&format!("/integrations/{id}"))))
}

/// The parameters of a callback. A parameter that stands twice is not a callback of a partner's (RFC 6749, 3.1).
fn read(query: &str) -> Option<Callback> {
    let input: FormInput = url::form_urlencoded::parse(query.as_bytes()).collect();
    let one = |name: &str| match input.all(name) {
        [] => Some(None),
        [value] if value.len() <= LONGEST => Some(Some(value.clone())),
        _ => None,
    };
    let state = one("state")?.filter(|state| !state.is_empty())?;
    let error = one("error")?;
    let code = one("code")?.filter(|code| !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_graphic()));
    if error.is_none() && code.is_none() {
        return None;
    }
    Some(Callback { state, code: code.map(SecretString::from), error, issuer: one("iss")? })
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_callback_is_a_state_with_a_code_or_an_error_each_once() {
        assert!(read("state=s&code=c").is_some());
        assert!(read("state=s&error=access_denied").is_some());
        assert!(read("state=s&code=c&error=access_denied").is_some_and(|callback| callback.error.is_some()));
        let long = format!("state=s&code={}", "c".repeat(3000));
        for bad in [
            "",
            "code=c",
            "state=&code=c",
            "state=s",
            "state=s&code=",
            "state=s&state=s&code=c",
            "state=s&code=c&code=d",
            "state=s&code=a%20b",
            "state=s&code=a%0d%0ab",
            &long,
        ] {
            assert!(read(bad).is_none(), "{bad}");
        }
    }
}
