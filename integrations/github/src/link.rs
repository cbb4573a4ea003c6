//! Links: the form, its choices, its check, and the sentence about one. What stands at GitHub is `webhook`.

use integration_contract::{
    Account, CheckedLink, Choice, ErrorKind, Field, FieldErrors, FieldKind, FormInput, IntegrationLink, LinkForm,
    LinkRefused, LinkSettings, Result,
};
use serde::{Deserialize, Serialize};

use crate::{
    api::{Api, REPOSITORY_PAGES},
    config::Config,
    events::Kind,
    repository_name::RepositoryName,
    wire::ApiRepository,
};

const REPOSITORY: &str = "repository";
const EVENTS: &str = "events";

/// What a link is set to.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// What the link is bound to: it outlives renames and transfers.
    pub(crate) repository_id: u64,
    /// What it is called at the moment.
    pub(crate) full_name: String,
    /// Its page.
    pub(crate) html_url: String,
    /// Which kinds of event become entries.
    pub(crate) events: Vec<Kind>,
}

pub(crate) async fn form(config: &Config, cx: &Account, so_far: &FormInput) -> Result<LinkForm> {
    let listed = Api::new(&cx.http, &config.api_url).user_repos().await?;
    let usable =
        |repository: &&ApiRepository| repository.administered() && !repository.archived && !repository.disabled;
    let choices: Vec<_> = listed.items.iter().filter(usable).map(choice).collect();
    let notice = if !listed.complete {
        let limit = REPOSITORY_PAGES * 100;
        Some(format!(
            "Not all of your repositories are listed: it took too long, or there are more than {limit}. Any other can \
             be pasted as owner/name."
        ))
    } else if choices.is_empty() {
        Some(format!("GitHub lists no repository in which {} has the admin role.", name_of(cx)))
    } else {
        None
    };
    let events = if so_far.is_empty() {
        Kind::ALL.into_iter().filter(|kind| kind.card().default).map(|kind| kind.id().to_owned()).collect()
    } else {
        so_far.all(EVENTS).to_vec()
    };
    let fields = vec![
        Field {
            name: REPOSITORY,
            label: "Repository",
            help: "Adding a webhook needs the admin role in the repository.".to_owned(),
            kind: FieldKind::Search { choices, placeholder: "owner/name, or the repository's address" },
            values: so_far.all(REPOSITORY).to_vec(),
        },
        Field {
            name: EVENTS,
            label: "What becomes an entry",
            help: "You can change this later.".to_owned(),
            kind: FieldKind::Many(Kind::ALL.into_iter().map(event_choice).collect()),
            values: events,
        },
    ];
    Ok(LinkForm { fields, notice, ..LinkForm::default() })
}

fn choice(repository: &ApiRepository) -> Choice {
    let private = if repository.private { " (private)" } else { "" };
    Choice { value: repository.full_name.clone(), label: format!("{}{private}", repository.full_name) }
}

fn event_choice(kind: Kind) -> Choice {
    Choice { value: kind.id().to_owned(), label: kind.label().to_owned() }
}

pub(crate) async fn check(config: &Config, cx: &Account, input: &FormInput) -> Result<CheckedLink, LinkRefused> {
    let mut errors = FieldErrors::default();
    let web_url = config.web_url();
    let name = match input.all(REPOSITORY) {
        [_] | [] => RepositoryName::parse(input.one(REPOSITORY), &web_url),
        _ => None,
    };
    if name.is_none() {
        errors.add(REPOSITORY, "Name one repository as owner/name, or paste its address at GitHub.");
    }
    let events = chosen(input.all(EVENTS));
    if events.is_none() {
        errors.add(EVENTS, "Choose at least one, from the list.");
    }
    let (Some(name), Some(events)) = (name, events) else { return Err(errors.into()) };

    let api = Api::new(&cx.http, &config.api_url);
    let repository = match api.repository_named(name.owner, name.name).await {
        Ok(repository) => repository,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let sentence = format!(
                "GitHub shows {} no repository {}/{}. Check the spelling; if it belongs to an organization, an owner \
                 there may have to approve this OAuth app.",
                name_of(cx),
                name.owner,
                name.name
            );
            return Err(FieldErrors::of(REPOSITORY, sentence).into());
        }
        Err(error) if error.kind() == ErrorKind::Forbidden => {
            return Err(FieldErrors::of(REPOSITORY, error.sentence()).into());
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(sentence) = unusable(cx, &repository) {
        return Err(FieldErrors::of(REPOSITORY, sentence).into());
    }
    let target = format!("repository:{}", repository.id);
    let settings = Settings {
        repository_id: repository.id,
        full_name: repository.full_name,
        html_url: repository.html_url,
        events,
    };
    Ok(CheckedLink { settings: LinkSettings::of(&settings), target })
}

/// The chosen kinds in the form's order; `None` when there are none, or one that is not in the form.
fn chosen(ids: &[String]) -> Option<Vec<Kind>> {
    let asked = ids.iter().map(|id| Kind::of_id(id)).collect::<Option<Vec<_>>>()?;
    let kinds: Vec<_> = Kind::ALL.into_iter().filter(|kind| asked.contains(kind)).collect();
    (!kinds.is_empty()).then_some(kinds)
}

fn unusable(cx: &Account, repository: &ApiRepository) -> Option<String> {
    let name = &repository.full_name;
    if repository.archived {
        return Some(format!("{name} is archived, so nothing happens in it. Unarchive it at GitHub first."));
    }
    if repository.disabled {
        return Some(format!("GitHub has disabled {name}, so nothing happens in it."));
    }
    if !repository.administered() {
        let who = name_of(cx);
        return Some(format!(
            "{who} may not add webhooks to {name}: that needs the admin role there. Ask one of its admins for it, or \
             to add this link."
        ));
    }
    None
}

pub(crate) fn form_input(link: &IntegrationLink) -> FormInput {
    let Ok(settings) = link.settings.read::<Settings>() else { return FormInput::default() };
    let events = settings.events.iter().map(|kind| (EVENTS, kind.id().to_owned()));
    std::iter::once((REPOSITORY, settings.full_name.clone())).chain(events).collect()
}

/// A form in which these are chosen, too.
pub(crate) fn with_kinds(mut form: FormInput, kinds: &[Kind]) -> FormInput {
    for kind in kinds {
        form.with(EVENTS, kind.id());
    }
    form
}

pub(crate) fn short_name(link: &IntegrationLink) -> String {
    link.settings.read::<Settings>().map_or_else(|_| "a repository".to_owned(), |settings| settings.full_name)
}

pub(crate) fn summary(link: &IntegrationLink) -> String {
    let Ok(settings) = link.settings.read::<Settings>() else {
        return "The settings of this link can't be read; change or remove it.".to_owned();
    };
    let words: Vec<_> = settings.events.iter().map(|kind| kind.label().to_lowercase()).collect();
    let list = match words.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    };
    let mut sentence = format!("{list} of {} become entries.", settings.full_name);
    sentence[..1].make_ascii_uppercase();
    sentence
}

/// What the account is called in sentences.
pub(crate) fn name_of(cx: &Account) -> &str {
    cx.identity.as_ref().map_or("this account", |identity| identity.name.as_str())
}
