//! `/integrations/{p}/link/{id}/activity/{event}`: the story of one event on one page.

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use integration_contract::SecretOf;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    event::{Again, Standing, TriedRow, entry_path, in_words, trace_path, what_of},
    link_of, link_path,
};
use crate::{
    core::{
        Core, Error, audit,
        inbox::MessageLine,
        integration_links,
        partners::Partner,
        people::Member,
        previews,
        traces::{self, ArrivedStory, Delivery, Outcome, ToldStory, payload::Payload},
    },
    db::{
        MessageId, OutboxMessageId, TeamId,
        entity::{
            inbox_message::MessageState, inbox_outcome::Did, integration_link::Model, outbox_message::OutboxKind,
        },
    },
    web::{
        self,
        extract::SignedIn,
        page::{Moment, Page, Place, Tone},
    },
};

#[derive(Template)]
#[template(path = "links/trace.html")]
struct TracePage {
    page: Page,
    link: String,
    name: String,
    title: String,
    trace: Trace,
    raw: Option<Payload>,
}

/// The part that changes, alone.
#[derive(Template)]
#[template(path = "links/trace_part.html")]
struct TracePart {
    page: Page,
    trace: Trace,
}

/// The steps of an event: `templates/links/_trace.html`.
struct Trace {
    steps: Vec<Step>,
    again: Option<Again>,
    /// Where its buttons post to.
    action: String,
    here: String,
    /// Where the part itself is served, while it goes on.
    live: Option<String>,
}

/// One step.
struct Step {
    tone: Tone,
    title: String,
    code: Option<String>,
    at: Option<Moment>,
    words: Vec<Words>,
    tried: Vec<TriedRow>,
}

/// A line of a step.
struct Words {
    label: &'static str,
    text: String,
    href: Option<String>,
}

impl Step {
    fn new(tone: Tone, title: impl Into<String>) -> Self {
        Self { tone, title: title.into(), code: None, at: None, words: Vec::new(), tried: Vec::new() }
    }

    fn at(self, milliseconds: i64) -> Self {
        Self { at: Some(Moment::at(milliseconds)), ..self }
    }

    fn code(self, code: &str) -> Self {
        Self { code: Some(code.to_owned()).filter(|code| !code.is_empty()), ..self }
    }

    fn says(mut self, label: &'static str, text: impl Into<String>) -> Self {
        self.words.push(Words { label, text: text.into(), href: None });
        self
    }

    fn leads(mut self, label: &'static str, text: impl Into<String>, href: impl Into<String>) -> Self {
        self.words.push(Words { label, text: text.into(), href: Some(href.into()) });
        self
    }
}

/// Which part of the page is wanted.
#[derive(Deserialize)]
pub struct Asked {
    part: Option<String>,
}

/// `GET /integrations/{p}/link/{id}/activity/{event}`
pub async fn show(
    State(core): State<Core>,
    Path((id, link, event)): Path<(String, String, String)>,
    Query(asked): Query<Asked>,
    who: SignedIn,
) -> web::Result<Response> {
    let partner = core.partners.get(&id)?;
    let (member, link) = link_of(&core, &who, partner, &link).await?;
    let event: Uuid = event.parse().map_err(|_| Error::NotFound)?;
    let manages = integration_links::must_manage(&member, &link).is_ok();
    let scene = Scene { core: &core, partner, member: &member, link: &link, manages };
    let (title, trace, raw) = match traces::arrived(&core, &member, &link, MessageId(event)).await {
        Ok(story) => {
            let title = if story.message.event.is_empty() { "A hook".to_owned() } else { story.message.event.clone() };
            let raw = manages.then(|| traces::payload::of(&story.message));
            (title, scene.of_hook(story).await?, raw)
        }
        Err(Error::NotFound) => {
            let story = traces::told(&core, &member, &link, OutboxMessageId(event)).await?;
            (what_of(&story.delivery.line), scene.of_message(story), None)
        }
        Err(error) => return Err(error.into()),
    };
    if asked.part.is_some() {
        let page = who.bare_page_of_team(link.organization_id, link.team_id).await?;
        return web::page::draw(StatusCode::OK, &TracePart { page, trace });
    }
    if raw.is_some() {
        audit::note_look(&core, &member, &link, MessageId(event)).await?;
    }
    let page = who.page_of_team(&format!("Trace: {title}"), link.organization_id, link.team_id).await?;
    let page = page.at(Place::Integrations);
    let answer = TracePage { page, link: link_path(&link), name: link.name.clone(), title, trace, raw };
    web::page::draw(StatusCode::OK, &answer)
}

/// Whose event is looked at, and by whom.
struct Scene<'a> {
    core: &'a Core,
    partner: &'a Partner,
    member: &'a Member,
    link: &'a Model,
    manages: bool,
}

impl Scene<'_> {
    async fn of_hook(&self, story: ArrivedStory) -> web::Result<Trace> {
        let ArrivedStory { message, outcomes, deliveries } = story;
        let mut steps = vec![
            Step::new(Tone::Good, format!("Arrived from {}", self.partner.name()))
                .code(&message.event)
                .at(message.received_at),
        ];
        if !message.delivery.is_empty() {
            steps[0] = std::mem::replace(&mut steps[0], Step::new(Tone::Good, "")).says("Delivery", &message.delivery);
        }
        steps.push(Step::new(Tone::Good, "Verified").says("", self.verified_with()));
        if message.state != MessageState::Rejected {
            steps.push(self.what_it_says(&message).await?);
        }
        let line = MessageLine {
            id: message.id,
            link_id: message.link_id,
            event: message.event,
            delivery: message.delivery,
            state: message.state,
            reason: message.reason,
            received_at: message.received_at,
            finished_at: message.finished_at,
        };
        steps.push(self.what_came_of_it(&line, &outcomes));
        let waits = line.state == MessageState::Received || deliveries.iter().any(is_under_way);
        let nobody = deliveries.is_empty() && line.state == MessageState::Done && !outcomes.is_empty();
        steps.extend(deliveries.into_iter().map(|delivery| self.delivery(delivery)));
        if nobody {
            let why = "No other link of the team tells of it, or it was told too long ago to be remembered.";
            steps.push(Step::new(Tone::Neutral, "Told to nobody").says("", why));
        }
        let again = Again::of_hook(line.state, line.id.to_string());
        Ok(self.trace(&line.id.to_string(), steps, again, waits))
    }

    fn of_message(&self, story: ToldStory) -> Trace {
        let ToldStory { delivery: Delivery { link, mut line }, from } = story;
        let mut steps: Vec<Step> = Vec::new();
        for (hook, through) in from.into_iter().rev() {
            let name = self.core.partners.name_of(&through.partner);
            steps.push(
                Step::new(Tone::Good, format!("Arrived from {name}")).code(&hook.event).at(hook.received_at).leads(
                    "Through",
                    &through.name,
                    trace_path(&through, &hook.id.to_string()),
                ),
            );
        }
        let mut told = Step::new(Tone::Good, "To be told").at(line.created_at);
        told = match (line.kind, line.entry_id) {
            (OutboxKind::Entry, Some(entry)) => {
                told.leads("Entry", what_of(&line), format!("/teams/{}/entries/{entry}", link.team_id))
            }
            (OutboxKind::Item, _) => told.says("Item", what_of(&line)),
            _ => told.says("", what_of(&line)),
        };
        if let Some(digest) = line.digest_id {
            told = told.leads("Told in", "a digest", trace_path(&link, &digest.to_string()));
        }
        steps.push(told);
        let (again, waits, id) = (Again::of_message(&line), line.finished_at.is_none(), line.id.to_string());
        let mut tried = std::mem::take(&mut line.tried);
        tried.reverse();
        let left_out = usize::try_from(line.attempts).unwrap_or_default().saturating_sub(tried.len());
        if left_out > 0 {
            steps.push(Step::new(Tone::Neutral, format!("Attempts before these: {left_out}")));
        }
        steps.extend(tried.into_iter().map(|attempt| {
            let row = TriedRow::of(attempt, self.manages);
            let mut step = Step::new(row.tone, row.end.clone());
            step.at = Some(row.at);
            step.tried = vec![TriedRow { end: String::new(), ..row }];
            step
        }));
        steps.push(end_of(Standing::of_message(&line), line.note, line.finished_at));
        self.trace(&id, steps, again, waits)
    }

    fn trace(&self, event: &str, steps: Vec<Step>, again: Option<Again>, waits: bool) -> Trace {
        let here = trace_path(self.link, event);
        let may = self.manages && integration_links::lives(self.link);
        Trace {
            steps,
            again: again.filter(|_| may),
            action: link_path(self.link),
            live: waits.then(|| format!("{here}?part=steps")),
            here,
        }
    }

    fn verified_with(&self) -> String {
        let whose = match self.partner.integration.scheme().secret {
            SecretOf::Link => "the secret that only this link and the partner have",
            SecretOf::Given => "the secret that the partner made for this link",
            SecretOf::Setting(_) => "the secret that the app has at the partner",
        };
        format!("Its signature was made with {whose}.")
    }

    async fn what_it_says(&self, message: &crate::db::entity::inbox_message::Model) -> web::Result<Step> {
        let said = previews::would_say(self.core, self.partner, self.link, message).await?;
        let tone = if said.iter().any(|said| said.comes) { Tone::Good } else { Tone::Neutral };
        let step = Step::new(tone, "What it says, by the link's settings of today");
        Ok(said.into_iter().fold(step, |step, said| {
            let text = match said.by {
                Some(by) => format!("{} ({by})", said.text),
                None => said.text,
            };
            step.says(said.what, text)
        }))
    }

    fn what_came_of_it(&self, line: &MessageLine, outcomes: &[Outcome]) -> Step {
        let standing = Standing::of_hook(line, outcomes);
        let title = match line.state {
            MessageState::Received => "Waits to be read",
            MessageState::Done => "Read, and something came of it",
            MessageState::Ignored => "Read, and nothing came of it",
            MessageState::Failed => "It could not be read, or not to the end",
            MessageState::Rejected => "It is not what the partner documents, so nothing was read",
        };
        let mut step = Step::new(standing.tone, title);
        step.at = line.finished_at.map(Moment::at);
        if let Some(reason) = standing.reason {
            step = step.says("", reason);
        }
        outcomes.iter().fold(step, |step, outcome| outcome_in(step, self.link.team_id, outcome))
    }

    fn delivery(&self, delivery: Delivery) -> Step {
        let Delivery { link, mut line } = delivery;
        let partner = self.core.partners.name_of(&link.partner);
        let standing = Standing::of_message(&line);
        let title = format!("{} to {partner}", if line.kind == OutboxKind::Answer { "Answer" } else { "Delivery" });
        let mut step = Step::new(standing.tone, title).at(line.created_at).leads(
            standing.word,
            format!("{}: {}", link.name, what_of(&line)),
            trace_path(&link, &line.id.to_string()),
        );
        for sentence in standing.reason.into_iter().chain(line.note.take()) {
            step = step.says("", sentence);
        }
        let manages = integration_links::must_manage(self.member, &link).is_ok();
        step.tried = line.tried.into_iter().rev().map(|attempt| TriedRow::of(attempt, manages)).collect();
        step
    }
}

fn is_under_way(delivery: &Delivery) -> bool {
    delivery.line.finished_at.is_none()
}

fn outcome_in(step: Step, team: TeamId, outcome: &Outcome) -> Step {
    let label = match outcome.did {
        Did::Wrote => "Wrote the entry",
        Did::Changed => "Changed the entry",
        Did::TookBack => "Took back the entry",
        Did::Knew => "The log had the entry",
        Did::Told => "Followed the item",
    };
    let text = in_words(outcome).unwrap_or_else(|| "that is gone by now".to_owned());
    match entry_path(team, outcome) {
        Some(href) => step.leads(label, text, href),
        None => step.says(label, text),
    }
}

fn end_of(standing: Standing, note: Option<String>, finished_at: Option<i64>) -> Step {
    let mut step = Step::new(standing.tone, standing.word);
    step.at = finished_at.map(Moment::at);
    for sentence in standing.reason.into_iter().chain(note) {
        step = step.says("", sentence);
    }
    step
}
