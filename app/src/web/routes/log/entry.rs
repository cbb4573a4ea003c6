//! `/teams/{team}/entries/{entry}`: one entry, changing it, and the buttons beside it in the log.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use integration_contract::{FieldErrors, FormInput};

use super::{
    asked::Asked,
    shown::{self, Entry},
};
use crate::{
    core::{
        self, Core,
        entries::{self, Change, Version},
        people::Member,
        teams,
    },
    db::{
        EntryId, TeamId,
        entity::{
            entry::{self, EntryStatus},
            team,
        },
    },
    web::{
        Result,
        extract::{Form, Path, ReturnPath, SignedIn},
        page::{Page, Place, Tone, draw},
    },
};

#[derive(Template)]
#[template(path = "log/entry.html")]
struct EntryPage {
    page: Page,
    team: team::Model,
    entry: Entry,
    here: String,
    next: ReturnPath,
    typed: Typed,
    errors: FieldErrors,
    /// Why it was not saved, when the entry is not what it was any more.
    conflict: Option<String>,
}

impl EntryPage {
    /// Where the person came from, or else the log.
    fn back(&self) -> String {
        self.next.or(&Asked::default().address(self.team.id))
    }

    /// Value, name and explanation of each status.
    fn statuses(&self) -> [(String, &'static str, &'static str); 3] {
        [
            (EntryStatus::Done, "it got done"),
            (EntryStatus::Goal, "it is meant to get done"),
            (EntryStatus::Blocked, "something is in the way"),
        ]
        .map(|(status, meaning)| (status.word(), shown::called(status), meaning))
    }
}

/// What stands in the form.
struct Typed {
    body: String,
    status: String,
    day: String,
    /// The [`Version`] that it was typed over.
    over: String,
}

impl Typed {
    fn of(entry: &entry::Model) -> Self {
        Self {
            body: entry.body.clone(),
            status: entry.status.word(),
            day: entry.occurred_on.clone(),
            over: Version::of(entry).to_string(),
        }
    }

    fn read(input: &FormInput) -> Self {
        Self {
            over: input.one("over").to_owned(),
            body: input.all("body").first().cloned().unwrap_or_default(),
            status: input.one("status").to_owned(),
            day: input.one("day").to_owned(),
        }
    }

    fn change(&self) -> core::Result<Change> {
        let mut errors = FieldErrors::default();
        let status = EntryStatus::of_word(&self.status);
        let over = Some(self.over.as_str()).filter(|over| !over.is_empty()).map(Version::from);
        let day = entries::day(&self.day);
        if status.is_none() {
            errors.add("status", "Choose one of the three.");
        }
        if day.is_none() {
            errors.add("day", "A day is written like 2026-11-22.");
        }
        match status {
            Some(status) if errors.is_empty() => Ok(Change { body: self.body.clone(), status, day, over }),
            _ => Err(core::Error::Invalid(errors)),
        }
    }
}

/// A form that was not saved, as it is drawn again.
struct Again {
    status: StatusCode,
    typed: Typed,
    errors: FieldErrors,
    conflict: Option<String>,
}

/// `GET /teams/{team}/entries/{entry}`
pub(super) async fn show(
    State(core): State<Core>,
    who: SignedIn,
    Path((team, id)): Path<(TeamId, EntryId)>,
    next: ReturnPath,
) -> Result<Response> {
    let (member, team) = teams::find(&core, &who.person, team).await?;
    draw_entry(&core, &who, &member, team, id, next, None).await
}

/// `POST /teams/{team}/entries/{entry}`
pub(super) async fn edit(
    State(core): State<Core>,
    who: SignedIn,
    Path((team, id)): Path<(TeamId, EntryId)>,
    Form(input): Form,
) -> Result<Response> {
    let (member, team) = teams::find(&core, &who.person, team).await?;
    let next = ReturnPath::new(input.one("next"));
    let typed = Typed::read(&input);
    let edited = match typed.change() {
        Ok(change) => entries::edit(&core, &member, team.id, id, change).await,
        // Who may not change it is told so, however wrong the form is.
        Err(error) => entries::find(&core, &member, team.id, id).await.and(Err(error)),
    };
    match edited {
        Ok(()) => {
            who.flash(Tone::Good, "The entry is changed.").await?;
            Ok(to_log(team.id, id, &next))
        }
        Err(core::Error::Invalid(errors)) => {
            let again = Again { status: StatusCode::UNPROCESSABLE_ENTITY, typed, errors, conflict: None };
            draw_entry(&core, &who, &member, team, id, next, Some(again)).await
        }
        Err(core::Error::Conflict(sentence)) => {
            let (status, errors) = (StatusCode::CONFLICT, FieldErrors::default());
            let again = Again { status, typed, errors, conflict: Some(sentence) };
            draw_entry(&core, &who, &member, team, id, next, Some(again)).await
        }
        Err(error) => Err(error.into()),
    }
}

/// A button beside an entry: who pressed it, which entry's, and in the form where it stood.
type Button = (State<Core>, SignedIn, Path<(TeamId, EntryId)>, Form);

/// `POST /teams/{team}/entries/{entry}/complete`
pub(super) async fn complete(button: Button) -> Result<Response> {
    press(button, entries::complete, None).await
}

/// `POST /teams/{team}/entries/{entry}/reopen`
pub(super) async fn reopen(button: Button) -> Result<Response> {
    press(button, entries::reopen, None).await
}

/// `POST /teams/{team}/entries/{entry}/archive`
pub(super) async fn archive(button: Button) -> Result<Response> {
    let done = "The entry is archived. You find it under the status Archived, and can bring it back.";
    press(button, entries::archive, Some(done)).await
}

/// `POST /teams/{team}/entries/{entry}/unarchive`
pub(super) async fn unarchive(button: Button) -> Result<Response> {
    press(button, entries::unarchive, Some("The entry is back in the log.")).await
}

/// Does what the button is for, and says so where the log alone would not show it.
async fn press(
    (State(core), who, Path((team, id)), Form(input)): Button,
    act: impl AsyncFnOnce(&Core, &Member, TeamId, EntryId) -> core::Result<()>,
    done: Option<&str>,
) -> Result<Response> {
    let (member, team) = teams::find(&core, &who.person, team).await?;
    match act(&core, &member, team.id, id).await {
        // The page with the button was old. The entry's own shows how it stands, and what can be done about it.
        Err(core::Error::Conflict(sentence)) => {
            who.flash(Tone::Attention, sentence).await?;
            return Ok(Redirect::to(&format!("/teams/{}/entries/{id}", team.id)).into_response());
        }
        acted => acted?,
    }
    if let Some(done) = done {
        who.flash(Tone::Good, done).await?;
    }
    Ok(to_log(team.id, id, &ReturnPath::new(input.one("next"))))
}

/// Back to where the button stood, at the entry.
fn to_log(team: TeamId, id: EntryId, next: &ReturnPath) -> Response {
    let path = next.or(&Asked::default().address(team));
    let path = path.split('#').next().unwrap_or_default();
    Redirect::to(&format!("{path}#entry-{id}")).into_response()
}

async fn draw_entry(
    core: &Core,
    who: &SignedIn,
    member: &Member,
    team: team::Model,
    id: EntryId,
    next: ReturnPath,
    again: Option<Again>,
) -> Result<Response> {
    let entry = entries::find(core, member, team.id, id).await?;
    let now = Typed::of(&entry.row);
    let Again { status, typed, errors, conflict } = match again {
        None => Again { status: StatusCode::OK, typed: now, errors: FieldErrors::default(), conflict: None },
        // What stands there now is shown beside it: whoever saves once more has seen what they save over.
        Some(again) if again.conflict.is_some() => Again { typed: Typed { over: now.over, ..again.typed }, ..again },
        Some(again) => again,
    };
    let entry = Entry::new(core, team.id, &entries::zone(&team), entry);
    let page = who
        .page_of(if entry.editable { "Edit an entry" } else { "An entry" }, team.organization_id)
        .await?
        .at(Place::Team(team.id));
    let here = entry.path.clone();
    draw(status, &EntryPage { page, team, entry, here, next, typed, errors, conflict })
}
