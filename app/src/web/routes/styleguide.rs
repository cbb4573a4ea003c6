//! `GET /styleguide`: every component on one page, for whoever changes the CSS. Debug builds only.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use integration_contract::{
    Choice, Field, FieldErrors, FieldKind, FormInput, LinkForm, Picture, PicturePart, Status, Words,
};
use jiff::tz::TimeZone;

use super::{
    integrations::{Tile, examples::Message},
    links::Combos,
    log::shown,
};
use crate::{
    core::{Core, health::Recovered},
    db::{OrganizationId, TeamId},
    web::{
        doors::Door,
        mend::Mend,
        page::{Alert, Alerts, Moment, Page, Place, Seen, Times, Tone},
    },
};

/// The names of the colours, in the order of `static/app.css`.
const COLOURS: [&str; 31] = [
    "paper",
    "surface",
    "sunken",
    "ink",
    "ink-soft",
    "line",
    "line-strong",
    "link",
    "link-hover",
    "bar",
    "bar-ink",
    "bar-soft",
    "bar-line",
    "cable",
    "cable-hover",
    "cable-ink",
    "partner-ground",
    "marker",
    "primary",
    "primary-hover",
    "primary-ink",
    "good",
    "good-wash",
    "goal",
    "goal-wash",
    "attention",
    "attention-wash",
    "bad",
    "bad-wash",
    "neutral",
    "neutral-wash",
];

/// In milliseconds.
const HOUR: i64 = 3_600_000;

/// And of the steps between things.
const SPACES: [&str; 8] = ["space-1", "space-2", "space-3", "space-4", "space-5", "space-6", "space-7", "space-8"];

#[derive(Template)]
#[template(path = "styleguide/show.html")]
struct StyleGuide {
    page: Page,
    tones: [Tone; 4],
    names: [&'static str; 5],
    errors: FieldErrors,
    /// Each with its label.
    alerts: [(&'static str, Alerts); 2],
    mends: Vec<Mend>,
    broke: Moment,
    /// A field with more choices than are shown, in which somebody searched.
    form: LinkForm,
    combos: Combos,
    target_is_fixed: bool,
    tiles: Vec<Tile>,
    entries: Vec<shown::Entry>,
    messages: Vec<Message>,
    /// A partner's name and id, as its pages have them.
    partner: (&'static str, &'static str),
    door: Door,
    status: StatusCode,
    request_id: Option<&'static str>,
}

impl StyleGuide {
    /// The entries lead nowhere.
    fn came_from(&self) -> &'static str {
        ""
    }
}

/// `GET /styleguide`
pub async fn show(State(core): State<Core>) -> Response {
    match sample(&core).render() {
        Ok(page) => Html(page).into_response(),
        Err(error) => error.to_string().into_response(),
    }
}

fn sample(core: &Core) -> StyleGuide {
    let cards = core.partners.all().iter().map(|partner| partner.integration.card());
    let partner = cards.clone().next().map_or(("", ""), |card| (card.name, card.id));
    let entries = cards.take(1).flat_map(|card| {
        [
            (Status::Done, "Merged pull request #7: Count days in the team's time zone"),
            (Status::Goal, "Ship 2.4 to everybody"),
            (Status::Blocked, "Waiting for the new certificate, which nobody can issue before the one who can is back"),
        ]
        .map(|(status, text)| shown::Entry::example(card, text, status, "Ada Lovelace", "acme/widgets#7"))
    });
    let now = core.clock.now();
    let (form, combos) = searched();
    StyleGuide {
        page: frame(&core.site.name, now),
        tones: [Tone::Good, Tone::Attention, Tone::Bad, Tone::Neutral],
        names: ["Ada Lovelace", "bob", "Nguyễn Thị Minh Khai", "عمر الخيام", "<script>alert(1)</script>"],
        errors: FieldErrors::of("email", "Write it like ada@example.com."),
        alerts: alerts(now - HOUR),
        mends: mends().into(),
        broke: Moment::at(now - 3 * HOUR),
        form,
        combos,
        target_is_fixed: false,
        tiles: tiles(partner),
        entries: entries.collect(),
        messages: vec![Message::of(&core.site.name, "An issue", picture())],
        partner,
        door: Door::new("#errors", "Go to the team's log"),
        status: StatusCode::NOT_FOUND,
        request_id: Some("01990000-0000-7000-8000-000000000000"),
    }
}

fn frame(site: &str, now: i64) -> Page {
    let acme = (OrganizationId::new(), "Acme".to_owned());
    let product = TeamId::new();
    let person = Seen {
        name: "Ada Lovelace".into(),
        organization: Some(acme.clone()),
        organizations: vec![acme, (OrganizationId::new(), "An organization with a name that goes on".into())],
        teams: vec![(product, "Product".into()), (TeamId::new(), "Customer Happiness".into())],
    };
    Page {
        title: "Style guide".into(),
        site: site.to_owned(),
        person: Some(person),
        times: Times::new(TimeZone::UTC, now),
        ..Page::default()
    }
    .at(Place::Log(product))
}

/// One for each way to do something about it.
fn mends() -> [Mend; 3] {
    let about = " for ada-at-acme".to_owned();
    let again = Mend::Button {
        action: "#trouble".to_owned(),
        fields: Vec::new(),
        deed: None,
        label: "Connect Forge again".to_owned(),
        about: about.clone(),
    };
    let way = Mend::Way { href: "#trouble".to_owned(), label: "Choose what to link".to_owned(), about };
    [again, way, Mend::Ask("Ask Grace Hopper to connect Forge again.".to_owned())]
}

/// The line above the content for one thing and for several, and after one works again.
fn alerts(recovered: i64) -> [(&'static str, Alerts); 2] {
    let alert = |name: &str, mend| Alert {
        name: format!("Forge ({name})"),
        others: ", which stops 2 links,".to_owned(),
        reason: "Forge does not accept ada-at-acme's consent any more.".to_owned(),
        href: "#trouble".to_owned(),
        mend,
    };
    let names = ["acme/widgets", "acme/gadgets", "a repository whose name goes on and on", "acme/site"];
    let recovered = Recovered { path: "#trouble".to_owned(), what: "acme/widgets".to_owned(), since: recovered };
    let [again, ..] = mends();
    let single = Alerts { broken: vec![alert("ada-at-acme", Some(again))], ..Alerts::default() };
    let several =
        Alerts { broken: names.map(|name| alert(name, None)).into(), more: false, recovered: vec![recovered] };
    [("One thing needs attention", single), ("Several things need attention", several)]
}

fn searched() -> (LinkForm, Combos) {
    let choices = (1..200).map(|number| format!("acme/service-{number}"));
    let field = Field {
        name: "repository",
        label: "Repository",
        help: "Where the events come from.".to_owned(),
        kind: FieldKind::Search {
            choices: choices.map(|name| Choice { value: name.clone(), label: name }).collect(),
            placeholder: "acme/widgets",
        },
        values: vec!["service-19".to_owned()],
    };
    let mut form = LinkForm { fields: vec![field], ..LinkForm::default() };
    let typed: FormInput = [("repository", "service-19"), ("action", "search:repository")].into_iter().collect();
    let combos = Combos::narrowing(&mut form, &typed, String::new());
    (form, combos)
}

/// One in each state.
fn tiles((name, icon): (&'static str, &'static str)) -> Vec<Tile> {
    let add = || Some(("#tiles".to_owned(), "Add to the log".to_owned()));
    let tile = |tone, state: &str| Tile {
        path: "#tiles".to_owned(),
        name: name.to_owned(),
        icons: vec![icon],
        categories: vec!["Code"],
        tagline: "What happens in your repositories becomes entries of the team.",
        tone,
        state: state.to_owned(),
        added: tone != Tone::Neutral,
        trouble: None,
        missing: None,
        add: add(),
        words: String::new(),
    };
    vec![
        tile(Tone::Good, "2 links"),
        Tile { trouble: Some(("acme/widgets".to_owned(), "#tiles".to_owned())), ..tile(Tone::Bad, "Needs attention") },
        tile(Tone::Neutral, "Not added yet"),
        Tile {
            missing: Some("It is not configured: CLIENT_ID and CLIENT_SECRET are missing.".to_owned()),
            add: None,
            ..tile(Tone::Neutral, "Not configured")
        },
        Tile {
            icons: vec![icon, icon],
            name: format!("{name} ↔ {name}"),
            categories: vec!["Code", "Support"],
            ..tile(Tone::Good, "1 mirror")
        },
    ]
}

fn picture() -> Picture {
    let bold = |text: &str| Words { text: text.to_owned(), bold: true, ..Words::default() };
    let link = |text: &str| Words { text: text.to_owned(), link: true, ..Words::default() };
    Picture {
        by: Some("Grace Hopper".to_owned()),
        parts: vec![
            PicturePart::Small(vec![Words::plain("opened "), link("acme/widgets#42")]),
            PicturePart::Title(vec![Words::plain("The chart is empty on Sundays")]),
            PicturePart::State("open".to_owned()),
            PicturePart::Text(vec![
                Words::plain("West of "),
                bold("Greenwich"),
                Words::plain(", that is.\n<b>So.</b>"),
            ]),
            PicturePart::Fact("Labels".to_owned(), vec![Words::plain("bug")]),
        ],
        buttons: vec!["Assign to me".to_owned(), "Close".to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tokens of the style sheet whose values begin like this, once each.
    fn tokens(is_it: impl Fn(&str, &str) -> bool) -> Vec<String> {
        let css = include_str!("../../../../static/app.css");
        let root = css.split('}').next().unwrap_or_default();
        let tokens = root.lines().filter_map(|line| line.trim().strip_prefix("--")?.split_once(": "));
        tokens.filter(|(name, value)| is_it(name, value)).map(|(name, _)| name.to_owned()).collect()
    }

    #[test]
    fn it_shows_every_colour_and_every_step_of_the_style_sheet() {
        // The ring of what has the focus is seen on whatever has it.
        assert_eq!(tokens(|name, value| value.starts_with('#') && name != "focus"), COLOURS);
        assert_eq!(tokens(|name, _| name.starts_with("space-")), SPACES);
    }
}
