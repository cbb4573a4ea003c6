//! `/organizations/{organization}/retention`: how long its owner has things kept. What a shorter time deletes is said, with
//! numbers, before it is chosen.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use integration_contract::FieldErrors;

use crate::{
    core::{
        self, Core, audit, deletions, items, outbox,
        people::Membership,
        retention::{self, ENTRY_DAYS, Keeping, MESSAGE_DAYS, Older, in_words},
    },
    db::OrganizationId,
    web::{
        Result,
        extract::{Form, Path, SignedIn},
        page::{Page, Tone, draw},
    },
};

#[derive(Template)]
#[template(path = "organizations/retention.html")]
struct RetentionPage {
    page: Page,
    membership: Membership,
    /// What stands in the form.
    chosen: Keeping,
    /// What the choice would delete; the form then asks whether it is meant.
    goes: Option<Older>,
    errors: FieldErrors,
}

impl RetentionPage {
    fn settings(&self) -> String {
        settings_of(self.membership.organization.id)
    }

    fn here(&self) -> String {
        path_of(self.membership.organization.id)
    }

    /// Value, words, whether it is chosen.
    fn messages(&self) -> Vec<(i32, String, bool)> {
        MESSAGE_DAYS.map(|days| (days, in_words(Some(days)), self.chosen.messages == days)).into()
    }

    fn entries(&self) -> Vec<(String, String, bool)> {
        ENTRY_DAYS.map(|days| (entry_value(days), in_words(days), self.chosen.entries == days)).into()
    }

    /// What nobody chooses: what, for how long, why.
    fn fixed(&self) -> [(&'static str, String, &'static str); 6] {
        let days = |kept: std::time::Duration| in_words(i32::try_from(kept.as_secs() / 86_400).ok());
        [
            ("The marks of hooks", days(retention::KEPT), "by which a partner's second delivery of a hook is known"),
            ("Jobs that were given up", days(retention::KEPT), "with the reason of each"),
            ("What stands at partners because of you", days(outbox::POSTS_KEPT), "so that a change finds it again"),
            ("Items of partners nothing was heard of", days(items::KEPT), "such as an issue that is long closed"),
            ("The audit log", days(audit::KEPT), "who did what"),
            ("The receipt of a deleted organization", days(deletions::RECEIPTS_KEPT), "for the owner who deleted it"),
        ]
    }
}

/// `GET /organizations/{organization}/retention`
pub async fn show(who: SignedIn, Path(id): Path<OrganizationId>) -> Result<Response> {
    let membership = owned(&who, id)?;
    let now = Keeping::of(&membership.organization);
    draw_page(&who, membership, StatusCode::OK, now, None, FieldErrors::default()).await
}

/// `POST /organizations/{organization}/retention`
pub async fn choose(
    State(core): State<Core>,
    who: SignedIn,
    Path(id): Path<OrganizationId>,
    Form(input): Form,
) -> Result<Response> {
    let membership = owned(&who, id)?;
    let member = who.person.member_of(id)?;
    let now = Keeping::of(&membership.organization);
    let read = || -> Option<Keeping> {
        let messages = input.one("messages").parse().ok()?;
        let entries = ENTRY_DAYS.into_iter().find(|days| entry_value(*days) == input.one("entries"))?;
        Some(Keeping { messages, entries })
    };
    let Some(chosen) = read() else {
        let errors = FieldErrors::of("messages", "Choose times from the list.");
        return draw_page(&who, membership, StatusCode::UNPROCESSABLE_ENTITY, now, None, errors).await;
    };
    if is_shorter(now, chosen) && input.one("meant").is_empty() {
        let goes = retention::would_go(&core, &member, chosen).await?;
        if !goes.is_nothing() {
            return draw_page(&who, membership, StatusCode::OK, chosen, Some(goes), FieldErrors::default()).await;
        }
    }
    match retention::choose(&core, &member, chosen).await {
        Ok(()) => {
            who.flash(Tone::Good, "Saved. What is over its time is deleted within the next hours.").await?;
            Ok(Redirect::to(&path_of(id)).into_response())
        }
        Err(core::Error::Invalid(errors)) => {
            draw_page(&who, membership, StatusCode::UNPROCESSABLE_ENTITY, now, None, errors).await
        }
        Err(error) => Err(error.into()),
    }
}

fn is_shorter(now: Keeping, chosen: Keeping) -> bool {
    let entries = |keeping: Keeping| keeping.entries.unwrap_or(i32::MAX);
    chosen.messages < now.messages || entries(chosen) < entries(now)
}

fn entry_value(days: Option<i32>) -> String {
    days.map_or_else(|| "forever".to_owned(), |days| days.to_string())
}

/// The membership of an owner.
pub(super) fn owned(who: &SignedIn, id: OrganizationId) -> Result<Membership> {
    let member = who.person.member_of(id)?;
    core::organizations::must_be_owner(&member, "decide what is kept of it")?;
    Ok(who.person.membership_of(id)?.clone())
}

pub(super) fn settings_of(id: OrganizationId) -> String {
    format!("/organizations/{id}/settings")
}

fn path_of(id: OrganizationId) -> String {
    format!("/organizations/{id}/retention")
}

async fn draw_page(
    who: &SignedIn,
    membership: Membership,
    status: StatusCode,
    chosen: Keeping,
    goes: Option<Older>,
    errors: FieldErrors,
) -> Result<Response> {
    let page = who.page_of("How long things are kept", membership.organization.id).await?;
    draw(status, &RetentionPage { page, chosen, goes, errors, membership })
}
