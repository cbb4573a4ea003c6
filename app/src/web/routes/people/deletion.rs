//! `/organizations/{organization}/delete`: deleting an organization with everything in it. `/receipts/{receipt}`: how far
//! that has come, and what is left to say of it.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use integration_contract::{FieldErrors, Undone, UndoneOutcome};

use super::retention::{owned, settings_of};
use crate::{
    core::{
        self, Core,
        deletions::{self, Receipt},
        people::Membership,
    },
    db::{DeletionId, OrganizationId, entity::deletion::Stage},
    web::{
        Result,
        extract::{Form, Path, Peer, SignedIn},
        page::{Moment, Page, Tone, draw},
    },
};

#[derive(Template)]
#[template(path = "organizations/delete.html")]
struct DeletePage {
    page: Page,
    membership: Membership,
    email: String,
    typed_name: String,
    sends_mail: bool,
    errors: FieldErrors,
}

impl DeletePage {
    fn settings(&self) -> String {
        settings_of(self.membership.organization.id)
    }
}

#[derive(Template)]
#[template(path = "organizations/receipt.html")]
struct ReceiptPage {
    page: Page,
    receipt: Receipt,
    begun: Moment,
    finished: Option<Moment>,
}

impl ReceiptPage {
    fn tone(&self) -> Tone {
        if self.receipt.stage == Stage::Done { Tone::Good } else { Tone::Attention }
    }

    fn state(&self) -> &'static str {
        match self.receipt.stage {
            Stage::Leaving => "Leaving the partners",
            Stage::Forgetting => "Being deleted",
            Stage::Done => "Deleted",
        }
    }

    fn is_done(&self) -> bool {
        self.receipt.stage == Stage::Done
    }

    /// A pill's tone and word for what became of something.
    fn outcome(&self, undone: &Undone) -> (Tone, &'static str) {
        match undone.outcome {
            UndoneOutcome::Removed => (Tone::Good, "Removed"),
            UndoneOutcome::AlreadyGone => (Tone::Neutral, "Was gone"),
            UndoneOutcome::LeftOver(_) => (Tone::Attention, "Left over"),
        }
    }

    fn why(&self, undone: &Undone) -> Option<String> {
        match &undone.outcome {
            UndoneOutcome::LeftOver(why) => Some(why.clone()),
            _ => None,
        }
    }
}

/// `GET /organizations/{organization}/delete`
pub async fn show(State(core): State<Core>, who: SignedIn, Path(id): Path<OrganizationId>) -> Result<Response> {
    draw_form(&core, &who, owned(&who, id)?, StatusCode::OK, String::new(), FieldErrors::default()).await
}

/// `POST /organizations/{organization}/delete`
pub async fn delete(
    State(core): State<Core>,
    who: SignedIn,
    Path(id): Path<OrganizationId>,
    Peer(from): Peer,
    form: Form,
) -> Result<Response> {
    let membership = owned(&who, id)?;
    let member = who.person.member_of(id)?;
    let name = form.0.one("name").to_owned();
    let begun = deletions::begin(&core, &member, &who.person.user, from, &name, &form.secret("password")).await;
    match begun {
        Ok(receipt) => Ok(Redirect::to(&format!("/receipts/{receipt}")).into_response()),
        Err(core::Error::Invalid(errors)) => {
            draw_form(&core, &who, membership, StatusCode::UNPROCESSABLE_ENTITY, name, errors).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /receipts/{receipt}`
pub async fn receipt(State(core): State<Core>, who: SignedIn, Path(id): Path<DeletionId>) -> Result<Response> {
    let receipt = deletions::receipt(&core, who.person.user.id, id).await?;
    let page = ReceiptPage {
        page: who.page(&format!("Receipt for {}", receipt.name)).await?,
        begun: Moment::at(receipt.begun_at),
        finished: receipt.finished_at.map(Moment::at),
        receipt,
    };
    draw(StatusCode::OK, &page)
}

async fn draw_form(
    core: &Core,
    who: &SignedIn,
    membership: Membership,
    status: StatusCode,
    typed_name: String,
    errors: FieldErrors,
) -> Result<Response> {
    let page = DeletePage {
        page: who.page_of(&format!("Delete {}", membership.organization.name), membership.organization.id).await?,
        email: who.person.user.email.clone(),
        sends_mail: core.sends_mail(),
        membership,
        typed_name,
        errors,
    };
    draw(status, &page)
}
