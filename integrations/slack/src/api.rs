//! Slack's Web API: one function per call, named after it. <https://docs.slack.dev/reference/methods>

use std::time::{Duration, Instant};

use http::{HeaderValue, Method, header};
use integration_contract::{Auth, ErrorKind, Http, Request, Response, SecretString};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use url::{Url, form_urlencoded::Serializer};

use crate::{
    config::App,
    error::{self, About, No},
    wire::{Access, AuthTest, Channel, Channels, Message, Messages, OneChannel, OneUser, Posted, Refusal, Revoked},
};

/// 200 channels with their topics and purposes run to some 300 KB.
const LIST_ANSWER: usize = 4 * 1024 * 1024;
/// What a person waits at most for the form.
const LIST_TIME: Duration = Duration::from_secs(5);
/// Slack recommends no more.
const PER_PAGE: &str = "200";
/// 200 each: 4,000 channels. Slack allows 20 pages a minute.
const CHANNEL_PAGES: usize = 20;
/// 200 each: what is posted into a channel before a lost answer is looked for.
const HISTORY_PAGES: usize = 5;

pub(crate) struct Api<'a> {
    http: &'a Http,
    base: &'a Url,
    about: About,
}

/// A list that was read page by page.
pub(crate) struct Listed<T> {
    pub(crate) items: Vec<T>,
    /// Whether all pages were read.
    pub(crate) complete: bool,
}

/// An answer of the Web API, or Slack's no.
pub(crate) type Said<T> = Result<T, No>;

impl<'a> Api<'a> {
    pub(crate) fn new(http: &'a Http, base: &'a Url) -> Self {
        Self { http, base, about: About::default() }
    }

    /// Names the channel and the app in the sentences of errors.
    #[must_use]
    pub(crate) fn about(self, about: About) -> Self {
        Self { about, ..self }
    }

    // ---- connecting

    /// Trades a code or a refresh token for a token; `grant` is what differs between the two.
    /// <https://docs.slack.dev/reference/methods/oauth.v2.access>
    pub(crate) async fn oauth_v2_access(&self, app: &App, grant: &[(&str, &str)]) -> Said<Access> {
        use integration_contract::ExposeSecret;
        let form = Serializer::new(String::new()).extend_pairs(grant).finish();
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        let mut request = Request::new(Method::POST, self.url("oauth.v2.access"))
            .header(header::CONTENT_TYPE, form_type)
            // Slack prefers the header to fields of the form.
            .auth(Auth::Basic { user: app.id.expose_secret().to_owned(), password: app.secret.clone() });
        request.body = form.into();
        request.max_answer = 64 * 1024;
        self.write("connect the workspace", request).await
    }

    /// Whose token it is: the account's, or one that the host has not kept yet.
    pub(crate) async fn auth_test(&self, token: Option<&SecretString>) -> Said<AuthTest> {
        let request = self.headed(Request::new(Method::POST, self.url("auth.test")));
        self.read("see whose access it is", with(request, token)).await
    }

    /// <https://docs.slack.dev/reference/methods/auth.revoke>
    pub(crate) async fn auth_revoke(&self, token: &SecretString) -> Said<bool> {
        let request = self.headed(Request::new(Method::POST, self.url("auth.revoke")));
        let revoked: Revoked = self.write("give our access back", with(request, Some(token))).await?;
        Ok(revoked.revoked)
    }

    /// What somebody is called; `None` when Slack does not show them to us.
    /// <https://docs.slack.dev/reference/methods/users.info>
    pub(crate) async fn users_info(&self, user: &str, token: Option<&SecretString>) -> Said<Option<String>> {
        let request = self.get("users.info", &[("user", user)]);
        match self.read::<OneUser>("see a person's name", with(request, token)).await {
            Ok(one) => Ok(one.user.shown()),
            Err(no) if no.error().passes() || no.error().kind() == ErrorKind::Unauthorized => Err(no),
            Err(_) => Ok(None),
        }
    }

    // ---- channels

    /// The public channels, and the private ones the app is in; as many as can be had in the time a person waits.
    /// <https://docs.slack.dev/reference/methods/conversations.list>
    pub(crate) async fn conversations_list(&self) -> Said<Listed<Channel>> {
        let started = Instant::now();
        let mut listed = Listed { items: Vec::new(), complete: false };
        let mut cursor = None;
        for page in 0..CHANNEL_PAGES {
            let mut query =
                vec![("types", "public_channel,private_channel"), ("exclude_archived", "true"), ("limit", PER_PAGE)];
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let mut request = self.get("conversations.list", &query);
            request.max_answer = LIST_ANSWER;
            request.timeout = LIST_TIME.saturating_sub(started.elapsed());
            if request.timeout.is_zero() {
                return Ok(listed);
            }
            let mut answer: Channels = match self.read("list the channels", request).await {
                // Some pages are better than none; the form says that there are more.
                Err(no) if page > 0 && no.error().passes() => return Ok(listed),
                answer => answer?,
            };
            listed.items.append(&mut answer.channels);
            cursor = answer.next();
            if cursor.is_none() {
                listed.complete = true;
                break;
            }
        }
        Ok(listed)
    }

    /// <https://docs.slack.dev/reference/methods/conversations.info>
    pub(crate) async fn conversations_info(&self, channel: &str) -> Said<Channel> {
        let request = self.get("conversations.info", &[("channel", channel)]);
        Ok(self.read::<OneChannel>("look at the channel", request).await?.channel)
    }

    /// Being in it already is success. <https://docs.slack.dev/reference/methods/conversations.join>
    pub(crate) async fn conversations_join(&self, channel: &str) -> Said<Channel> {
        let request = self.post("conversations.join", &json!({ "channel": channel }))?;
        Ok(self.write::<OneChannel>("join the channel", request).await?.channel)
    }

    /// The message at `ts` as it stands now; `None` when there is none. Messages in threads stand in no history:
    /// `conversations.replies` finds one by its own ts. <https://docs.slack.dev/reference/methods/conversations.history>
    pub(crate) async fn message(&self, channel: &str, ts: &str) -> Said<Option<Message>> {
        let one = |method, more: &[(&str, &str)]| {
            let query = [
                &[("channel", channel)],
                more,
                &[("oldest", ts), ("latest", ts), ("inclusive", "true"), ("limit", "1")],
            ];
            self.get(method, &query.concat())
        };
        let doing = "read a message";
        let found = self.read::<Messages>(doing, one("conversations.history", &[])).await?;
        let at = |messages: Messages| messages.messages.into_iter().find(|message| message.ts == ts);
        if let Some(message) = at(found) {
            return Ok(Some(message));
        }
        match self.read::<Messages>(doing, one("conversations.replies", &[("ts", ts)])).await {
            Ok(found) => Ok(at(found)),
            Err(no) if no.is(&["thread_not_found", "message_not_found"]) => Ok(None),
            Err(no) => Err(no),
        }
    }

    /// What was posted since, with its metadata, newest first.
    pub(crate) async fn history_since(&self, channel: &str, since: i64) -> Said<Listed<Message>> {
        let oldest = since.to_string();
        self.posts("conversations.history", &[("channel", channel), ("oldest", &oldest), ("inclusive", "true")]).await
    }

    /// What stands in a thread, with its metadata, oldest first; its first message comes along.
    /// <https://docs.slack.dev/reference/methods/conversations.replies>
    pub(crate) async fn replies_since(&self, channel: &str, ts: &str, since: i64) -> Said<Listed<Message>> {
        let oldest = since.to_string();
        let query = [("channel", channel), ("ts", ts), ("oldest", &oldest), ("inclusive", "true")];
        self.posts("conversations.replies", &query).await
    }

    async fn posts(&self, method: &str, of: &[(&str, &str)]) -> Said<Listed<Message>> {
        let mut listed = Listed { items: Vec::new(), complete: false };
        let mut cursor = None;
        for _ in 0..HISTORY_PAGES {
            let mut query = of.to_vec();
            query.extend([("include_all_metadata", "true"), ("limit", PER_PAGE)]);
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let mut request = self.get(method, &query);
            request.max_answer = LIST_ANSWER;
            let mut answer: Messages = self.read("look for a post of ours", request).await?;
            listed.items.append(&mut answer.messages);
            cursor = answer.next();
            if cursor.is_none() {
                listed.complete = true;
                break;
            }
        }
        Ok(listed)
    }

    // ---- messages

    /// <https://docs.slack.dev/reference/methods/chat.postMessage>
    pub(crate) async fn chat_post_message(&self, message: &impl Serialize) -> Said<Posted> {
        self.write("post in the channel", self.post("chat.postMessage", message)?).await
    }

    /// <https://docs.slack.dev/reference/methods/chat.update>
    pub(crate) async fn chat_update(&self, message: &impl Serialize) -> Said<()> {
        self.write("change our post", self.post("chat.update", message)?).await.map(|_: Refusal| ())
    }

    /// <https://docs.slack.dev/reference/methods/chat.delete>
    pub(crate) async fn chat_delete(&self, channel: &str, ts: &str) -> Said<()> {
        let request = self.post("chat.delete", &json!({ "channel": channel, "ts": ts }))?;
        self.write("delete our post", request).await.map(|_: Refusal| ())
    }

    /// Only one person sees it. <https://docs.slack.dev/reference/methods/chat.postEphemeral>
    pub(crate) async fn chat_post_ephemeral(&self, message: &impl Serialize) -> Said<()> {
        self.write("answer the person", self.post("chat.postEphemeral", message)?).await.map(|_: Refusal| ())
    }

    /// To a `response_url`, which is its own permission. Any status is an answer: the caller knows what each means.
    /// <https://docs.slack.dev/interactivity/handling-user-interaction#message_responses>
    pub(crate) async fn respond(&self, url: Url, message: &impl Serialize) -> Said<Response> {
        let request = self.headed(Request::new(Method::POST, url)).auth(Auth::Nobody).json(message)?;
        Ok(self.http.send(request.header(header::CONTENT_TYPE, json_type())).await?)
    }

    // ---- shared by all of them

    async fn read<T: DeserializeOwned>(&self, doing: &str, request: Request) -> Said<T> {
        self.call(doing, false, request).await
    }

    async fn write<T: DeserializeOwned>(&self, doing: &str, request: Request) -> Said<T> {
        self.call(doing, true, request).await
    }

    /// `writes` = an outage leaves it open whether it was done.
    async fn call<T: DeserializeOwned>(&self, doing: &str, writes: bool, request: Request) -> Said<T> {
        let answer = self.http.send(request).await?;
        let ok = answer.status == http::StatusCode::OK
            && serde_json::from_slice::<Refusal>(&answer.body).is_ok_and(|said| said.ok);
        if !ok {
            return Err(error::of(doing, writes, &self.about, &answer));
        }
        serde_json::from_slice(&answer.body).map_err(|_| error::outage(doing, writes).into())
    }

    fn url(&self, method: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{method}", self.base.path()));
        url
    }

    fn get(&self, method: &str, query: &[(&str, &str)]) -> Request {
        let mut url = self.url(method);
        url.query_pairs_mut().extend_pairs(query);
        self.headed(Request::new(Method::GET, url))
    }

    fn post(&self, method: &str, body: &impl Serialize) -> integration_contract::Result<Request> {
        let request = self.headed(Request::new(Method::POST, self.url(method))).json(body)?;
        Ok(request.header(header::CONTENT_TYPE, json_type()))
    }

    fn headed(&self, request: Request) -> Request {
        request.header(header::USER_AGENT, HeaderValue::from_static("Patchbay"))
    }
}

/// Without a charset Slack answers with a warning.
fn json_type() -> HeaderValue {
    HeaderValue::from_static("application/json; charset=utf-8")
}

fn with(request: Request, token: Option<&SecretString>) -> Request {
    match token {
        Some(token) => request.auth(Auth::Bearer(token.clone())),
        None => request,
    }
}
