//! Links: the form, its choices, its check, and the sentence about one. What stands at Flowdock is `source`.

use integration_contract::{
    Account, CheckedLink, Choice, Error, ErrorKind, Field, FieldErrors, FieldKind, FormInput, IntegrationLink,
    LinkForm, LinkRefused, LinkSettings, Result, text,
};
use serde_json::Value;
use url::Url;

use crate::{
    address::{FlowPath, is_flow_id},
    api::Api,
    card::CARD,
    chosen::{Chosen, FLOW, NAME, Named, TELL, is_id},
    config::Config,
    settings::{Kind, LONGEST_NAME, Settings, place},
    wire::Flow,
};

/// What a source is called unless somebody says better.
const DEFAULT_NAME: &str = "Team log";

// ---- the form

pub(crate) async fn form(config: &Config, cx: &Account, so_far: &FormInput) -> Result<LinkForm> {
    let (flow, notice) = flow_field(config, cx, so_far).await?;
    let typed = |name: &str, default: Vec<String>| match so_far.is_empty() {
        true => default,
        false => so_far.all(name).to_vec(),
    };
    let kinds = CARD.events.iter().map(|event| Choice { value: event.id.to_owned(), label: event.label.to_owned() });
    let fields =
        vec![
        flow,
        Field {
            name: TELL,
            label: "What becomes a thread",
            help: "An issue, pull request or ticket is one thread, whatever happens to it; so its entries are not told \
                   beside it."
                .to_owned(),
            kind: FieldKind::Many(kinds.collect()),
            values: typed(TELL, all_kinds()),
        },
        Field {
            name: NAME,
            label: "Name of the source",
            help: "What the flow's inbox settings call it: your team's name, for example. A flow can have several, and \
                   Flowdock does not rename one later."
                .to_owned(),
            kind: FieldKind::Text { placeholder: "Product" },
            values: typed(NAME, vec![DEFAULT_NAME.to_owned()]),
        },
    ];
    Ok(LinkForm { fields, notice, ..LinkForm::default() })
}

/// What stands in the form of somebody who comes from Flowdock's own "add".
pub(crate) fn begun_with(flow: &str) -> FormInput {
    let tell = all_kinds().into_iter().map(|kind| (TELL, kind));
    [(FLOW, Named::by_id(flow)), (NAME, DEFAULT_NAME.to_owned())].into_iter().chain(tell).collect()
}

fn all_kinds() -> Vec<String> {
    CARD.events.iter().filter(|event| event.default).map(|event| event.id.to_owned()).collect()
}

/// A flow that is settled is named, and nothing else can be chosen; else one is searched for.
async fn flow_field(config: &Config, cx: &Account, so_far: &FormInput) -> Result<(Field, Option<String>)> {
    let field = |help: &str, kind| Field {
        name: FLOW,
        label: "Flow",
        help: help.to_owned(),
        kind,
        values: so_far.all(FLOW).to_vec(),
    };
    let api = Api::new(&cx.http, &config.api_url);
    if let Some(Named::Id(id)) = Named::read(so_far.one(FLOW), &config.web_url) {
        let flow = checked(config, find_by_id(&api, &id, cx).await?)?;
        let choice = Choice { value: so_far.one(FLOW).to_owned(), label: place(&flow.name, &flow.organization.name) };
        return Ok((field("", FieldKind::One(vec![choice])), None));
    }
    let (choices, notice) = match api.flows().await {
        Ok(flows) if flows.is_empty() => {
            (Vec::new(), Some("Flowdock lists no flow of yours. Make or join one there, and open this form again."))
        }
        Ok(flows) => (flows.iter().filter_map(choice).collect(), None),
        // No document says that our permissions open the list.
        Err(error) if error.kind() == ErrorKind::Forbidden => {
            (Vec::new(), Some("Flowdock does not list your flows to us. Paste the address of the flow's page."))
        }
        Err(error) => return Err(error),
    };
    let help = "The shortest way is from Flowdock: in the flow's inbox settings, under “Add a source”.";
    let kind = FieldKind::Search { choices, placeholder: "acme/main, or the address of the flow's page" };
    Ok((field(help, kind), notice.map(str::to_owned)))
}

fn choice(flow: &Flow) -> Option<Choice> {
    let path = FlowPath::new(&flow.organization.parameterized_name, &flow.parameterized_name)?;
    let label = place(&shown(&flow.name), &shown(&flow.organization.name));
    Some(Choice { value: path.to_string(), label })
}

/// What Flowdock calls it, as one line.
fn shown(name: &str) -> String {
    text::first_line(&text::without_nul(name), LONGEST_NAME)
}

// ---- its check

pub(crate) async fn check(config: &Config, cx: &Account, input: &FormInput) -> Result<CheckedLink, LinkRefused> {
    let chosen = Chosen::read(input, &config.web_url)?;
    let api = Api::new(&cx.http, &config.api_url);
    let found = match &chosen.flow {
        Named::Id(id) => find_by_id(&api, id, cx).await,
        Named::Path(path) => api.flow(path).await.map_err(|error| not_shown(error, cx)),
        Named::Word(word) => find_by_word(&api, word, cx).await,
    };
    let flow = match found {
        Ok(flow) => checked(config, flow)?,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Forbidden) => {
            return Err(FieldErrors::of(FLOW, error.sentence()).into());
        }
        Err(error) => return Err(error.into()),
    };
    if flow.joined == Some(false) {
        let place = place(&flow.name, &flow.organization.name);
        return Err(FieldErrors::of(FLOW, format!("You are not in {place}. Join it at Flowdock first.")).into());
    }
    let target = format!("flow:{}:{}", flow.id, chosen.name);
    let settings = Settings {
        flow_id: flow.id,
        organization: flow.organization.parameterized_name,
        flow: flow.parameterized_name,
        organization_name: flow.organization.name,
        flow_name: flow.name,
        name: chosen.name,
        tell: chosen.tell,
    };
    Ok(CheckedLink { settings: LinkSettings::of(&settings), target })
}

async fn find_by_id(api: &Api<'_>, id: &str, cx: &Account) -> Result<Flow> {
    api.find_flow(id).await.map_err(|error| not_shown(error, cx))
}

/// By its id, and if it is none, by its name.
async fn find_by_word(api: &Api<'_>, word: &str, cx: &Account) -> Result<Flow> {
    if is_flow_id(word) {
        match api.find_flow(word).await {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Forbidden) => {}
            answer => return answer,
        }
    }
    let mut called = api.flows().await?;
    called.retain(|flow| flow.parameterized_name == word || flow.name.trim().eq_ignore_ascii_case(word));
    match called.pop() {
        Some(flow) if called.is_empty() => Ok(flow),
        Some(_) => Err(Error::new(
            ErrorKind::NotFound,
            "More than one of your flows is called so. Paste the address of the flow's page.",
        )),
        None => Err(hidden(cx)),
    }
}

/// Flowdock says the same of a flow that is not there and of one that it hides.
fn not_shown(error: Error, cx: &Account) -> Error {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::Forbidden => hidden(cx),
        _ => error,
    }
}

fn hidden(cx: &Account) -> Error {
    let who = cx.identity.as_ref().map_or("this account", |identity| identity.name.as_str());
    Error::new(
        ErrorKind::NotFound,
        format!(
            "Flowdock shows {who} no such flow. It was deleted, or {who} is not in it; then somebody in it has to add \
             the link, or to invite {who}."
        ),
    )
}

/// A flow as Flowdock may describe it: what it says of itself leads to the API it came from, and its names are fit for
/// addresses and for people.
fn checked(config: &Config, flow: Flow) -> Result<Flow> {
    let elsewhere = flow.url.iter().any(|url| leads_elsewhere(url, &config.api_url))
        || links_lead_elsewhere(&flow.links, &config.api_url);
    if elsewhere {
        return Err(Error::new(
            ErrorKind::Refused,
            "Flowdock described the flow with an address that is not its own, so nothing was done.",
        ));
    }
    let path = FlowPath::new(&flow.organization.parameterized_name, &flow.parameterized_name);
    if path.is_none() || !is_id(&flow.id) {
        return Err(Error::new(ErrorKind::Unavailable, "Flowdock did not describe the flow as it documents."));
    }
    let mut flow = flow;
    flow.name = shown(&flow.name);
    flow.organization.name = shown(&flow.organization.name);
    Ok(flow)
}

/// Their shape is not documented, so every text in them that is an address counts.
fn links_lead_elsewhere(links: &Value, api_url: &Url) -> bool {
    match links {
        Value::String(text) => leads_elsewhere(text, api_url),
        Value::Array(all) => all.iter().any(|link| links_lead_elsewhere(link, api_url)),
        Value::Object(fields) => fields.values().any(|link| links_lead_elsewhere(link, api_url)),
        _ => false,
    }
}

/// `//host/path` leads to a host, too.
fn leads_elsewhere(text: &str, api_url: &Url) -> bool {
    let leads_somewhere = text.contains("//") || text.contains('\\');
    leads_somewhere
        && api_url.join(text).is_ok_and(|url| url.origin() != api_url.origin() || !url.username().is_empty())
}

// ---- a link as a form, and as a sentence

pub(crate) fn form_input(link: &IntegrationLink) -> FormInput {
    let Ok(settings) = link.settings.read::<Settings>() else { return FormInput::default() };
    let tell = settings.tell.iter().map(|kind| (TELL, kind.id().to_owned()));
    [(FLOW, Named::by_id(&settings.flow_id)), (NAME, settings.name.clone())].into_iter().chain(tell).collect()
}

pub(crate) fn short_name(link: &IntegrationLink) -> String {
    link.settings
        .read::<Settings>()
        .map_or_else(|_| "a flow".to_owned(), |settings| format!("{} in {}", settings.name, settings.place()))
}

pub(crate) fn summary(link: &IntegrationLink) -> String {
    let Ok(settings) = link.settings.read::<Settings>() else {
        return "The settings of this link can't be read; change or remove it.".to_owned();
    };
    let words: Vec<_> = settings.tell.iter().copied().map(Kind::words).collect();
    let list = match words.as_slice() {
        [] => "nothing".to_owned(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    };
    let verb =
        if matches!(settings.tell.as_slice(), [] | [Kind::Done] | [Kind::Blocked]) { "becomes" } else { "become" };
    let mut sentence = format!("{list} {verb} threads in {}, from the source “{}”.", settings.place(), settings.name);
    sentence[..1].make_ascii_uppercase();
    sentence
}
