//! `/organizations/{organization}/audit`: who did what, newest first, and the same as a file.

use askama::Template;
use axum::{
    extract::{FromRequestParts, State},
    response::Response,
};
use futures::{Stream, TryStreamExt};
use http::{StatusCode, request::Parts};
use integration_contract::{FieldErrors, FormInput, text::without_nul};
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;
use serde_json::json;

use crate::{
    core::{
        self, Core,
        audit::{self, Cursor, Deed, Filter, Subject},
        entries,
        people::{Member, Membership},
        teams,
    },
    db::{AuditEventId, OrganizationId, UserId, entity::audit_event},
    web::{
        self, Result, download,
        extract::{Path, SignedIn},
        page::{Page, draw},
    },
};

#[derive(Template)]
#[template(path = "organizations/audit.html")]
struct AuditPage {
    page: Page,
    membership: Membership,
    asked: Asked,
    rows: Vec<Row>,
    people: Vec<Choice>,
    subjects: Vec<Choice>,
    zone: Zone,
    older: Option<String>,
}

impl AuditPage {
    fn settings(&self) -> String {
        format!("/organizations/{}/settings", self.membership.organization.id)
    }

    fn here(&self) -> String {
        path_of(self.membership.organization.id)
    }

    fn file(&self, ending: &str) -> String {
        self.asked.below(&format!("{}/export.{ending}", self.here()), None)
    }

    fn years_kept(&self) -> u64 {
        audit::KEPT.as_secs() / (365 * 24 * 3600)
    }
}

/// One of a list to choose from.
struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

/// The zone in which days begin: that of the member's first team here, or else UTC.
struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    async fn of(core: &Core, who: &Member) -> Result<Self> {
        let first = teams::of_member(core, who).await?.into_iter().next();
        Ok(match first {
            Some(team) => Self { zone: entries::zone(&team), name: team.time_zone },
            None => Self { zone: TimeZone::UTC, name: "UTC".to_owned() },
        })
    }
}

/// One deed as the page shows it.
struct Row {
    iso: String,
    when: String,
    who: Option<String>,
    deed: &'static str,
    about: String,
    detail: Option<String>,
}

impl Row {
    fn of(core: &Core, zone: &TimeZone, event: audit_event::Model) -> Self {
        let at = Timestamp::from_millisecond(event.at).unwrap_or_default();
        Self {
            iso: at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            when: at.to_zoned(zone.clone()).strftime("%-d %B %Y, %H:%M:%S").to_string(),
            deed: event.deed.words(),
            detail: detail_of(core, &event),
            who: name_of(&event),
            about: event.subject_name,
        }
    }
}

/// Who did it; none when nobody did.
fn name_of(event: &audit_event::Model) -> Option<String> {
    event.user_id.map(|id| event.user_name.clone().unwrap_or_else(|| format!("somebody ({id})")))
}

/// A partner goes by its name.
fn detail_of(core: &Core, event: &audit_event::Model) -> Option<String> {
    let detail = event.detail.clone()?;
    Some(core.partners.name_of(&detail).to_owned())
}

/// One deed as a file has it.
#[derive(Serialize)]
struct Line {
    id: AuditEventId,
    at: String,
    person_id: Option<UserId>,
    person: Option<String>,
    deed: String,
    subject: String,
    subject_id: Option<uuid::Uuid>,
    subject_name: String,
    detail: Option<String>,
}

/// The first line of a CSV file, in the order of [`Line::fields`].
const NAMES: [&str; 9] = ["id", "at", "person_id", "person", "deed", "subject", "subject_id", "subject_name", "detail"];

impl Line {
    fn of(zone: &TimeZone, event: audit_event::Model) -> Self {
        Self {
            id: event.id,
            at: download::moment(zone, event.at),
            person_id: event.user_id,
            person: name_of(&event),
            deed: event.deed.word(),
            subject: event.subject.word(),
            subject_id: event.subject_id,
            subject_name: event.subject_name,
            detail: event.detail,
        }
    }

    fn fields(self) -> [String; NAMES.len()] {
        [
            self.id.to_string(),
            self.at,
            self.person_id.map(|id| id.to_string()).unwrap_or_default(),
            self.person.unwrap_or_default(),
            self.deed,
            self.subject,
            self.subject_id.map(|id| id.to_string()).unwrap_or_default(),
            self.subject_name,
            self.detail.unwrap_or_default(),
        ]
    }
}

/// `GET /organizations/{organization}/audit`
pub async fn show(
    State(core): State<Core>,
    who: SignedIn,
    Path(id): Path<OrganizationId>,
    asked: Asked,
) -> Result<Response> {
    let member = who.person.member_of(id)?;
    let zone = Zone::of(&core, &member).await?;
    let piece = audit::list(&core, &member, &zone.zone, &asked.filter, asked.before).await?;
    let people = audit::people(&core, &member).await?;
    let choice = |(id, label): (UserId, String)| Choice {
        chosen: asked.filter.person == Some(id),
        value: id.to_string(),
        label,
    };
    let page = AuditPage {
        page: who.page_of("Audit log", member.organization).await?,
        membership: who.person.membership_of(id)?.clone(),
        rows: piece.events.into_iter().map(|event| Row::of(&core, &zone.zone, event)).collect(),
        people: people.into_iter().map(choice).collect(),
        subjects: Subject::ALL
            .into_iter()
            .map(|subject| Choice {
                value: subject.word(),
                label: label_of(subject).to_owned(),
                chosen: asked.filter.subject == Some(subject),
            })
            .collect(),
        older: piece.next.map(|next| asked.below(&path_of(id), Some(next))),
        zone,
        asked,
    };
    draw(StatusCode::OK, &page)
}

/// `GET /organizations/{organization}/audit/export.csv`
pub async fn csv(
    State(core): State<Core>,
    who: SignedIn,
    Path(id): Path<OrganizationId>,
    asked: Asked,
) -> Result<Response> {
    let (name, _, lines) = lines(&core, &who, id, &asked).await?;
    let lines = lines.map_ok(|piece| piece.into_iter().map(|line| line.fields().to_vec()).collect());
    Ok(download::csv(&name, &NAMES, lines))
}

/// `GET /organizations/{organization}/audit/export.json`
pub async fn json(
    State(core): State<Core>,
    who: SignedIn,
    Path(id): Path<OrganizationId>,
    asked: Asked,
) -> Result<Response> {
    let (name, about, lines) = lines(&core, &who, id, &asked).await?;
    Ok(download::json(&name, ("organization", &about), "deeds", lines))
}

/// The file's name, whose it is, and what is in it. Taking it away is a deed itself.
async fn lines(
    core: &Core,
    who: &SignedIn,
    id: OrganizationId,
    asked: &Asked,
) -> Result<(String, serde_json::Value, impl Stream<Item = core::Result<Vec<Line>>> + Send + use<>)> {
    let member = who.person.member_of(id)?;
    let organization = &who.person.membership_of(id)?.organization;
    let Zone { name, zone } = Zone::of(core, &member).await?;
    let pieces = audit::export(core, &member, &zone, &asked.filter).await?;
    audit::note_alone(core, &member, Deed::AuditExported, organization).await?;
    let about = json!({ "id": organization.id, "name": organization.name, "time_zone": name });
    let file = format!("{}-audit-{}", download::slug(&organization.name, "organization"), core.clock.today(&zone));
    Ok((file, about, pieces.map_ok(move |piece| piece.into_iter().map(|event| Line::of(&zone, event)).collect())))
}

fn path_of(id: OrganizationId) -> String {
    format!("/organizations/{id}/audit")
}

fn label_of(subject: Subject) -> &'static str {
    match subject {
        Subject::Member => "Members and invitations",
        Subject::Team => "Teams and their logs",
        Subject::Link => "Links",
        Subject::Mirror => "Mirrors",
        Subject::Account => "Accounts elsewhere",
        Subject::Organization => "The organization",
    }
}

/// What the address asks for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    filter: Filter,
    before: Option<Cursor>,
}

impl Asked {
    fn read(input: &FormInput) -> core::Result<Self> {
        let mut errors = FieldErrors::default();
        let mut day = |field: &str| {
            let text = input.one(field);
            let day = entries::day(text);
            if day.is_none() && !text.is_empty() {
                errors.add(field, "A day is written like 2026-11-22.");
            }
            day
        };
        let (from, to) = (day("from"), day("to"));
        let person = input.one("person");
        let subject = input.one("about");
        let before = input.one("before");
        let asked = Self {
            filter: Filter {
                person: person.parse().ok(),
                subject: Subject::ALL.into_iter().find(|one| one.word() == subject),
                from,
                to,
            },
            before: before.parse().ok(),
        };
        if from.zip(to).is_some_and(|(from, to)| to < from) {
            errors.add("to", "The last day is before the first.");
        }
        if asked.filter.person.is_none() && !person.is_empty() {
            errors.add("person", "Choose a person from the list.");
        }
        if asked.filter.subject.is_none() && !subject.is_empty() {
            errors.add("about", "Choose what it is about from the list.");
        }
        if asked.before.is_none() && !before.is_empty() {
            errors.add("before", "Go back to the newest.");
        }
        if errors.is_empty() { Ok(asked) } else { Err(core::Error::Invalid(errors)) }
    }

    fn is_filtered(&self) -> bool {
        self.filter != Filter::default()
    }

    fn from(&self) -> String {
        self.filter.from.map(|day| day.to_string()).unwrap_or_default()
    }

    fn to(&self) -> String {
        self.filter.to.map(|day| day.to_string()).unwrap_or_default()
    }

    fn below(&self, path: &str, before: Option<Cursor>) -> String {
        let pairs = [
            ("person", self.filter.person.map(|person| person.to_string()).unwrap_or_default()),
            ("about", self.filter.subject.map(|subject| subject.word()).unwrap_or_default()),
            ("from", self.from()),
            ("to", self.to()),
            ("before", before.map(|before| before.to_string()).unwrap_or_default()),
        ];
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(pairs.iter().filter(|(_, value)| !value.is_empty()));
        match query.finish() {
            query if query.is_empty() => path.to_owned(),
            query => format!("{path}?{query}"),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = web::Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        let input = pairs.map(|(name, value)| (without_nul(&name), without_nul(&value))).collect();
        Ok(Self::read(&input)?)
    }
}
