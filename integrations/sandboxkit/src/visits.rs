//! A browser's visit to a page: what it brings, and what is common to answering it.

use axum::extract::{FromRequest, FromRequestParts, RawForm, RawPathParams, Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get as on_get, post as on_post};

use crate::fields::Fields;
use crate::pages::sent_by_ourselves;

/// A page's handler: a plain function of the world and the visit.
pub type Room<S> = fn(&mut <S as Visited>::World, &<S as Visited>::Visit) -> Result<Response, <S as Visited>::Refusal>;

/// A sandbox with pages for people.
pub trait Visited: Clone + Send + Sync + 'static {
    /// What stands in for the partner.
    type World;
    /// One request of a browser, as the rooms see it.
    type Visit;
    /// Why a room does not do what it was asked.
    type Refusal;

    /// Lets the room answer, and draws its refusal.
    fn answer(&self, room: Room<Self>, brought: Brought) -> Response;

    /// What a form gets that another site's page sent.
    fn other_site() -> Self::Refusal;
}

/// What a browser brings.
pub struct Brought {
    /// Its headers.
    pub headers: HeaderMap,
    /// What stands for the names in the route's path.
    pub params: Params,
    /// Of the form, or of the query.
    pub fields: Fields,
}

impl<S: Send + Sync> FromRequest<S> for Brought {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let (mut head, body) = request.into_parts();
        let params = RawPathParams::from_request_parts(&mut head, state).await.map_err(IntoResponse::into_response)?;
        let params = Params(params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect());
        let headers = head.headers.clone();
        // The query of a GET, the body of a POST.
        let form = RawForm::from_request(Request::from_parts(head, body), state).await;
        let RawForm(form) = form.map_err(IntoResponse::into_response)?;
        Ok(Self { headers, params, fields: Fields::parse(&form) })
    }
}

/// The parts of a path that a route names.
pub struct Params(Vec<(String, String)>);

impl Params {
    /// The part of that name; nothing if the route has none.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(it, _)| it == name).map_or("", |(_, value)| value)
    }
}

/// A page.
pub fn get<S: Visited>(room: Room<S>) -> MethodRouter<S> {
    on_get(move |State(sandbox): State<S>, brought: Brought| async move { sandbox.answer(room, brought) })
}

/// A form. One that another site's page sent does nothing.
pub fn post<S: Visited>(room: Room<S>) -> MethodRouter<S> {
    on_post(move |State(sandbox): State<S>, brought: Brought| async move {
        let refuse: Room<S> = |_: &mut S::World, _: &S::Visit| Err(S::other_site());
        sandbox.answer(if sent_by_ourselves(&brought.headers) { room } else { refuse }, brought)
    })
}
