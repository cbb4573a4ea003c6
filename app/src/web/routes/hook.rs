//! `POST /integrations/{p}/hook`: the raw bytes are checked, kept and answered. What they say is read later, by a job.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    extract::{Path, Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use integration_contract::{
    Address, Error as PartnerError, HookAnswer, HookCall, HookReply, HookRules, SecretOf, SecretString, Verified,
};
use serde::Deserialize;

use crate::{
    core::{
        Core, Error,
        inbox::{Arrival, NewMessage},
        integration_links,
        partners::Partner,
    },
    db::entity::integration_link::{self, LinkState},
    state::HookLimits,
    web::body::{BodyRefused, read_body},
};

/// Partners' unsigned probes are a few fields long.
const LONGEST_PROBE: usize = 8 * 1024;

#[derive(Deserialize)]
pub struct Keyed {
    key: Option<String>,
}

/// Answers are empty but where the partner shows them to a person: a caller that is not the partner learns nothing.
pub async fn hook(
    State(core): State<Core>,
    State(limits): State<HookLimits>,
    Path(id): Path<String>,
    Query(query): Query<Keyed>,
    request: Request,
) -> Response {
    let Ok(partner) = core.partners.get(&id) else { return StatusCode::NOT_FOUND.into_response() };
    let Some(rules) = &partner.integration.card().hooks else { return StatusCode::NOT_FOUND.into_response() };
    let gate = Gate { core: &core, limits: &limits, partner, rules };
    let (head, body) = request.into_parts();
    let call = HookCall { headers: headers_of(&head.headers), key: query.key, body: Default::default() };
    let answer = match partner.integration.scheme().secret {
        SecretOf::Link | SecretOf::Given => gate.take_for_link(&head.headers, call, body).await,
        SecretOf::Setting(_) => gate.take_for_app(&head.headers, call, body).await,
    };
    answer.unwrap_or_else(|status| refused(&id, status))
}

fn refused(partner: &str, status: StatusCode) -> Response {
    metrics::counter!("hooks_refused_total", "partner" => partner.to_owned(), "status" => status.as_u16().to_string())
        .increment(1);
    if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
        return (status, [(header::RETRY_AFTER, "30")]).into_response();
    }
    status.into_response()
}

/// What a hook of one partner has to pass.
struct Gate<'a> {
    core: &'a Core,
    limits: &'a HookLimits,
    partner: &'a Partner,
    rules: &'a HookRules,
}

impl Gate<'_> {
    /// Each link has its own secret, so the call says first for which link it claims to be.
    async fn take_for_link(&self, headers: &HeaderMap, mut call: HookCall, body: Body) -> Result<Response, StatusCode> {
        let link = self.named_link(&call).await?;
        if matches!(link.state, LinkState::Removing | LinkState::Removed) {
            if let Err(error) = integration_links::rearm_clean_up(self.core, &link).await {
                tracing::warn!(link = %link.id, %error, "could not start a clean-up again");
            }
            return Err(StatusCode::GONE);
        }
        // Nobody is told to send a body that could not be believed.
        if !self.is_signed(&call) {
            return Err(self.not_genuine(Some(&link), "the signature header is absent or stands twice"));
        }
        call.body = read_body(headers, body, self.rules.max_body).await.map_err(BodyRefused::status)?;
        let secret = match self.partner.integration.scheme().secret {
            SecretOf::Given => integration_links::given_secret(self.core, &link),
            _ => integration_links::hook_secret(self.core, &link),
        };
        let secrets: Vec<SecretString> = secret.into_iter().collect();
        let call = self.verified(call, &secrets, Some(&link))?;
        self.check_media(headers, &call)?;
        self.within_limits(std::slice::from_ref(&link))?;
        let answer = self.partner.integration.answer(&call);
        self.keep(std::slice::from_ref(&link), answer, call).await
    }

    /// The app has one secret: the call is checked first, and then says for which account's links it is.
    async fn take_for_app(&self, headers: &HeaderMap, mut call: HookCall, body: Body) -> Result<Response, StatusCode> {
        if !self.is_signed(&call) {
            let refuse = |why| self.not_genuine(None, why);
            call.body = read_body(headers, body, LONGEST_PROBE).await.map_err(|_| refuse("it is not signed"))?;
            let probe = self.partner.integration.is_probe(&call);
            return if probe { Ok(StatusCode::OK.into_response()) } else { Err(refuse("it is not signed")) };
        }
        call.body = read_body(headers, body, self.rules.max_body).await.map_err(BodyRefused::status)?;
        let secrets: Vec<SecretString> = self.partner.app_secret().into_iter().cloned().collect();
        let call = self.verified(call, &secrets, None)?;
        self.check_media(headers, &call)?;
        let answer = self.partner.integration.answer(&call);
        if let Ok(HookAnswer::Reply(reply)) = answer {
            return Ok(replied(reply));
        }
        let (links, all) = match self.partner.integration.address(&call) {
            Address::Account { account, target, or_sole } => self.named_links(&account, target, or_sole).await?,
            Address::Link(_) | Address::Nobody => Default::default(),
        };
        match answer {
            Err(_) if links.is_empty() => Err(StatusCode::BAD_REQUEST),
            _ if links.is_empty() => Ok(self.nobodys(&call, &all)),
            answer => {
                self.within_limits(&links)?;
                self.keep(&links, answer, call).await
            }
        }
    }

    fn within_limits(&self, links: &[integration_link::Model]) -> Result<(), StatusCode> {
        let over = links.iter().any(|link| self.limits.check(link.id).is_err());
        if over { Err(self.rules.too_many) } else { Ok(()) }
    }

    /// The links that the call is for, and all of the account's.
    async fn named_links(
        &self,
        account: &str,
        target: Option<String>,
        or_sole: bool,
    ) -> Result<(Vec<integration_link::Model>, Vec<integration_link::Model>), StatusCode> {
        let found = integration_links::of_installation(self.core, self.partner, account).await;
        let all = found.map_err(|error| unavailable(&error))?;
        let of_target = |link: &&integration_link::Model| target.as_ref().is_none_or(|target| *target == link.target);
        let mut links: Vec<_> = all.iter().filter(of_target).cloned().collect();
        if links.is_empty() && or_sole && all.len() == 1 {
            links.clone_from(&all);
        }
        Ok((links, all))
    }

    fn is_signed(&self, call: &HookCall) -> bool {
        call.header(self.partner.integration.scheme().header).is_some()
    }

    /// The link that the call names. It only says which secret to check with.
    async fn named_link(&self, call: &HookCall) -> Result<integration_link::Model, StatusCode> {
        let Address::Link(key) = self.partner.integration.address(call) else { return Err(StatusCode::NOT_FOUND) };
        let found = integration_links::by_hook_key(self.core, self.partner, &key).await;
        found.map_err(|error| unavailable(&error))?.ok_or(StatusCode::NOT_FOUND)
    }

    fn verified(
        &self,
        call: HookCall,
        secrets: &[SecretString],
        link: Option<&integration_link::Model>,
    ) -> Result<Verified<HookCall>, StatusCode> {
        let scheme = self.partner.integration.scheme();
        let verified = scheme.verify(call, secrets, self.core.clock.now_seconds());
        verified.map_err(|refused| self.not_genuine(link, &refused.to_string()))
    }

    fn not_genuine(&self, link: Option<&integration_link::Model>, why: &str) -> StatusCode {
        let partner = self.partner.id();
        match link {
            Some(link) => {
                tracing::warn!(partner, link = %link.id, organization = %link.organization_id, why, "refused a hook");
            }
            None => tracing::warn!(partner, why, "refused a hook"),
        }
        StatusCode::UNAUTHORIZED
    }

    /// A genuine call that no link is there for. There is no tenant to keep it for; a refusal would count against the
    /// app at the partner, for all tenants.
    fn nobodys(&self, call: &Verified<HookCall>, of_account: &[integration_link::Model]) -> Response {
        metrics::counter!("hooks_kept_total", "partner" => self.partner.id(), "status" => "no_link").increment(1);
        let linked: Vec<String> = of_account.iter().map(|link| link.name.clone()).collect();
        self.partner.integration.stray(call, &linked).map_or_else(|| StatusCode::OK.into_response(), replied)
    }

    fn check_media(&self, headers: &HeaderMap, call: &HookCall) -> Result<(), StatusCode> {
        let plain = headers.get_all(header::CONTENT_ENCODING).iter().all(|value| value == "identity");
        let known = call.media_type().is_some_and(|media| self.rules.content_types.contains(&media.as_str()));
        if plain && known { Ok(()) } else { Err(StatusCode::UNSUPPORTED_MEDIA_TYPE) }
    }

    /// Keeps the call for each of the links. Should one of them fail, the partner comes again, and the others know it.
    async fn keep(
        &self,
        links: &[integration_link::Model],
        answer: Result<HookAnswer, PartnerError>,
        call: Verified<HookCall>,
    ) -> Result<Response, StatusCode> {
        let (event, delivery, lane, state, response) = match answer {
            Ok(HookAnswer::Reply(reply)) => return Ok(replied(reply)),
            Ok(HookAnswer::Accept { event, delivery, lane, reply }) => {
                let response = reply.map_or_else(|| StatusCode::OK.into_response(), replied);
                (event, delivery, lane, Arrival::Received, response)
            }
            Ok(HookAnswer::Ignore { event, delivery, reason }) => {
                (event, delivery, String::new(), Arrival::Ignored { reason }, StatusCode::OK.into_response())
            }
            Err(error) => {
                let state = Arrival::Rejected { reason: error.sentence().to_owned() };
                (String::new(), String::new(), String::new(), state, StatusCode::BAD_REQUEST.into_response())
            }
        };
        let HookCall { mut headers, body, .. } = call.into_inner();
        headers.retain(|name, _| self.rules.kept_headers.contains(&name.as_str()));
        for link in links {
            let message = NewMessage {
                organization: link.organization_id,
                link: link.id,
                partner: link.partner.clone(),
                event: event.clone(),
                delivery: delivery.clone(),
                lane: lane.clone(),
                headers: headers.clone(),
                body: body.clone(),
                state: state.clone(),
            };
            self.core.inbox().receive(message).await.map_err(|error| unavailable(&error))?;
        }
        let status = response.status().as_u16().to_string();
        metrics::counter!("hooks_kept_total", "partner" => self.partner.id(), "status" => status).increment(1);
        Ok(response)
    }
}

fn replied(reply: HookReply) -> Response {
    ([(header::CONTENT_TYPE, reply.content_type)], reply.body).into_response()
}

fn unavailable(error: &Error) -> StatusCode {
    tracing::error!(error = ?error, "a hook could not be kept");
    StatusCode::SERVICE_UNAVAILABLE
}

/// The headers of a call, as partners' crates read them.
pub(super) fn headers_of(headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in headers {
        all.entry(name.as_str().to_owned()).or_default().push(value.to_str().unwrap_or_default().to_owned());
    }
    all
}
