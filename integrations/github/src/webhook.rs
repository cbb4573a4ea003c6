//! Our one webhook in a repository: made, changed and removed, each so that it can be done again after a crash.
//!
//! A webhook is ours when the ledger names its id, or when it sends to exactly this link's hook URL, which has the link's
//! own key in it. No other webhook is ever touched.

use integration_contract::{
    Account, Error, ErrorKind, ExposeSecret, Happening, IntegrationLink, Ledger, LinkSettings, Remote, Reservation,
    Result, Undone, UndoneOutcome,
};

use crate::{
    api::Api,
    config::Config,
    error, events,
    link::{Settings, name_of},
    wire::{NewWebhook, NewWebhookConfig},
};

/// What the ledger calls it.
const KIND: &str = "webhook";

/// Makes sure that the repository has our webhook, as the settings say.
pub(crate) async fn make(config: &Config, cx: &Account, link: &IntegrationLink, ledger: &dyn Ledger) -> Result<()> {
    let settings: Settings = link.settings.read()?;
    let api = Api::new(&cx.http, &config.api_url);
    let place = settings.repository_id.to_string();
    let earlier = ledger.rows().await?.into_iter().find(|row| row.kind == KIND && row.place == place);
    let webhook = Wanted { link, settings: &settings };

    let (reservation, looked_up) = match earlier {
        Some(Remote { id: Some(id), .. }) if webhook.changed(&api, &id).await? => return Ok(()),
        // Made or perhaps made by an earlier run: it may be there, whatever the ledger knows.
        Some(row) => (row.reservation, true),
        None => (ledger.reserve(KIND, &place).await?, false),
    };
    if looked_up && webhook.adopted(&api, ledger, &reservation).await? {
        return Ok(());
    }
    let error = match api.create_hook(settings.repository_id, &webhook.body(Some("web"))).await {
        Ok(made) => return ledger.made(&reservation, &made.id.to_string()).await,
        Err(error) => error,
    };
    match error.kind() {
        // It is there, or may be: see, before anybody makes a second one. An outage here leaves the row open.
        ErrorKind::Conflict | ErrorKind::UnknownOutcome => {
            if webhook.adopted(&api, ledger, &reservation).await? {
                Ok(())
            } else {
                Err(error)
            }
        }
        _ => {
            ledger.gone(&reservation).await?;
            Err(error)
        }
    }
}

/// As [`make`], and removes what the link made in the repository it was set to before.
pub(crate) async fn change(config: &Config, cx: &Account, link: &IntegrationLink, ledger: &dyn Ledger) -> Result<()> {
    make(config, cx, link, ledger).await?;
    let settings: Settings = link.settings.read()?;
    let place = settings.repository_id.to_string();
    for row in ledger.rows().await?.into_iter().filter(|row| row.kind == KIND && row.place != place) {
        let undone = remove_one(config, cx, link, &row).await?;
        match undone.outcome {
            UndoneOutcome::Removed | UndoneOutcome::AlreadyGone => ledger.gone(&row.reservation).await?,
            // Stays in the ledger, and so on the receipt when the link is removed.
            UndoneOutcome::LeftOver(_) => {}
        }
    }
    Ok(())
}

struct Wanted<'a> {
    link: &'a IntegrationLink,
    settings: &'a Settings,
}

impl Wanted<'_> {
    /// `name` only where GitHub wants one: when it is made.
    fn body(&self, name: Option<&'static str>) -> NewWebhook<'_> {
        NewWebhook {
            name,
            active: true,
            events: events::subscribed(&self.settings.events),
            config: NewWebhookConfig {
                url: self.link.hook_url.as_str(),
                content_type: "json",
                secret: self.link.hook_secret.expose_secret(),
                insecure_ssl: "0",
            },
        }
    }

    /// Changes the webhook with this id; `false` when it is certain that it is not there any more.
    async fn changed(&self, api: &Api<'_>, id: &str) -> Result<bool> {
        match api.update_hook(self.settings.repository_id, id, &self.body(None)).await {
            Ok(()) => Ok(true),
            Err(missing) if missing.kind() == ErrorKind::NotFound => {
                // GitHub also says so to whoever lost the admin role; then the webhook may well be there.
                let repository = api.repository(self.settings.repository_id).await?;
                if repository.administered() { Ok(false) } else { Err(missing) }
            }
            Err(error) => Err(error),
        }
    }

    /// Looks for a webhook that sends to this link; when there is one it becomes what it should be, and the ledger's.
    async fn adopted(&self, api: &Api<'_>, ledger: &dyn Ledger, reservation: &Reservation) -> Result<bool> {
        let Some(id) = find(api, self.settings.repository_id, self.link).await? else { return Ok(false) };
        ledger.made(reservation, &id).await?;
        self.changed(api, &id).await
    }
}

/// The id of the webhook that sends to exactly this link's address.
async fn find(api: &Api<'_>, repository: u64, link: &IntegrationLink) -> Result<Option<String>> {
    let hooks = api.hooks(repository).await?;
    Ok(hooks.iter().find(|hook| hook.url() == Some(link.hook_url.as_str())).map(|hook| hook.id.to_string()))
}

/// Looks whether the repository and our webhook are still there, and what the repository is called now.
pub(crate) async fn inspect(
    config: &Config,
    cx: &Account,
    link: &IntegrationLink,
    ours: &[Remote],
) -> Result<Vec<Happening>> {
    let settings: Settings = link.settings.read()?;
    let api = Api::new(&cx.http, &config.api_url);
    let name = &settings.full_name;
    let gone = |reason: String| Ok(vec![Happening::TargetGone { reason }]);
    let repository = match api.repository(settings.repository_id).await {
        Ok(repository) => repository,
        // GitHub says the same of a repository that is gone and of one that it hides.
        Err(missing) if matches!(missing.kind(), ErrorKind::NotFound | ErrorKind::Forbidden) => {
            return gone(format!(
                "GitHub no longer shows {} the repository {name}: it was deleted, or this account lost access to it.",
                name_of(cx)
            ));
        }
        Err(error) => return Err(error),
    };
    if repository.archived {
        return gone(format!(
            "{} was archived at GitHub, so nothing more happens in it. Unarchive it there, or remove this link.",
            repository.full_name
        ));
    }
    let mut found = Vec::new();
    if repository.full_name != *name {
        let (full_name, html_url) = (repository.full_name.clone(), repository.html_url.clone());
        found.push(Happening::TargetChanged(LinkSettings::of(&Settings { full_name, html_url, ..settings.clone() })));
    }
    let place = settings.repository_id.to_string();
    let webhook = ours.iter().find(|row| row.kind == KIND && row.place == place).and_then(|row| row.id.as_deref());
    // What was never made does not work; why it was not stands on the link already.
    let Some(id) = webhook else { return Ok(found) };
    // Without the admin role GitHub hides webhooks; that they still arrive is all that can be known then.
    if repository.administered() {
        match api.hook(settings.repository_id, id).await {
            Ok(webhook) if !webhook.active => {
                found.push(Happening::TargetGone {
                    reason: "The webhook was switched off at GitHub, so nothing arrives. Try again to switch it on."
                        .into(),
                });
                return Ok(found);
            }
            Ok(_) => {}
            Err(missing) if missing.kind() == ErrorKind::NotFound => {
                found.push(Happening::TargetGone {
                    reason: "The webhook was deleted at GitHub, so nothing arrives. Try again to make it anew.".into(),
                });
                return Ok(found);
            }
            Err(error) => return Err(error),
        }
    }
    found.push(Happening::HookWorks);
    Ok(found)
}

/// Removes exactly `ours`.
pub(crate) async fn remove(
    config: &Config,
    cx: &Account,
    link: &IntegrationLink,
    ours: &[Remote],
) -> Result<Vec<Undone>> {
    let mut receipt = Vec::with_capacity(ours.len());
    for row in ours {
        receipt.push(remove_one(config, cx, link, row).await?);
    }
    Ok(receipt)
}

async fn remove_one(config: &Config, cx: &Account, link: &IntegrationLink, row: &Remote) -> Result<Undone> {
    let (name, html_url) = match link.settings.read::<Settings>() {
        Ok(settings) if settings.repository_id.to_string() == row.place => (settings.full_name, settings.html_url),
        _ => (format!("repository {}", row.place), config.web_url()),
    };
    let undone = |outcome| Undone { what: format!("the webhook of {name}"), outcome };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let place = digits(&row.place).then(|| row.place.parse::<u64>().ok()).flatten();
    let (KIND, Some(repository)) = (row.kind.as_str(), place) else {
        let what = format!("{} at {}", row.kind, row.place);
        return Ok(Undone { what, outcome: UndoneOutcome::LeftOver("This is nothing that we make at GitHub.".into()) });
    };
    let api = Api::new(&cx.http, &config.api_url);
    let removed = match &row.id {
        Some(id) if digits(id) => api.delete_hook(repository, id).await,
        Some(_) => Err(error::undocumented("delete our webhook in the repository")),
        // It is not known whether it was made: only our own address tells.
        None => match find(&api, repository, link).await {
            Ok(Some(id)) => api.delete_hook(repository, &id).await,
            Ok(None) => return Ok(undone(UndoneOutcome::AlreadyGone)),
            Err(error) => Err(error),
        },
    };
    let error = match removed {
        Ok(()) => return Ok(undone(UndoneOutcome::Removed)),
        Err(error) => error,
    };
    match error.kind() {
        ErrorKind::NotFound => {
            Ok(missing(&api, cx, repository, &name, &html_url).await?.unwrap_or(undone(UndoneOutcome::AlreadyGone)))
        }
        ErrorKind::Forbidden => Ok(undone(UndoneOutcome::LeftOver(format!(
            "{} It can be deleted at {html_url}/settings/hooks.",
            error.sentence()
        )))),
        _ => Err(error),
    }
}

/// What 404 means for a webhook that was to be deleted: that it is gone, or that the account may no longer see it. The
/// receipt says what may be left; `None` = it is gone.
async fn missing(
    api: &Api<'_>,
    cx: &Account,
    repository: u64,
    name: &str,
    html_url: &str,
) -> Result<Option<Undone>, Error> {
    let who = name_of(cx);
    match api.repository(repository).await {
        Ok(repository) if repository.administered() => Ok(None),
        Ok(_) => Ok(Some(Undone {
            what: format!("the webhook of {name}"),
            outcome: UndoneOutcome::LeftOver(format!(
                "{who} no longer has the admin role in {name}, so GitHub hides its webhooks. An admin can delete ours at \
                 {html_url}/settings/hooks."
            )),
        })),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Forbidden) => Ok(Some(Undone {
            what: format!("the webhook of {name}"),
            outcome: UndoneOutcome::LeftOver(format!(
                "GitHub no longer shows {who} that repository. If it still exists, one of its admins can delete our \
                 webhook at {html_url}/settings/hooks."
            )),
        })),
        Err(error) => Err(error),
    }
}
