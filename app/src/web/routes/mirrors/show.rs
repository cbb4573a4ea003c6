//! A mirror's own page: how it fares, what it carried over, what it does, and its way out.

use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use integration_contract::{FieldErrors, FormInput};
use serde::Deserialize;

use super::{
    how::{creators, form_of, options_of},
    mirror_of, path_of,
    row::Row,
    settings_path,
};
use crate::{
    core::{
        Core, Error,
        mirrors::{self, ChangeLine, MOST_BACKFILLED, Progress},
        people::Member,
    },
    db::{
        MirrorChangeId, TeamId,
        entity::{
            mirror::{MirrorState, Model, Side},
            mirror_backfill::BackfillState,
            mirror_change::ChangeState,
        },
    },
    web::{
        self,
        extract::{Form, Path, ReturnPath, SignedIn},
        page::{Moment, Page, Place, Tone},
    },
};

/// How many changes the page shows at once.
const SHOWN: u64 = 50;

#[derive(Template)]
#[template(path = "mirrors/show.html")]
struct MirrorPage {
    page: Page,
    mirror: Row,
    team: TeamId,
    can_pause: bool,
    /// What stands in the form.
    form: FormInput,
    errors: FieldErrors,
    creators: [(&'static str, String); 4],
    backfill: Option<BackfillPart>,
    /// Whether what was there before could be made up for now.
    can_backfill: bool,
    /// What stands in its field.
    most: String,
    /// And may at most.
    most_backfilled: u32,
    changes: Vec<ChangeRow>,
    older: Option<String>,
}

impl MirrorPage {
    fn here(&self) -> String {
        format!("/mirrors/{}", self.mirror.id)
    }

    fn back(&self) -> String {
        settings_path(self.team)
    }
}

/// How far it has come with what was there before.
struct BackfillPart {
    tone: Tone,
    state: &'static str,
    reason: Option<String>,
    /// The numbers, in a sentence.
    said: String,
    done: u64,
    found: u64,
    under_way: bool,
}

impl BackfillPart {
    fn of(so_far: Progress) -> Self {
        let under_way = so_far.is_under_way();
        let (tone, state) = match so_far.state {
            BackfillState::Looking => (Tone::Attention, "Looking"),
            BackfillState::Copying => (Tone::Attention, "Copying"),
            BackfillState::Done => (Tone::Good, "Done"),
            BackfillState::Stopped => (Tone::Neutral, "Stopped"),
            BackfillState::Failed => (Tone::Bad, "Failed"),
        };
        let mut said = format!("{} of {} copied", so_far.copied, so_far.found);
        for (many, what) in [(so_far.failed, "failed"), (so_far.skipped, "not copied"), (so_far.left, "to go")] {
            if many > 0 {
                said.push_str(&format!(", {many} {what}"));
            }
        }
        Self {
            tone,
            state,
            said: said + ".",
            done: so_far.found.saturating_sub(so_far.left),
            found: so_far.found,
            under_way,
            reason: so_far.reason,
        }
    }
}

struct ChangeRow {
    id: MirrorChangeId,
    at: Moment,
    /// Where it happened, by the name of the link.
    place: String,
    what: String,
    item: String,
    url: Option<String>,
    tone: Tone,
    state: &'static str,
    reason: Option<String>,
    failed: bool,
}

impl ChangeRow {
    fn of(line: ChangeLine, row: &Row) -> Self {
        let (tone, state) = match line.state {
            ChangeState::Waiting if line.attempts > 1 => (Tone::Attention, "Trying again"),
            ChangeState::Waiting => (Tone::Neutral, "On its way"),
            ChangeState::Done => (Tone::Good, "Carried over"),
            ChangeState::Skipped => (Tone::Neutral, "Nothing to do"),
            ChangeState::Failed => (Tone::Bad, "Failed"),
        };
        let place = match line.side {
            Side::Left => row.ends.first(),
            Side::Right => row.ends.last(),
        };
        let by = if line.author.is_empty() { String::new() } else { format!(" by {}", line.author) };
        Self {
            id: line.id,
            at: Moment::at(line.created_at),
            place: place.map(|end| end.name.clone()).unwrap_or_default(),
            what: format!("{}{by}", line.what),
            item: line.item_name,
            url: line.item_url,
            tone,
            state,
            reason: line.reason,
            failed: line.state == ChangeState::Failed,
        }
    }
}

/// From where on the list of changes goes.
#[derive(Default, Deserialize)]
pub struct From {
    before: Option<String>,
}

/// `GET /mirrors/{mirror}`
pub async fn show(
    State(core): State<Core>,
    Path(id): Path<String>,
    Query(from): Query<From>,
    who: SignedIn,
) -> web::Result<Response> {
    let (member, mirror) = mirror_of(&core, &who, &id).await?;
    let before = from.before.as_deref().and_then(|id| id.parse().ok());
    draw(&core, &who, &member, &mirror, None, before).await
}

/// The page; with the options as they were sent, when those can't be used.
async fn draw(
    core: &Core,
    who: &SignedIn,
    member: &Member,
    mirror: &Model,
    sent: Option<(&FormInput, FieldErrors)>,
    before: Option<MirrorChangeId>,
) -> web::Result<Response> {
    let listed = mirrors::one(core, mirror).await?;
    let here = path_of(mirror);
    let mut rows = Row::all(core, member, std::slice::from_ref(&listed), &here).await?;
    let row = rows.pop().ok_or(Error::NotFound)?;
    let lines = mirrors::changes(core, mirror, before, SHOWN).await?;
    let last = lines.last().filter(|_| lines.len() as u64 == SHOWN);
    let older = last.map(|last| format!("{}?before={}#changes", path_of(mirror), last.id));
    let backfill = listed.backfill.map(BackfillPart::of);
    let name_of = |link: &Option<crate::db::entity::integration_link::Model>| {
        link.as_ref().map_or_else(|| "the other side".to_owned(), |link| link.name.clone())
    };
    let creators = creators(&name_of(&listed.left), &name_of(&listed.right));
    let options = mirrors::settings_of(mirror).map(|settings| form_of(settings.options)).unwrap_or_default();
    let most = sent.as_ref().map_or("", |(sent, _)| sent.one("most")).to_owned();
    let (form, errors, status) = match sent {
        // What of the page was not sent stands in it as it is.
        Some((sent, errors)) => {
            let form = if sent.one("action") == "save" { sent.clone() } else { options };
            (form, errors, StatusCode::UNPROCESSABLE_ENTITY)
        }
        None => (options, FieldErrors::default(), StatusCode::OK),
    };
    let page = who.page_of_team(&mirror.name, mirror.organization_id, mirror.team_id).await?;
    let page = page.at(Place::Integrations).about(&here, row.mend.as_ref());
    let answer = MirrorPage {
        page,
        team: mirror.team_id,
        can_pause: mirror.state == MirrorState::Active,
        form,
        errors,
        creators,
        can_backfill: mirror.state == MirrorState::Active && backfill.as_ref().is_none_or(|part| !part.under_way),
        backfill,
        most,
        most_backfilled: MOST_BACKFILLED,
        changes: lines.into_iter().map(|line| ChangeRow::of(line, &row)).collect(),
        older,
        mirror: row,
    };
    web::page::draw(status, &answer)
}

/// `POST /mirrors/{mirror}`: other options, a pause, going on, a change once more, what was there before; with
/// `_method=delete` in the form, removes it.
pub async fn change(
    State(core): State<Core>,
    Path(id): Path<String>,
    who: SignedIn,
    Form(form): Form,
) -> web::Result<Response> {
    let (member, mirror) = mirror_of(&core, &who, &id).await?;
    mirrors::must_manage(&member)?;
    if form.one("_method").eq_ignore_ascii_case("delete") {
        return remove(&core, &who, &member, &mirror).await;
    }
    let done = match form.one("action") {
        "save" => match options_of(&form) {
            Ok(options) => mirrors::change(&core, &member, &mirror, options).await.map(|()| "Saved."),
            Err(errors) => Err(Error::Invalid(errors)),
        },
        "pause" => mirrors::pause(&core, &member, &mirror).await.map(|()| "Paused."),
        "resume" => mirrors::resume(&core, &member, &mirror).await.map(|()| "Working again."),
        "again" => {
            let change = form.one("change").parse().map_err(|_| Error::NotFound)?;
            mirrors::again(&core, &member, &mirror, change).await.map(|()| "On its way again.")
        }
        "backfill" => {
            let wanted = mirrors::Backfill { opened_since: 0, most: form.one("most").parse().unwrap_or_default() };
            mirrors::backfill(&core, &member, &mirror, wanted).await.map(|()| "Looking for what is open there.")
        }
        "stop" => mirrors::stop_backfill(&core, &member, &mirror).await.map(|()| "Stopped."),
        _ => Err(Error::field("action", "There is nothing of that name to do.")),
    };
    match done {
        Ok(sentence) => who.flash(Tone::Good, sentence).await?,
        Err(Error::Conflict(sentence)) => who.flash(Tone::Attention, sentence).await?,
        Err(Error::Invalid(errors)) if errors.get("action").is_none() => {
            return draw(&core, &who, &member, &mirror, Some((&form, errors)), None).await;
        }
        Err(error) => return Err(error.into()),
    }
    // Its button also stands on other pages.
    Ok(Redirect::to(&ReturnPath::new(form.one("next")).or(&path_of(&mirror))).into_response())
}

/// `DELETE /mirrors/{mirror}`
pub async fn destroy(
    State(core): State<Core>,
    Path(id): Path<String>,
    who: SignedIn,
    _: Form,
) -> web::Result<Response> {
    let (member, mirror) = mirror_of(&core, &who, &id).await?;
    remove(&core, &who, &member, &mirror).await
}

async fn remove(core: &Core, who: &SignedIn, member: &Member, mirror: &Model) -> web::Result<Response> {
    match mirrors::remove(core, member, mirror).await? {
        mirrors::Removal::Removed => {
            let text = format!("Removed the mirror {}. What was set up for it is being taken away.", mirror.name);
            who.flash(Tone::Good, text).await?;
        }
        mirrors::Removal::Already => {
            who.flash(Tone::Neutral, format!("The mirror {} was already removed.", mirror.name)).await?;
        }
    }
    Ok(Redirect::to(&settings_path(mirror.team_id)).into_response())
}
