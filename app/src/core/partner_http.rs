//! How calls to partners get out: one client, no redirects, only to configured origins, within time and size limits.
//!
//! | limit | figure |
//! |---|---|
//! | connecting | 3 s |
//! | the whole call | what the request says, 10 s by default |
//! | the answer | what the request says, 1 MB by default |
//! | redirects | none: a token in a body or header must not travel on |

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::BytesMut;
use futures::StreamExt;
use http::{HeaderValue, header};
use integration_contract::{Auth, Error, ErrorKind, ExposeSecret, Request, Response, Result, SecretString, Transport};
use url::Origin;

/// The host's end of [`integration_contract::Http`].
pub struct PartnerHttp {
    client: reqwest::Client,
    partner: &'static str,
    origins: Arc<[Origin]>,
    token: Option<SecretString>,
}

impl PartnerHttp {
    /// A handle for one partner, and for one account when there is a token.
    pub fn new(
        client: reqwest::Client,
        partner: &'static str,
        origins: Arc<[Origin]>,
        token: Option<SecretString>,
    ) -> Self {
        Self { client, partner, origins, token }
    }

    /// The one client of the process: everything it must never do is switched off here.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub fn client() -> reqwest::Result<reqwest::Client> {
        reqwest::Client::builder()
            .user_agent(concat!("Patchbay/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(3))
            .referer(false)
            .build()
    }

    fn refuse_elsewhere(&self, request: &Request) -> Result<()> {
        let plain = request.url.username().is_empty() && request.url.password().is_none();
        if plain && self.origins.contains(&request.url.origin()) {
            return Ok(());
        }
        tracing::warn!(
            partner = self.partner,
            host = request.url.host_str(),
            "refused to call an address that is not the partner's"
        );
        Err(Error::new(
            ErrorKind::Unavailable,
            "The partner named an address that is not its own, so it was not called.",
        ))
    }

    fn authorized(&self, auth: Auth, builder: reqwest::RequestBuilder) -> Result<reqwest::RequestBuilder> {
        Ok(match auth {
            Auth::Nobody => builder,
            Auth::Basic { user, password } => builder.basic_auth(user, Some(password.expose_secret())),
            Auth::Bearer(token) => bearer(builder, &token)?,
            Auth::Account => {
                let token = self.token.as_ref().ok_or_else(|| {
                    Error::new(ErrorKind::Unauthorized, "The account is not connected any more. Connect it again.")
                })?;
                bearer(builder, token)?
            }
        })
    }
}

#[async_trait]
impl Transport for PartnerHttp {
    async fn send(&self, request: Request) -> Result<Response> {
        self.refuse_elsewhere(&request)?;
        let (method, path) = (request.method.clone(), request.url.path().to_owned());
        let changes = !method.is_safe();
        let builder = self
            .client
            .request(request.method, request.url)
            .headers(request.headers)
            .timeout(request.timeout)
            .body(request.body);
        let started = std::time::Instant::now();
        let answer = self.authorized(request.auth, builder)?.send().await;
        let outcome = match &answer {
            Ok(answer) => answer.status().as_u16().to_string(),
            Err(error) if error.is_timeout() => "timeout".to_owned(),
            Err(_) => "unreachable".to_owned(),
        };
        let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        metrics::counter!("partner_calls_total", "partner" => self.partner, "outcome" => outcome.clone()).increment(1);
        tracing::debug!(partner = self.partner, %method, path, outcome, millis, "called");
        let answer = answer.map_err(|error| silence(&error, changes))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut body = BytesMut::new();
        let mut chunks = answer.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| silence(&error, changes))?;
            if body.len() + chunk.len() > request.max_answer {
                let kind = if changes { ErrorKind::UnknownOutcome } else { ErrorKind::Unavailable };
                return Err(Error::new(kind, "The partner's answer was too long to be read."));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response { status, headers, body: body.freeze() })
    }
}

fn bearer(builder: reqwest::RequestBuilder, token: &SecretString) -> Result<reqwest::RequestBuilder> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
        .map_err(|_| Error::new(ErrorKind::Unauthorized, "The account's token can't be used. Connect it again."))?;
    value.set_sensitive(true);
    Ok(builder.header(header::AUTHORIZATION, value))
}

/// What silence means: when nothing left us, nothing was done; otherwise a changing call may have been done.
fn silence(error: &reqwest::Error, changes: bool) -> Error {
    let kind = if changes && !error.is_connect() && !error.is_builder() {
        ErrorKind::UnknownOutcome
    } else {
        ErrorKind::Unavailable
    };
    // The error's own text holds the URL, whose query may hold what is nobody's business; its kind is enough.
    let cause = if error.is_timeout() {
        "timeout"
    } else if error.is_connect() {
        "no connection"
    } else {
        "connection lost"
    };
    Error::new(kind, "The partner did not answer.").caused_by(cause)
}
