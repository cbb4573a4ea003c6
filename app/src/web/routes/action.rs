//! `POST /integrations/{p}/actions/{token}`: somebody clicked a button of ours inside the partner's product. The token in
//! the address says which button, the partner's own in a header says who, and no cookie says anything.

use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use integration_contract::{
    Actions, Clicker, Error as PartnerError, ErrorKind, HookCall, NotClicked, SecretString, Verified,
};
use serde_json::json;

use super::hook::headers_of;
use crate::{
    core::{
        Core, Error,
        actions::{self, Click, Found, NotDone, Pressed},
        partners::Partner,
    },
    state::HookLimits,
    web::{
        body::{BodyRefused, read_body},
        extract::Path,
    },
};

/// The longest body of a call.
const LONGEST_BODY: usize = 64 * 1024;

/// A refusal: its status, a sentence, and what else the caller has to know.
struct Refusal {
    status: StatusCode,
    sentence: String,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Refusal {
    fn new(status: StatusCode, sentence: impl Into<String>) -> Self {
        Self { status, sentence: sentence.into(), header: None }
    }

    fn with(self, name: HeaderName, value: HeaderValue) -> Self {
        Self { header: Some((name, value)), ..self }
    }

    fn nothing() -> Self {
        Self::new(StatusCode::NOT_FOUND, "There is no such button.")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(json!({ "error": self.sentence }))).into_response();
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// Answered with nothing when it was done: the thread is told like everybody else.
pub async fn action(
    State(core): State<Core>,
    State(limits): State<HookLimits>,
    Path((id, token)): Path<(String, String)>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let answer = take(&core, &limits, &id, &token, &head.headers, body).await;
    let status = answer.as_ref().map_or_else(|refusal| refusal.status, |()| StatusCode::OK);
    // The partner in an address may be anything; only ours become labels.
    if let Ok(partner) = core.partners.get(&id) {
        metrics::counter!("actions_total", "partner" => partner.id(), "status" => status.as_u16().to_string())
            .increment(1);
    }
    answer.map_or_else(IntoResponse::into_response, |()| StatusCode::OK.into_response())
}

async fn take(
    core: &Core,
    limits: &HookLimits,
    id: &str,
    token: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<(), Refusal> {
    let partner = core.partners.get(id).map_err(|_| Refusal::nothing())?;
    let actions = partner.integration.actions().ok_or_else(Refusal::nothing)?;
    let button = match actions::find(core, partner, token).await.map_err(|error| unavailable(&error))? {
        Found::Button(button) => *button,
        Found::Removed => return Err(Refusal::new(StatusCode::GONE, "The link of this button was removed.")),
        Found::Nothing => return Err(Refusal::nothing()),
    };
    let mut call = HookCall { headers: headers_of(headers), key: None, body: Default::default() };
    // Nobody is told to send a body that could not be believed.
    if call.header(actions.token().header).is_none() {
        return Err(not_genuine(&button, "the token is absent or stands twice"));
    }
    call.body = read_body(headers, body, LONGEST_BODY).await.map_err(body_refused)?;
    let (call, by) = verified(core, partner, actions, &button, call)?;
    if limits.check(button.link.id).is_err() {
        return Err(too_many(30));
    }
    let name = actions.clicked(&call, &button.url).map_err(not_clicked)?;
    let link = button.link.id;
    match actions::click(core, partner, Click { button, by, name }).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(not)) => {
            let refusal = not_done(actions, not);
            // Not with its header: that may lead to a claim.
            tracing::info!(partner = partner.id(), %link, why = refusal.sentence, "a click came to nothing");
            Err(refusal)
        }
        Err(error) => Err(unavailable(&error)),
    }
}

fn verified(
    core: &Core,
    partner: &Partner,
    actions: &dyn Actions,
    button: &Pressed,
    call: HookCall,
) -> Result<(Verified<HookCall>, Clicker), Refusal> {
    let scheme = actions.token();
    let nothing = SecretString::default();
    let secret = partner.setting(scheme.setting).unwrap_or(&nothing);
    let verified = scheme.verify(call, secret, core.clock.now_seconds());
    verified.map_err(|refused| not_genuine(button, &refused.to_string()))
}

/// All that is wrong with a token reads the same. 401 would send the person to sign in, which mends none of it.
fn not_genuine(button: &Pressed, why: &str) -> Refusal {
    let link = &button.link;
    tracing::warn!(partner = link.partner, link = %link.id, organization = %link.organization_id, why, "refused a click");
    Refusal::new(StatusCode::FORBIDDEN, "The token does not count.")
}

fn body_refused(refused: BodyRefused) -> Refusal {
    let refusal = Refusal::new(refused.status(), refused.to_string());
    match refused {
        BodyRefused::Busy => refusal.with(header::RETRY_AFTER, HeaderValue::from_static("5")),
        _ => refusal,
    }
}

fn not_clicked(not: NotClicked) -> Refusal {
    let status = match not {
        NotClicked::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        NotClicked::NotJson => StatusCode::BAD_REQUEST,
        NotClicked::OtherShape => StatusCode::UNPROCESSABLE_ENTITY,
        NotClicked::OtherAddress => StatusCode::FORBIDDEN,
    };
    Refusal::new(status, not.to_string())
}

fn not_done(actions: &dyn Actions, not: NotDone) -> Refusal {
    match not {
        NotDone::Replayed => Refusal::new(StatusCode::FORBIDDEN, "replayed"),
        NotDone::Asked(page) => {
            let (name, value) = actions.challenge(&page);
            Refusal::new(StatusCode::UNAUTHORIZED, "Sign in first.").with(name, value)
        }
        NotDone::Forbidden(sentence) => Refusal::new(StatusCode::FORBIDDEN, sentence),
        NotDone::Gone => Refusal::new(StatusCode::NOT_FOUND, "It is not there any more, or not yours to see."),
        NotDone::Paused => Refusal::new(StatusCode::CONFLICT, "This link is paused."),
        NotDone::Partner(error) => at_partner(&error),
    }
}

/// Never 401, which is kept for somebody we do not know.
fn at_partner(error: &PartnerError) -> Refusal {
    let status = match error.kind() {
        ErrorKind::Unauthorized | ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::NotFound | ErrorKind::Gone => StatusCode::NOT_FOUND,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::Refused | ErrorKind::Unsupported => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::RateLimited => return too_many(error.wait().map_or(30, |wait| wait.as_secs().max(1))),
        ErrorKind::Malformed | ErrorKind::UnknownOutcome => StatusCode::BAD_GATEWAY,
        ErrorKind::NotConfigured | ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    };
    Refusal::new(status, error.sentence())
}

fn too_many(seconds: u64) -> Refusal {
    Refusal::new(StatusCode::TOO_MANY_REQUESTS, "Too often.").with(header::RETRY_AFTER, HeaderValue::from(seconds))
}

fn unavailable(error: &Error) -> Refusal {
    tracing::error!(?error, "a click could not be taken");
    let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "Try again in half a minute.");
    refusal.with(header::RETRY_AFTER, HeaderValue::from_static("30"))
}
