//! Files: the API leads to a store, whose address works for a minute and for anybody. <https://www.flowdock.com/api/files>

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::super::Sandbox;
use super::super::refusal::Refusal;
use super::super::world::World;
use super::answer::{Answer, dress};
use super::call::Call;

pub(super) fn link(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let location = world.link_to_file(call.user()?, &format!("/files/{}", call.param("path")))?;
    let found = Answer { status: StatusCode::FOUND, body: None, headers: Vec::new() };
    Ok(found.with(header::LOCATION, location))
}

pub(super) async fn download(State(sandbox): State<Sandbox>, Path(link): Path<String>) -> Response {
    match sandbox.world().stored(&link) {
        // Whatever it is, a browser keeps it: nothing that was uploaded runs on our pages.
        Ok((kind, bytes)) => {
            let headers = [
                (header::CONTENT_TYPE, kind),
                (header::CONTENT_DISPOSITION, "attachment".to_owned()),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
            ];
            (headers, bytes).into_response()
        }
        Err(refusal) => dress(Err(refusal), None),
    }
}
