//! Does connecting do what the card says, and does nothing secret leave with it?

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use integration_contract::{
    AuthorizeAsk, Capability, Connect, Credentials, Error, ErrorKind, Grant, Integration, Result, Scope,
};
use url::Url;

use super::{Findings, Subject};
use crate::ScriptedHttp;

const STATE: &str = "suite-state-5b0e";
const VERIFIER: &str = "suite-verifier-0123456789-0123456789-0123456789";
const CALLBACK: &str = "https://patchbay.example/auth/suite/callback";

/// A site that every partner with sites takes.
pub(super) const SITE: &str = "suite";

/// What must never become part of an address.
const NO_SITES: [&str; 12] =
    ["", "evil.com/", "a.b", "x@y", "-a", "a-", "xn--a", "127.0.0.1", "a b", "A\u{0}", "a/../b", "a:80"];

pub(super) async fn check(subject: &Subject, found: &mut Findings) {
    let partner = subject.partner.as_ref();
    found.unless(partner.configured().is_ok(), "the configured partner says that it is not configured");
    match &partner.card().connect {
        Connect::OAuth { scopes, pkce, site, .. } => {
            if let Some(site) = site {
                found.unless((site.read)(SITE).as_deref() == Ok(SITE), "a plain site is refused");
                for bad in NO_SITES {
                    found.unless((site.read)(bad).is_err(), format!("{bad:?} becomes part of an address"));
                }
            }
            match partner.authorize_url(&ask(*pkce)) {
                Ok(url) => authorize_url(subject, &url, scopes, *pkce, found),
                Err(error) => found.unless(false, format!("there is no authorize URL: {error}")),
            }
            let exchange = partner.oauth_callback(&nobody_answers(), grant(*pkce)).await;
            let fails = exchange.is_err_and(|error| error.kind() != ErrorKind::Unsupported);
            found.unless(fails, "the card says OAuth, but a callback is unsupported, or succeeds without the partner");
        }
        Connect::Nothing => {
            let url = partner.authorize_url(&ask(true));
            found.unless(unsupported(&url), "the card says that no account is needed, but there is an authorize URL");
            let exchange = partner.oauth_callback(&nobody_answers(), grant(true)).await;
            found
                .unless(unsupported(&exchange), "the card says that no account is needed, but callbacks are supported");
        }
    }
    abilities(partner, found).await;
    if let Some(unconfigured) = &subject.unconfigured {
        let told = unconfigured.configured().is_err_and(|error| error.kind() == ErrorKind::NotConfigured);
        found.unless(told, "the partner without settings does not say that it is not configured");
        let url = unconfigured.authorize_url(&ask(true));
        let refused = url.is_err_and(|error| error.kind() == ErrorKind::NotConfigured);
        found.unless(refused, "the partner without settings has an authorize URL");
    }
    let required = partner.card().settings.iter().any(|setting| setting.required);
    found.unless(!required || subject.unconfigured.is_some(), "settings are required, but none were left out");
}

/// What a partner does not declare must be unsupported, and the other way round.
async fn abilities(partner: &dyn Integration, found: &mut Findings) {
    let old = Credentials {
        access_token: "suite-token".into(),
        refresh_token: Some("suite-refresh".into()),
        expires_at: Some(0),
        scopes: Vec::new(),
        site: None,
    };
    let declared = |capability| partner.card().capabilities.contains(&capability);
    let refresh = partner.refresh(&nobody_answers(), &old).await;
    found
        .unless(unsupported(&refresh) != declared(Capability::Refresh), "card and behaviour disagree about refreshing");
    found.unless(refresh.is_err(), "refreshing succeeds without the partner");
    let revoke = partner.revoke(&nobody_answers(), &old).await;
    found.unless(unsupported(&revoke) != declared(Capability::Revoke), "card and behaviour disagree about revoking");
    found.unless(revoke.is_err(), "revoking succeeds without the partner");
}

fn authorize_url(subject: &Subject, url: &Url, scopes: &[Scope], pkce: bool, found: &mut Findings) {
    let query: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
    let twice = query.len() != url.query_pairs().count();
    found.unless(!twice, "the authorize URL has a parameter twice");
    let has = |name: &str, value: &str| query.get(name).is_some_and(|is| is == value);
    found.unless(has("state", STATE), "the authorize URL does not carry the state");
    found.unless(has("redirect_uri", CALLBACK), "the authorize URL does not carry the exact redirect URI");
    let asked: Vec<_> = query.get("scope").map_or("", String::as_str).split([' ', ',']).collect();
    let names: Vec<_> = scopes.iter().map(|scope| scope.name).collect();
    let same = asked.len() == names.len() && names.iter().all(|name| asked.contains(name));
    found.unless(same, format!("the authorize URL asks for {asked:?}, the card for {names:?}"));
    if pkce {
        let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, VERIFIER.as_bytes()));
        let right = has("code_challenge", &challenge) && has("code_challenge_method", "S256");
        found.unless(right, "the authorize URL does not carry the S256 challenge");
    }
    found.unless(!url.as_str().contains(VERIFIER), "the authorize URL carries the PKCE verifier");
    found.unless(!subject.shows_a_secret(url.as_str()), "the authorize URL carries a secret");
    let short = subject.partner.authorize_url(&AuthorizeAsk { verifier: Some("short".into()), ..ask(pkce) });
    found.unless(!pkce || short.is_err(), "a PKCE verifier that RFC 7636 forbids is used");
}

fn ask(pkce: bool) -> AuthorizeAsk {
    AuthorizeAsk {
        state: STATE.into(),
        redirect_uri: Url::parse(CALLBACK).expect("a URL"),
        site: Some(SITE.to_owned()),
        verifier: pkce.then(|| VERIFIER.into()),
    }
}

fn grant(pkce: bool) -> Grant {
    Grant {
        code: "suite-code".into(),
        redirect_uri: Url::parse(CALLBACK).expect("a URL"),
        site: Some(SITE.to_owned()),
        verifier: pkce.then(|| VERIFIER.into()),
    }
}

fn nobody_answers() -> integration_contract::Http {
    ScriptedHttp::answering(|_| Err(Error::new(ErrorKind::Unavailable, "Nobody answers."))).http()
}

fn unsupported<T>(result: &Result<T>) -> bool {
    result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Unsupported)
}
