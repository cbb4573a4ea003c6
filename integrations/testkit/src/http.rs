//! An HTTP handle that answers from a script and remembers what was asked.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use integration_contract::{Auth, Http, Request, Response, Result, Transport};
use serde_json::Value;
use url::Url;

/// A call that was made.
#[derive(Clone)]
pub struct Sent {
    /// GET, POST…
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Without authorization.
    pub headers: HeaderMap,
    /// As it went out.
    pub body: Bytes,
    /// How it was authorised.
    pub auth: Auth,
    /// How long it might take.
    pub timeout: Duration,
}

impl Sent {
    /// `GET /path?query`: what a test compares.
    pub fn line(&self) -> String {
        let query = self.url.query().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{} {}{query}", self.method, self.url.path())
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Whether it may change something at the partner, as far as the method tells.
    pub fn writes(&self) -> bool {
        self.method != Method::GET && self.method != Method::HEAD
    }
}

/// A partner's outside as a function of the call; it may keep what was made.
pub type Answers = Box<dyn FnMut(&Sent) -> Result<Response> + Send>;

#[derive(Default)]
struct Script {
    expected: VecDeque<(String, Result<Response>)>,
    otherwise: Option<Answers>,
    sent: Vec<Sent>,
}

/// Answers calls in the order of a script, or by a function, and remembers them. A call that was not expected fails the
/// test.
#[derive(Clone, Default)]
pub struct ScriptedHttp(Arc<Mutex<Script>>);

impl ScriptedHttp {
    /// A partner that is not called at all.
    pub fn silent() -> Self {
        Self::default()
    }

    /// A partner as a function of the call.
    pub fn answering(answers: impl FnMut(&Sent) -> Result<Response> + Send + 'static) -> Self {
        let script = Self::default();
        script.script().otherwise = Some(Box::new(answers));
        script
    }

    /// The next call is `line` (as [`Sent::line`] writes it) and gets this answer.
    #[must_use]
    pub fn then(self, line: &str, answer: impl Into<ScriptedAnswer>) -> Self {
        self.script().expected.push_back((line.to_owned(), answer.into().0));
        self
    }

    /// The handle to give to a partner.
    pub fn http(&self) -> Http {
        Http::new(self.clone())
    }

    /// What was called so far.
    pub fn sent(&self) -> Vec<Sent> {
        self.script().sent.clone()
    }

    /// [`Sent::line`] of what was called so far.
    pub fn lines(&self) -> Vec<String> {
        self.script().sent.iter().map(Sent::line).collect()
    }

    /// Everything in the script was called.
    ///
    /// # Panics
    /// When something was not.
    pub fn finish(&self) {
        let left: Vec<_> = self.script().expected.iter().map(|(line, _)| line.clone()).collect();
        assert!(left.is_empty(), "these calls were expected and not made: {left:?}");
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// An answer of a script: a [`Response`], or the [`integration_contract::Error`] of a call that got none.
pub struct ScriptedAnswer(Result<Response>);

impl From<Response> for ScriptedAnswer {
    fn from(response: Response) -> Self {
        Self(Ok(response))
    }
}

impl From<integration_contract::Error> for ScriptedAnswer {
    fn from(error: integration_contract::Error) -> Self {
        Self(Err(error))
    }
}

#[async_trait]
impl Transport for ScriptedHttp {
    async fn send(&self, request: Request) -> Result<Response> {
        let Request { method, url, headers, body, auth, timeout, .. } = request;
        let sent = Sent { method, url, headers, body, auth, timeout };
        let mut script = self.script();
        script.sent.push(sent.clone());
        if let Some((line, answer)) = script.expected.pop_front() {
            assert_eq!(sent.line(), line, "another call was expected");
            return answer;
        }
        match &mut script.otherwise {
            Some(answers) => answers(&sent),
            None => panic!("no call was expected, but {} was made", sent.line()),
        }
    }
}

/// An answer with any body.
///
/// # Panics
/// When `status` is no status, or a header is none.
pub fn reply(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Response {
    let mut answer = Response {
        status: StatusCode::from_u16(status).expect("a status"),
        headers: HeaderMap::new(),
        body: body.into(),
    };
    for (name, value) in headers {
        let name: HeaderName = name.parse().expect("a header's name");
        answer.headers.insert(name, HeaderValue::from_str(value).expect("a header's value"));
    }
    answer
}

/// A JSON answer.
pub fn reply_json(status: u16, body: &Value) -> Response {
    reply(status, &[("content-type", "application/json; charset=utf-8")], body.to_string())
}
