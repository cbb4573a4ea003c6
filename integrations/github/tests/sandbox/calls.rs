//! The product's own calls, taken to a sandbox.

use async_trait::async_trait;
use integration_contract::{Auth, Error, ErrorKind, ExposeSecret, Request, Response, Result, SecretString, Transport};

/// A handle on the sandbox's API, as the host would make one.
pub struct Calls {
    http: reqwest::Client,
    token: SecretString,
}

impl Calls {
    pub fn new(http: &reqwest::Client, token: String) -> Self {
        Self { http: http.clone(), token: token.into() }
    }
}

#[async_trait]
impl Transport for Calls {
    async fn send(&self, request: Request) -> Result<Response> {
        let call = self.http.request(request.method, request.url).headers(request.headers).body(request.body);
        let call = match request.auth {
            Auth::Account => call.bearer_auth(self.token.expose_secret()),
            _ => call,
        };
        let lost = |_| Error::new(ErrorKind::UnknownOutcome, "The answer was lost.");
        let answer = call.send().await.map_err(lost)?;
        Ok(Response { status: answer.status(), headers: answer.headers().clone(), body: answer.bytes().await.unwrap() })
    }
}
