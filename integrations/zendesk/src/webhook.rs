//! What stands at Zendesk for a link: one webhook, and where the account refuses event subscriptions one trigger that
//! calls it. Each is made, changed and removed so that it can be done again after a crash.
//!
//! A webhook is ours when the ledger names its id, or when it sends to exactly this link's hook URL, which has the link's
//! own key in it. A trigger is ours when the ledger names its id, or when it calls that webhook. No other is ever touched.

use integration_contract::{
    Account, Error, ErrorKind, Happening, IntegrationLink, Ledger, Remote, Result, Undone, UndoneOutcome,
};
use serde_json::{Value, json};

use crate::{
    api::Api,
    body,
    config::Config,
    error, events,
    link::{Settings, name_of},
    site::host_name,
    wire::{CONDITIONAL, NewWebhook, Trigger, Webhook, WebhookChange},
};

/// What the ledger calls them. Their place is the account's subdomain.
const WEBHOOK: &str = "webhook";
const TRIGGER: &str = "trigger";

/// What admins read in their lists.
const NAME: &str = "Patchbay";
const TRIGGER_TITLE: &str = "Tell Patchbay";
const DESCRIPTION: &str = "Made by Patchbay for one of its links. Removing the link there removes it here.";

/// Makes sure that the account has what the link needs, as the settings say.
pub(crate) async fn make(config: &Config, cx: &Account, link: &IntegrationLink, ledger: &dyn Ledger) -> Result<()> {
    let settings = Settings::of(cx, link)?;
    let api = Api::new(&cx.http, config.account(Some(&settings.subdomain))?);
    let wanted = Wanted { api, link, subscriptions: events::subscribed(&settings.events), place: settings.subdomain };
    let webhook = wanted.webhook(ledger).await?;
    if webhook.is_conditional() { wanted.trigger(ledger, &webhook.id).await } else { Ok(()) }
}

struct Wanted<'a> {
    api: Api<'a>,
    link: &'a IntegrationLink,
    subscriptions: Vec<String>,
    place: String,
}

impl Wanted<'_> {
    async fn row(&self, ledger: &dyn Ledger, kind: &str) -> Result<Option<Remote>> {
        Ok(ledger.rows().await?.into_iter().find(|row| row.kind == kind && row.place == self.place))
    }

    /// The link's webhook, with its secret kept.
    async fn webhook(&self, ledger: &dyn Ledger) -> Result<Webhook> {
        let earlier = self.row(ledger, WEBHOOK).await?;
        let known = earlier.as_ref().and_then(|row| row.id.clone());
        let (reservation, there) = match earlier {
            // Made or perhaps made by an earlier run: it may be there, whatever the ledger knows.
            Some(row) => (row.reservation, self.there(known.as_deref()).await?),
            None => (ledger.reserve(WEBHOOK, &self.place).await?, None),
        };
        let webhook = match there {
            Some(webhook) => self.put_right(webhook).await?,
            None => match self.create().await {
                Ok(made) => made,
                // It may be there: see, before anybody makes a second one. An outage here leaves the row open.
                Err(error) if error.kind() == ErrorKind::UnknownOutcome => self.there(None).await?.ok_or(error)?,
                Err(error) => {
                    ledger.gone(&reservation).await?;
                    return Err(error);
                }
            },
        };
        if known.as_deref() != Some(webhook.id.as_str()) || self.link.given_secret.is_none() {
            ledger.keep_secret(&self.api.signing_secret(&webhook.id).await?).await?;
            ledger.made(&reservation, &webhook.id).await?;
        }
        Ok(webhook)
    }

    /// The one with this id, or else the one that sends to exactly this link's address.
    async fn there(&self, id: Option<&str>) -> Result<Option<Webhook>> {
        if let Some(id) = id
            && let Some(webhook) = self.api.webhook(id).await?
        {
            return Ok(Some(webhook));
        }
        ours(&self.api, self.link).await
    }

    /// By subscription, or where the account refuses that, to be called by a trigger. One can't become the other.
    async fn create(&self) -> Result<Webhook> {
        let conditional = [CONDITIONAL.to_owned()];
        for subscriptions in [&self.subscriptions[..], &conditional] {
            let webhook = NewWebhook {
                name: NAME,
                description: DESCRIPTION,
                endpoint: self.link.hook_url.as_str(),
                http_method: "POST",
                request_format: "json",
                status: "active",
                subscriptions,
            };
            if let Some(made) = self.api.create_webhook(&webhook).await? {
                // The answer that makes one need not repeat what was asked for.
                return Ok(Webhook { subscriptions: subscriptions.to_vec(), ..made });
            }
        }
        Err(Error::new(
            ErrorKind::Refused,
            format!(
                "{} lets no webhook of ours hear of tickets. Its plan may not have webhooks.",
                host_name(&self.place)
            ),
        ))
    }

    /// Switches it on, and to what the settings say now.
    async fn put_right(&self, webhook: Webhook) -> Result<Webhook> {
        let same = |list: &[String]| {
            list.len() == self.subscriptions.len() && self.subscriptions.iter().all(|one| list.contains(one))
        };
        let hears = webhook.is_conditional() || same(&webhook.subscriptions);
        let endpoint = self.link.hook_url.as_str();
        if !hears || !webhook.is_active() || webhook.endpoint != endpoint {
            let subscriptions = (!webhook.is_conditional()).then_some(&self.subscriptions[..]);
            self.api.change_webhook(&webhook.id, &WebhookChange { endpoint, status: "active", subscriptions }).await?;
        }
        Ok(webhook)
    }

    /// The trigger that calls the webhook at every update of a ticket. What it was, we ask.
    async fn trigger(&self, ledger: &dyn Ledger, webhook: &str) -> Result<()> {
        let earlier = self.row(ledger, TRIGGER).await?;
        let (reservation, there) = match earlier {
            Some(row) => {
                let known = match &row.id {
                    Some(id) => self.api.trigger(id).await?,
                    None => None,
                };
                let there = match known {
                    Some(trigger) => Some(trigger),
                    None => calling(&self.api, webhook).await?,
                };
                (row.reservation, there)
            }
            None => (ledger.reserve(TRIGGER, &self.place).await?, None),
        };
        let body = trigger_body(webhook);
        let trigger = match there {
            Some(trigger) => {
                if !trigger.active || !trigger.calls(webhook) {
                    self.api.update_trigger(&trigger.id.to_string(), &body).await?;
                }
                trigger
            }
            None => match self.api.create_trigger(&body).await {
                Ok(made) => made,
                Err(error) if error.kind() == ErrorKind::UnknownOutcome => {
                    calling(&self.api, webhook).await?.ok_or(error)?
                }
                Err(error) => {
                    ledger.gone(&reservation).await?;
                    return Err(error);
                }
            },
        };
        ledger.made(&reservation, &trigger.id.to_string()).await
    }
}

/// New tickets, and every update of one: of two opposites one always holds.
fn trigger_body(webhook: &str) -> Value {
    json!({
        "title": TRIGGER_TITLE,
        "description": DESCRIPTION,
        "active": true,
        "conditions": { "all": [], "any": [
            { "field": "update_type", "operator": "is", "value": "Create" },
            { "field": "status", "operator": "changed", "value": null },
            { "field": "status", "operator": "not_changed", "value": null },
        ] },
        "actions": [{ "field": "notification_webhook", "value": [webhook, body::UPDATE] }],
    })
}

/// The webhook that sends to exactly this link's address.
async fn ours(api: &Api<'_>, link: &IntegrationLink) -> Result<Option<Webhook>> {
    let webhooks = api.webhooks().await?;
    Ok(webhooks.into_iter().find(|webhook| webhook.endpoint == link.hook_url.as_str()))
}

/// The trigger that calls this webhook.
async fn calling(api: &Api<'_>, webhook: &str) -> Result<Option<Trigger>> {
    Ok(api.triggers().await?.into_iter().find(|trigger| trigger.calls(webhook)))
}

/// Looks whether what was made for the link is still there, and switched on.
pub(crate) async fn inspect(
    config: &Config,
    cx: &Account,
    link: &IntegrationLink,
    ours: &[Remote],
) -> Result<Vec<Happening>> {
    let settings = Settings::of(cx, link)?;
    let api = Api::new(&cx.http, config.account(Some(&settings.subdomain))?);
    let host = host_name(&settings.subdomain);
    let mut looked = false;
    for row in ours.iter().filter(|row| row.place == settings.subdomain) {
        // What was never made does not work; why it was not stands on the link already.
        let Some(id) = row.id.as_deref() else { return Ok(Vec::new()) };
        let active = match row.kind.as_str() {
            WEBHOOK => api.webhook(id).await.map(|found| found.map(|webhook| webhook.is_active())),
            TRIGGER => api.trigger(id).await.map(|found| found.map(|trigger| trigger.active)),
            _ => continue,
        };
        let kind = &row.kind;
        let reason = match active {
            Ok(Some(true)) => {
                looked = true;
                continue;
            }
            Ok(Some(false)) => {
                format!("The {kind} was switched off at {host}, so nothing arrives. Try again to switch it on.")
            }
            Ok(None) => format!("The {kind} was deleted at {host}, so nothing arrives. Try again to make it anew."),
            Err(error) if error.kind() == ErrorKind::Forbidden => format!(
                "{} may no longer manage webhooks at {host}. Give that account the admin role again, or connect another.",
                name_of(cx)
            ),
            Err(error) => return Err(error),
        };
        return Ok(vec![Happening::TargetGone { reason }]);
    }
    Ok(if looked { vec![Happening::HookWorks] } else { Vec::new() })
}

/// Removes exactly `ours`: triggers first, as a webhook that a trigger uses may not go.
pub(crate) async fn remove(
    config: &Config,
    cx: &Account,
    link: &IntegrationLink,
    ours: &[Remote],
) -> Result<Vec<Undone>> {
    if ours.is_empty() {
        return Ok(Vec::new());
    }
    let settings = Settings::of(cx, link)?;
    let api = Api::new(&cx.http, config.account(Some(&settings.subdomain))?);
    let mut rows: Vec<_> = ours.iter().collect();
    rows.sort_by_key(|row| row.kind != TRIGGER);
    let mut receipt = Vec::with_capacity(rows.len());
    for row in rows {
        let what = format!("the {} at {}", row.kind, host_name(&row.place));
        let outcome = if row.place == settings.subdomain && [WEBHOOK, TRIGGER].contains(&row.kind.as_str()) {
            remove_one(&api, link, ours, row).await?
        } else {
            UndoneOutcome::LeftOver("This is nothing that this link makes at Zendesk.".to_owned())
        };
        receipt.push(Undone { what, outcome });
    }
    Ok(receipt)
}

async fn remove_one(api: &Api<'_>, link: &IntegrationLink, ours: &[Remote], row: &Remote) -> Result<UndoneOutcome> {
    let plain = |id: &String| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let removed = match (row.kind.as_str(), &row.id) {
        (_, Some(id)) if !plain(id) => Err(error::undocumented("delete what is ours")),
        (TRIGGER, Some(id)) => api.delete_trigger(id).await,
        (_, Some(id)) => api.delete_webhook(id).await,
        // It is not known whether it was made: only our own address tells.
        (kind, None) => remove_maybe(api, link, ours, kind).await,
    };
    let (kind, place) = (&row.kind, &row.place);
    match removed {
        Ok(true) => Ok(UndoneOutcome::Removed),
        Ok(false) => Ok(UndoneOutcome::AlreadyGone),
        Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::Refused) => {
            Ok(UndoneOutcome::LeftOver(format!(
                "{} An admin can delete the {kind} “{}” in the Admin Center of {}.",
                error.sentence(),
                if kind == TRIGGER { TRIGGER_TITLE } else { NAME },
                host_name(place)
            )))
        }
        Err(error) => Err(error),
    }
}

async fn remove_maybe(api: &Api<'_>, link: &IntegrationLink, rows: &[Remote], kind: &str) -> Result<bool> {
    let known = rows.iter().find(|row| row.kind == WEBHOOK).and_then(|row| row.id.clone());
    let webhook = match known {
        Some(id) => Some(id),
        None => ours(api, link).await?.map(|webhook| webhook.id),
    };
    let Some(webhook) = webhook else { return Ok(false) };
    if kind == WEBHOOK {
        return api.delete_webhook(&webhook).await;
    }
    match calling(api, &webhook).await? {
        Some(trigger) => api.delete_trigger(&trigger.id.to_string()).await,
        None => Ok(false),
    }
}
