//! A form that one of our pages, open in this very browser, has sent.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequest, FromRequestParts, Request};
use http::{HeaderMap, header};
use integration_contract::{FormInput, SecretString, text::without_nul};

use super::Visitor;
use crate::{
    core::Core,
    state::Demo,
    web::{
        Error, Result,
        body::{FORM_LIMIT, read_body},
    },
};

/// The fields of a posted form. Its token was checked: field `csrf`, or header `X-CSRF-Token`.
///
/// Where the form comes from was checked before any handler, for all routes at once.
pub struct Form(pub FormInput);

impl Form {
    /// A field that must not end up in a log or a page; not trimmed.
    pub fn secret(&self, name: &str) -> SecretString {
        SecretString::from(self.0.all(name).first().cloned().unwrap_or_default())
    }
}

impl<S> FromRequest<S> for Form
where
    S: Send + Sync,
    Core: FromRef<S>,
    Option<Arc<Demo>>: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, state).await?;
        // A DELETE needs no body; its token then stands in the header.
        let bodiless = parts.method == http::Method::DELETE && !parts.headers.contains_key(header::CONTENT_TYPE);
        if !bodiless && !is_form(&parts.headers) {
            return Err(Error::NotAForm);
        }
        let body = read_body(&parts.headers, body, FORM_LIMIT).await?;
        let input: FormInput =
            url::form_urlencoded::parse(&body).map(|(name, value)| (without_nul(&name), without_nul(&value))).collect();
        let in_header = parts.headers.get("x-csrf-token").and_then(|token| token.to_str().ok());
        if !visitor.token_fits(in_header.unwrap_or_else(|| input.one("csrf"))) {
            return Err(Error::ForeignForm);
        }
        Ok(Self(input))
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()) else { return false };
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}
