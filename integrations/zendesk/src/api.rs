//! Zendesk's API: one function per call, named after it. <https://developer.zendesk.com/api-reference/>

use http::{HeaderName, HeaderValue, Method, header};
use integration_contract::{Auth, Error, ErrorKind, Http, Request, Response, Result, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use crate::{
    error,
    wire::{
        Audit, Audits, Comment, Comments, Meta, Myself, NewWebhook, OneTicket, OneTrigger, OneUser, OneWebhook, People,
        SigningSecret, Ticket, TicketChange, Tickets, Trigger, Triggers, User, Users, Webhook, WebhookChange, Webhooks,
    },
};

/// A page of 100 comments, each with 64 KB in three forms, is the longest there is.
const LIST_ANSWER: usize = 24 * 1024 * 1024;
/// A comment stands in an answer several times.
const TICKET_ANSWER: usize = 4 * 1024 * 1024;
const PER_PAGE: &str = "100";
/// 100 each. Zendesk allows 5,000 comments of a ticket.
const COMMENT_PAGES: usize = 50;
/// 100 each: far beyond any account.
const LIST_PAGES: usize = 50;
/// Asked for at once.
const MOST_USERS: usize = 100;

pub(crate) struct Api<'a> {
    http: &'a Http,
    /// Where the account is.
    base: Url,
}

impl<'a> Api<'a> {
    pub(crate) fn new(http: &'a Http, base: Url) -> Self {
        Self { http, base }
    }

    // ---- tokens

    /// Any status is an answer: the caller knows what each means for a token.
    /// <https://developer.zendesk.com/api-reference/ticketing/oauth/grant_type_tokens/>
    pub(crate) async fn oauth_tokens(&self, body: &Value) -> Result<Response> {
        let request = self.headed(Request::new(Method::POST, self.url(&["oauth", "tokens"]))).auth(Auth::Nobody);
        self.http.send(Request { max_answer: 64 * 1024, ..request.json(body)? }).await
    }

    /// Ends the token that asks for it, and its refresh token. Any status is an answer.
    /// <https://developer.zendesk.com/api-reference/ticketing/oauth/oauth_tokens/#revoke-token>
    pub(crate) async fn revoke_current(&self, token: &SecretString) -> Result<Response> {
        let request = self.request(Method::DELETE, &["oauth", "tokens", "current"]);
        self.http.send(request.auth(Auth::Bearer(token.clone()))).await
    }

    // ---- people

    /// Whose token this is, before the host has kept it.
    /// <https://developer.zendesk.com/api-reference/ticketing/users/users/#show-self>
    pub(crate) async fn me(&self, token: &SecretString) -> Result<Myself> {
        let request = self.request(Method::GET, &["users", "me"]).auth(Auth::Bearer(token.clone()));
        Ok(self.read::<OneUser>("see whose account it is", request).await?.user)
    }

    /// Those of them that are there. <https://developer.zendesk.com/api-reference/ticketing/users/users/#show-many-users>
    pub(crate) async fn users(&self, ids: impl IntoIterator<Item = i64>) -> Result<Vec<User>> {
        // -1 is Zendesk itself, and nobody's number.
        let ids: Vec<_> = ids.into_iter().filter(|id| *id > 0).take(MOST_USERS).map(|id| id.to_string()).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let request = self.get(&["users", "show_many"], &[("ids", &ids.join(","))]);
        Ok(self.read::<Users>("see who it was", request).await?.users)
    }

    // ---- tickets

    /// With the people it names. <https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#show-ticket>
    pub(crate) async fn ticket(&self, id: u64) -> Result<Option<(Ticket, People)>> {
        let request = self.get(&["tickets", &id.to_string()], &[("include", "users")]);
        let found =
            there(self.read::<OneTicket>("read the ticket", Request { max_answer: TICKET_ANSWER, ..request }).await)?;
        Ok(found.map(|found| (found.ticket, by_id(found.users))))
    }

    /// From the database, which search is not: it knows at once. Several tickets may have the same one.
    /// <https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#list-tickets-by-external-id>
    pub(crate) async fn tickets_with(&self, external_id: &str) -> Result<(Vec<Ticket>, People)> {
        let query = [("external_id", external_id), ("include", "users"), ("page[size]", PER_PAGE)];
        let request = Request { max_answer: LIST_ANSWER, ..self.get(&["tickets"], &query) };
        let found: Tickets = self.read("look for the ticket", request).await?;
        Ok((found.tickets, by_id(found.users)))
    }

    /// The account's tickets, the last made first, a page at a time, with the people they name; `after` is the cursor that
    /// the page before answered with. Deleted ones are not among them, nor are archived ones, which were closed long ago.
    /// <https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#list-tickets>
    pub(crate) async fn tickets(&self, after: Option<&str>) -> Result<(Vec<Ticket>, People, Option<String>)> {
        // By `sort`: with a cursor, `sort_by` is passed over.
        let request = self.page(&["tickets"], &[("sort", "-id"), ("include", "users")], after);
        let page: Tickets = self.read("list the account's tickets", request).await?;
        Ok((page.tickets, by_id(page.users), page.meta.next()))
    }

    /// The same call with the same key makes one ticket, for some hours.
    /// <https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#create-ticket>
    pub(crate) async fn create_ticket(&self, key: &str, ticket: &TicketChange) -> Result<Ticket> {
        let doing = "make a ticket";
        let key = HeaderValue::from_str(key).map_err(|cause| {
            Error::new(ErrorKind::Malformed, "The key of the ticket can't be sent.").caused_by(cause)
        })?;
        let request = self.request(Method::POST, &["tickets"]).json(&json!({ "ticket": ticket }))?;
        let request = request.header(HeaderName::from_static("idempotency-key"), key);
        Ok(self.write::<OneTicket>(doing, request).await?.ticket)
    }

    /// The ticket after it, and what it did.
    /// <https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#update-ticket>
    pub(crate) async fn update_ticket(
        &self,
        doing: &str,
        id: u64,
        change: &TicketChange,
    ) -> Result<(Ticket, Option<Audit>)> {
        let request = self.request(Method::PUT, &["tickets", &id.to_string()]).json(&json!({ "ticket": change }))?;
        let done = self.write::<OneTicket>(doing, request).await?;
        Ok((done.ticket, done.audit))
    }

    /// What the ticket began with: its description, and whether that is public.
    pub(crate) async fn first_comment(&self, ticket: u64) -> Result<Option<Comment>> {
        let request = self.get(&["tickets", &ticket.to_string(), "comments"], &[("page[size]", "1")]);
        let request = Request { max_answer: TICKET_ANSWER, ..request };
        let found = there(self.read::<Comments>("read the ticket's text", request).await)?;
        Ok(found.and_then(|found| found.comments.into_iter().next()))
    }

    /// From the newest on, until one is what the caller looks for; with the people who wrote them.
    /// <https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments/#list-comments>
    pub(crate) async fn newest_comment(
        &self,
        ticket: u64,
        mut is_it: impl FnMut(&Comment) -> Verdict,
    ) -> Result<Option<(Comment, People)>> {
        let mut cursor = None;
        for _ in 0..COMMENT_PAGES {
            let query = [("sort", "-created_at"), ("include", "users")];
            let request = self.page(&["tickets", &ticket.to_string(), "comments"], &query, cursor.as_deref());
            let Some(page) = there(self.read::<Comments>("read the ticket's comments", request).await)? else {
                return Ok(None);
            };
            for comment in page.comments {
                match is_it(&comment) {
                    Verdict::This => return Ok(Some((comment, by_id(page.users)))),
                    Verdict::Another => {}
                    Verdict::TooOld => return Ok(None),
                }
            }
            cursor = page.meta.next();
            if cursor.is_none() {
                break;
            }
        }
        Ok(None)
    }

    /// All updates of a ticket, the oldest first.
    /// <https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_audits/#list-audits-for-a-ticket>
    pub(crate) async fn audits(&self, ticket: u64) -> Result<Vec<Audit>> {
        let doing = "read what happened to the ticket";
        let take = |page: Audits| (page.audits, page.meta);
        self.all(doing, &["tickets", &ticket.to_string(), "audits"], take).await
    }

    // ---- webhooks

    /// <https://developer.zendesk.com/api-reference/webhooks/webhooks-api/webhooks/#list-webhooks>
    pub(crate) async fn webhooks(&self) -> Result<Vec<Webhook>> {
        self.all("list the account's webhooks", &["webhooks"], |page: Webhooks| (page.webhooks, page.meta)).await
    }

    /// Whether webhooks are shown at all, which takes the right to manage them.
    pub(crate) async fn may_manage_webhooks(&self) -> Result<()> {
        let request = self.get(&["webhooks"], &[("page[size]", "1")]);
        self.read::<Webhooks>("list the account's webhooks", request).await.map(drop)
    }

    /// `None` = the account does not let a webhook be subscribed to that.
    /// <https://developer.zendesk.com/api-reference/webhooks/webhooks-api/webhooks/#create-or-clone-webhook>
    pub(crate) async fn create_webhook(&self, webhook: &NewWebhook<'_>) -> Result<Option<Webhook>> {
        let doing = "add a webhook";
        let request = self.request(Method::POST, &["webhooks"]).json(&json!({ "webhook": webhook }))?;
        let answer = self.http.send(request).await?;
        if error::is_about_subscriptions(&answer) {
            return Ok(None);
        }
        let made: OneWebhook = written(doing, &success(doing, &Method::POST, answer)?)?;
        Ok(Some(made.webhook))
    }

    /// <https://developer.zendesk.com/api-reference/webhooks/webhooks-api/webhooks/#show-webhook>
    pub(crate) async fn webhook(&self, id: &str) -> Result<Option<Webhook>> {
        let request = self.request(Method::GET, &["webhooks", id]);
        Ok(there(self.read::<OneWebhook>("look at our webhook", request).await)?.map(|found| found.webhook))
    }

    /// <https://developer.zendesk.com/api-reference/webhooks/webhooks-api/webhooks/#patch-webhook>
    pub(crate) async fn change_webhook(&self, id: &str, change: &WebhookChange<'_>) -> Result<()> {
        let request = self.request(Method::PATCH, &["webhooks", id]).json(&json!({ "webhook": change }))?;
        self.call("change our webhook", request).await.map(drop)
    }

    /// `false` = it was not there any more.
    /// <https://developer.zendesk.com/api-reference/webhooks/webhooks-api/webhooks/#delete-webhook>
    pub(crate) async fn delete_webhook(&self, id: &str) -> Result<bool> {
        let request = self.request(Method::DELETE, &["webhooks", id]);
        Ok(there(self.call("delete our webhook", request).await)?.is_some())
    }

    /// The answer that makes a webhook need not have its secret.
    /// <https://developer.zendesk.com/api-reference/webhooks/webhooks-api/webhooks/#show-webhook-signing-secret>
    pub(crate) async fn signing_secret(&self, webhook: &str) -> Result<SecretString> {
        let request = self.request(Method::GET, &["webhooks", webhook, "signing_secret"]);
        Ok(self.read::<SigningSecret>("read our webhook's secret", request).await?.signing_secret.secret)
    }

    // ---- triggers

    /// <https://developer.zendesk.com/api-reference/ticketing/business-rules/triggers/#list-triggers>
    pub(crate) async fn triggers(&self) -> Result<Vec<Trigger>> {
        self.all("list the account's triggers", &["triggers"], |page: Triggers| (page.triggers, page.meta)).await
    }

    /// <https://developer.zendesk.com/api-reference/ticketing/business-rules/triggers/#create-trigger>
    pub(crate) async fn create_trigger(&self, trigger: &Value) -> Result<Trigger> {
        let request = self.request(Method::POST, &["triggers"]).json(&json!({ "trigger": trigger }))?;
        Ok(self.write::<OneTrigger>("add a trigger", request).await?.trigger)
    }

    /// <https://developer.zendesk.com/api-reference/ticketing/business-rules/triggers/#show-trigger>
    pub(crate) async fn trigger(&self, id: &str) -> Result<Option<Trigger>> {
        let request = self.request(Method::GET, &["triggers", id]);
        Ok(there(self.read::<OneTrigger>("look at our trigger", request).await)?.map(|found| found.trigger))
    }

    /// <https://developer.zendesk.com/api-reference/ticketing/business-rules/triggers/#update-trigger>
    pub(crate) async fn update_trigger(&self, id: &str, trigger: &Value) -> Result<()> {
        let request = self.request(Method::PUT, &["triggers", id]).json(&json!({ "trigger": trigger }))?;
        self.call("change our trigger", request).await.map(drop)
    }

    /// `false` = it was not there any more.
    /// <https://developer.zendesk.com/api-reference/ticketing/business-rules/triggers/#delete-trigger>
    pub(crate) async fn delete_trigger(&self, id: &str) -> Result<bool> {
        let request = self.request(Method::DELETE, &["triggers", id]);
        Ok(there(self.call("delete our trigger", request).await)?.is_some())
    }

    // ---- shared by all of them

    async fn call(&self, doing: &str, request: Request) -> Result<Response> {
        let method = request.method.clone();
        success(doing, &method, self.http.send(request).await?)
    }

    async fn read<T: DeserializeOwned>(&self, doing: &str, request: Request) -> Result<T> {
        self.call(doing, request).await?.json().map_err(|cause| error::undocumented(doing).caused_by(cause))
    }

    async fn write<T: DeserializeOwned>(&self, doing: &str, request: Request) -> Result<T> {
        written(doing, &self.call(doing, Request { max_answer: TICKET_ANSWER, ..request }).await?)
    }

    /// All pages. One that is not read may have what the caller looks for, so that is an error.
    async fn all<P: DeserializeOwned, T>(
        &self,
        doing: &str,
        path: &[&str],
        take: impl Fn(P) -> (Vec<T>, Meta),
    ) -> Result<Vec<T>> {
        let mut items = Vec::new();
        let mut cursor = None;
        for _ in 0..LIST_PAGES {
            let (page, meta) = take(self.read(doing, self.page(path, &[], cursor.as_deref())).await?);
            items.extend(page);
            cursor = meta.next();
            if cursor.is_none() {
                return Ok(items);
            }
        }
        Err(error::undocumented(doing))
    }

    fn page(&self, path: &[&str], query: &[(&str, &str)], cursor: Option<&str>) -> Request {
        let mut query = query.to_vec();
        query.push(("page[size]", PER_PAGE));
        query.extend(cursor.map(|cursor| ("page[after]", cursor)));
        Request { max_answer: LIST_ANSWER, ..self.get(path, &query) }
    }

    fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Request {
        let mut request = self.request(Method::GET, path);
        request.url.query_pairs_mut().extend_pairs(query);
        request
    }

    fn request(&self, method: Method, path: &[&str]) -> Request {
        self.headed(Request::new(method, self.url(&[&["api", "v2"], path].concat())))
    }

    fn headed(&self, request: Request) -> Request {
        request
            .header(header::ACCEPT, HeaderValue::from_static("application/json"))
            .header(header::USER_AGENT, HeaderValue::from_static("Patchbay"))
    }

    /// Each segment is percent-encoded on its own, so none can leave its place in the path.
    fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

/// Whether a comment is the one that is looked for.
pub(crate) enum Verdict {
    /// It is.
    This,
    /// It is not.
    Another,
    /// It is not, and none that is older will be.
    TooOld,
}

fn by_id(users: Vec<User>) -> People {
    users.into_iter().map(|user| (user.id, user)).collect()
}

fn success(doing: &str, method: &Method, answer: Response) -> Result<Response> {
    if answer.status.is_success() { Ok(answer) } else { Err(error::of(doing, method, &answer)) }
}

/// It was done; only what came of it can't be read.
fn written<T: DeserializeOwned>(doing: &str, answer: &Response) -> Result<T> {
    answer.json().map_err(|cause| error::after_writing(error::undocumented(doing).caused_by(cause)))
}

/// Not there is an answer.
fn there<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
