//! Removing a link.

use axum::{
    extract::{Path, Query, State},
    response::{IntoResponse, Redirect, Response},
};

use super::{OfLink, link_of, settings_path};
use crate::{
    core::{
        Core,
        integration_links::{self, Removal},
        partners::Partner,
    },
    web::{
        self,
        extract::{Form, SignedIn},
        page::Tone,
    },
};

/// `DELETE /integrations/{p}/link?link=ID`
pub async fn destroy(
    State(core): State<Core>,
    Path(id): Path<String>,
    Query(query): Query<OfLink>,
    who: SignedIn,
    _: Form,
) -> web::Result<Response> {
    let partner = core.partners.get(&id)?;
    remove(&core, &who, partner, query.link.as_deref().unwrap_or_default()).await
}

/// Removes a link; what a form's remove button asks for ends here too.
pub(super) async fn remove(core: &Core, who: &SignedIn, partner: &Partner, link: &str) -> web::Result<Response> {
    let (member, link) = link_of(core, who, partner, link).await?;
    match integration_links::remove(core, &member, &link).await? {
        Removal::Removed => {
            let text = format!("Removed {}. What it made at {} is being taken away.", link.name, partner.name());
            who.flash(Tone::Good, text).await?;
        }
        Removal::Already => who.flash(Tone::Neutral, format!("{} was already removed.", link.name)).await?,
    }
    Ok(Redirect::to(&settings_path(&link)).into_response())
}
