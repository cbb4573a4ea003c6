//! The handle through which a partner calls its API. The host implements [`Transport`]: it adds the token, keeps to
//! time and size limits, refuses addresses nobody configured, follows no redirects and records the attempt.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use secrecy::SecretString;
use serde::{Serialize, de::DeserializeOwned};
use url::Url;

use crate::{Error, ErrorKind, Result};

/// The longest answer read from a partner, in bytes; the rest is cut off and the call fails.
pub const MAX_ANSWER: usize = 1024 * 1024;

/// What a call is authorised with.
#[derive(Clone)]
pub enum Auth {
    /// The account's own token, which the host adds. Without an account the call fails.
    Account,
    /// Nothing.
    Nobody,
    /// A token that only the partner knows so far: straight after an exchange.
    Bearer(SecretString),
    /// A client id and secret.
    Basic {
        /// The client id.
        user: String,
        /// The client secret.
        password: SecretString,
    },
}

/// One call to a partner.
pub struct Request {
    /// GET, POST…
    pub method: Method,
    /// On a host from the partner's settings; the host refuses others.
    pub url: Url,
    /// Without authorization.
    pub headers: HeaderMap,
    /// As it goes over the wire.
    pub body: Bytes,
    /// How it is authorised.
    pub auth: Auth,
    /// How long it may take in all.
    pub timeout: Duration,
    /// How much of the answer is read.
    pub max_answer: usize,
}

impl Request {
    /// A call with the account's token, 10 seconds and 1 MB of answer.
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            auth: Auth::Account,
            timeout: Duration::from_secs(10),
            max_answer: MAX_ANSWER,
        }
    }

    /// Replaces how the call is authorised.
    #[must_use]
    pub fn auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Puts JSON into the body.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] when `body` has no JSON form.
    pub fn json(mut self, body: &impl Serialize) -> Result<Self> {
        let bytes = serde_json::to_vec(body).map_err(|error| {
            Error::new(ErrorKind::Malformed, "Our own request could not be written.").caused_by(error)
        })?;
        self.body = bytes.into();
        Ok(self.header(header::CONTENT_TYPE, HeaderValue::from_static("application/json")))
    }
}

/// What a partner answered. Any status is an answer; only silence is an [`Error`].
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, at most [`Request::max_answer`] long.
    pub body: Bytes,
}

impl Response {
    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as a type of the partner's `wire.rs`.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`]: an answer that is not what the partner documents is an outage to us.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Error::new(ErrorKind::Unavailable, "The partner's answer was not what it documents.").caused_by(error)
        })
    }
}

/// How a call gets out. Implemented by the host, and by the testkit for tests without a network.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Makes the call once.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] when it is certain that the partner did not get it, [`ErrorKind::UnknownOutcome`]
    /// when it may have, [`ErrorKind::Unauthorized`] when there is no usable credential.
    async fn send(&self, request: Request) -> Result<Response>;
}

/// A cheap handle on a [`Transport`].
#[derive(Clone)]
pub struct Http(Arc<dyn Transport>);

impl Http {
    /// A handle on `transport`.
    pub fn new(transport: impl Transport + 'static) -> Self {
        Self(Arc::new(transport))
    }

    /// Makes one call.
    ///
    /// # Errors
    /// See [`Transport::send`].
    pub async fn send(&self, request: Request) -> Result<Response> {
        self.0.send(request).await
    }

    /// For the `oauth2` crate, which brings requests of the `http` crate with their own authorization: pass
    /// `&|request| http.send_as_is(request)` as its HTTP client. Token endpoints answer briefly: 64 KB.
    ///
    /// # Errors
    /// See [`Transport::send`].
    pub async fn send_as_is(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>> {
        let (head, body) = request.into_parts();
        let url = Url::parse(&head.uri.to_string()).map_err(|error| {
            Error::new(ErrorKind::NotConfigured, "The partner's address is not a URL.").caused_by(error)
        })?;
        let answer = self
            .send(Request {
                headers: head.headers,
                body: body.into(),
                max_answer: 64 * 1024,
                ..Request::new(head.method, url).auth(Auth::Nobody)
            })
            .await?;
        let mut response = http::Response::new(answer.body.to_vec());
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        Ok(response)
    }
}
