//! Flowdock's REST API: one function per call, named after it. <https://github.com/flowdock/api-docs>

use http::{HeaderValue, Method, header};
use integration_contract::{Auth, ExposeSecret, Http, Request, Response, Result, SecretString};
use serde::de::DeserializeOwned;
use url::Url;

use crate::{
    address::{self, FlowPath},
    error::{self, About, By},
    wire::{BySource, Flow, MadeSource, NewSource, Post, Source, SourceChange, User},
};

pub(crate) struct Api<'a> {
    http: &'a Http,
    base: &'a Url,
}

const fn reads(doing: &'static str, by: By) -> About {
    About { doing, writes: false, by }
}

const fn writes(doing: &'static str, by: By) -> About {
    About { doing, writes: true, by }
}

impl<'a> Api<'a> {
    pub(crate) fn new(http: &'a Http, base: &'a Url) -> Self {
        Self { http, base }
    }

    // ---- as a person

    /// Whose token this is, before the host has kept it.
    pub(crate) async fn user(&self, token: &SecretString) -> Result<User> {
        let request = self.request(Method::GET, &["user"]).auth(Auth::Bearer(token.clone()));
        self.read(reads("see whose account it is", By::Person), request).await
    }

    /// The flows that the person is in. Whether our scopes open it is not documented.
    pub(crate) async fn flows(&self) -> Result<Vec<Flow>> {
        self.read(reads("list your flows", By::Person), self.request(Method::GET, &["flows"])).await
    }

    /// The flow with this id.
    pub(crate) async fn find_flow(&self, id: &str) -> Result<Flow> {
        let mut request = self.request(Method::GET, &["flows", "find"]);
        request.url.query_pairs_mut().append_pair("id", id);
        self.read(reads("look at the flow", By::Person), request).await
    }

    /// The flow at this place.
    pub(crate) async fn flow(&self, path: &FlowPath) -> Result<Flow> {
        let request = self.request(Method::GET, &["flows", &path.organization, &path.flow]);
        self.read(reads("look at the flow", By::Person), request).await
    }

    /// The sources of all applications in a flow.
    pub(crate) async fn flow_sources(&self, path: &FlowPath) -> Result<Vec<Source>> {
        let request = self.request(Method::GET, &["flows", &path.organization, &path.flow, "sources"]);
        self.read(reads("list the flow's sources", By::Person), request).await
    }

    /// An answer in which id or token can't be read has neither.
    pub(crate) async fn create_source(&self, path: &FlowPath, source: &NewSource<'_>) -> Result<MadeSource> {
        let about = writes("add a source to the flow", By::Person);
        let request = self.request(Method::POST, &["flows", &path.organization, &path.flow, "sources"]).json(source)?;
        let answer = self.call(about, request).await?;
        Ok(serde_json::from_slice(&answer.body).unwrap_or_default())
    }

    pub(crate) async fn delete_source(&self, path: &FlowPath, id: &str) -> Result<()> {
        let request = self.request(Method::DELETE, &["flows", &path.organization, &path.flow, "sources", id]);
        self.call(writes("remove our source from the flow", By::Person), request).await.map(drop)
    }

    // ---- as the source

    /// What the token opens: its own source, and no other.
    pub(crate) async fn own_sources(&self, token: &SecretString) -> Result<Vec<Source>> {
        let mut request = self.request(Method::GET, &["sources"]).auth(Auth::Nobody);
        request.url.query_pairs_mut().append_pair("flow_token", token.expose_secret());
        self.read(reads("look at our source", By::Source), request).await
    }

    pub(crate) async fn change_own_source(&self, token: &SecretString, change: &SourceChange<'_>) -> Result<()> {
        let body = BySource { flow_token: token.expose_secret(), what: change };
        let request = self.request(Method::PUT, &["sources"]).json(&body)?.auth(Auth::Nobody);
        self.call(writes("change our source in the flow", By::Source), request).await.map(drop)
    }

    /// Flowdock takes it and says nothing of it: whoever posts as a source learns no id.
    pub(crate) async fn post_message(&self, token: &SecretString, post: &Post) -> Result<()> {
        let body = BySource { flow_token: token.expose_secret(), what: post };
        let request = self.request(Method::POST, &["messages"]).json(&body)?.auth(Auth::Nobody);
        self.call(writes("post to the flow", By::Source), request).await.map(drop)
    }

    // ---- shared by all of them

    async fn read<T: DeserializeOwned>(&self, about: About, request: Request) -> Result<T> {
        let answer = self.call(about, request).await?;
        serde_json::from_slice(&answer.body).map_err(|_| error::outage(about))
    }

    async fn call(&self, about: About, request: Request) -> Result<Response> {
        let answer = self.http.send(request).await?;
        if !answer.status.is_success() {
            return Err(error::of(about, &answer));
        }
        if error::is_page(&answer) { Err(error::outage(about)) } else { Ok(answer) }
    }

    fn request(&self, method: Method, segments: &[&str]) -> Request {
        Request::new(method, address::below(self.base, segments))
            .header(header::ACCEPT, HeaderValue::from_static("application/json"))
            .header(header::USER_AGENT, HeaderValue::from_static("Patchbay"))
    }
}
