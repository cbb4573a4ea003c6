//! Links: the form, its check, and the sentence about one. What stands at Zendesk is `webhook`.

use integration_contract::{
    Account, CheckedLink, Choice, Error, ErrorKind, Field, FieldErrors, FieldKind, FormInput, IntegrationLink,
    LinkForm, LinkRefused, LinkSettings, Result,
};
use serde::{Deserialize, Serialize};

use crate::{api::Api, config::Config, events::Kind, site::host_name};

const EVENTS: &str = "events";

/// What a link is set to.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// The account it is bound to.
    pub(crate) subdomain: String,
    /// Which kinds of event it brings.
    pub(crate) events: Vec<Kind>,
}

impl Settings {
    /// As the link has them, if the connected account is the link's.
    pub(crate) fn of(cx: &Account, link: &IntegrationLink) -> Result<Self> {
        let settings: Self = link.settings.read()?;
        if cx.site.as_deref() == Some(settings.subdomain.as_str()) {
            return Ok(settings);
        }
        let host = host_name(&settings.subdomain);
        Err(Error::new(
            ErrorKind::Forbidden,
            format!("This link is to {host}, and the account behind it is at another address. Connect one at {host}."),
        ))
    }

    pub(crate) fn has(&self, kind: Kind) -> bool {
        self.events.contains(&kind)
    }
}

pub(crate) fn form(cx: &Account, so_far: &FormInput) -> LinkForm {
    let events = if so_far.is_empty() {
        Kind::ALL.into_iter().filter(|kind| kind.card().default).map(|kind| kind.id().to_owned()).collect()
    } else {
        so_far.all(EVENTS).to_vec()
    };
    let field = Field {
        name: EVENTS,
        label: "What it brings",
        help: "Solved tickets stand in the log. Whatever else happens to a ticket is told to the team's other links, such \
               as a Slack channel, and kept in step by a mirror. Internal notes never leave Zendesk."
            .to_owned(),
        kind: FieldKind::Many(Kind::ALL.into_iter().map(choice).collect()),
        values: events,
    };
    let notice = cx.site.as_deref().map(|subdomain| {
        let who = name_of(cx);
        format!("The link is to {}, with the account of {who}, who has to be an admin there.", host_name(subdomain))
    });
    LinkForm { fields: vec![field], notice, ..LinkForm::default() }
}

fn choice(kind: Kind) -> Choice {
    Choice { value: kind.id().to_owned(), label: kind.label().to_owned() }
}

pub(crate) async fn check(config: &Config, cx: &Account, input: &FormInput) -> Result<CheckedLink, LinkRefused> {
    let Some(events) = chosen(input.all(EVENTS)) else {
        return Err(FieldErrors::of(EVENTS, "Choose at least one, from the list.").into());
    };
    let base = config.account(cx.site.as_deref())?;
    let subdomain = cx.site.clone().unwrap_or_default();
    match Api::new(&cx.http, base).may_manage_webhooks().await {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::Forbidden => {
            let who = name_of(cx);
            let host = host_name(&subdomain);
            let sentence = format!(
                "{who} may not add webhooks at {host}: that needs the admin role there, or one that may manage webhooks. Ask \
                 an admin for it, or to add this link."
            );
            return Err(FieldErrors::of(EVENTS, sentence).into());
        }
        Err(error) => return Err(error.into()),
    }
    let target = format!("account:{subdomain}");
    Ok(CheckedLink { settings: LinkSettings::of(&Settings { subdomain, events }), target })
}

/// The chosen kinds in the form's order; `None` when there are none, or one that is not in the form.
fn chosen(ids: &[String]) -> Option<Vec<Kind>> {
    let asked = ids.iter().map(|id| Kind::of_id(id)).collect::<Option<Vec<_>>>()?;
    let kinds: Vec<_> = Kind::ALL.into_iter().filter(|kind| asked.contains(kind)).collect();
    (!kinds.is_empty()).then_some(kinds)
}

pub(crate) fn form_input(link: &IntegrationLink) -> FormInput {
    let Ok(settings) = link.settings.read::<Settings>() else { return FormInput::default() };
    settings.events.iter().map(|kind| (EVENTS, kind.id())).collect()
}

/// A form in which these are chosen, too.
pub(crate) fn with_kinds(mut form: FormInput, kinds: &[Kind]) -> FormInput {
    for kind in kinds {
        form.with(EVENTS, kind.id());
    }
    form
}

pub(crate) fn short_name(link: &IntegrationLink) -> String {
    link.settings
        .read::<Settings>()
        .map_or_else(|_| "a help desk".to_owned(), |settings| host_name(&settings.subdomain))
}

pub(crate) fn summary(link: &IntegrationLink) -> String {
    let Ok(settings) = link.settings.read::<Settings>() else {
        return "The settings of this link can't be read; change or remove it.".to_owned();
    };
    let host = host_name(&settings.subdomain);
    let entries = settings.has(Kind::Solved).then(|| "become entries".to_owned());
    let told = match (settings.has(Kind::Tickets), settings.has(Kind::Comments)) {
        (true, true) => Some("tickets and their public comments are told to the team's other links"),
        (true, false) => Some("tickets are told to the team's other links"),
        (false, true) => Some("public comments are told to the team's other links"),
        (false, false) => None,
    };
    match (entries, told) {
        (Some(entries), Some(told)) => format!("Solved tickets of {host} {entries}; {told}."),
        (Some(entries), None) => format!("Solved tickets of {host} {entries}."),
        (None, Some(told)) => format!("At {host}, {told}."),
        (None, None) => format!("Nothing is brought from {host}."),
    }
}

/// What the account is called in sentences.
pub(crate) fn name_of(cx: &Account) -> &str {
    cx.identity.as_ref().map_or("this account", |identity| identity.name.as_str())
}
