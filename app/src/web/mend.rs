//! The one thing to do about an account, a link or a mirror, as pages offer it: a button, a way, or whom to ask. What it is,
//! and who may do it, [`crate::core::health`] decides; drawn by `ui::mend` of `templates/components.html`.

use crate::{
    core::{
        Core,
        health::{By, Deed, NextStep},
    },
    db::entity::{integration_link, integration_user, mirror},
};

/// What a page offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mend {
    /// A button.
    Button {
        /// Where its form posts to.
        action: String,
        /// What the form says.
        fields: Vec<(&'static str, String)>,
        /// What the button itself says, as `action`.
        deed: Option<&'static str>,
        /// What stands on it.
        label: String,
        /// What it is about, for who hears the label alone.
        about: String,
    },
    /// A way to a page.
    Way {
        /// Where.
        href: String,
        /// What stands on it.
        label: String,
        /// What it is about.
        about: String,
    },
    /// Somebody else has to.
    Ask(String),
}

/// Whom a step may name, and the page to come back to.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// Who may do it, where that is not who looks.
    pub names: &'a [String],
    /// The path of the page it stands on.
    pub next: &'a str,
}

impl Mend {
    /// Where its form posts to, if it is a button.
    pub fn action(&self) -> Option<&str> {
        match self {
            Self::Button { action, .. } => Some(action),
            Self::Way { .. } | Self::Ask(_) => None,
        }
    }

    /// What mends a link.
    pub fn of_link(
        core: &Core,
        step: NextStep,
        link: &integration_link::Model,
        account: Option<&integration_user::Model>,
        around: Around<'_>,
    ) -> Self {
        let partner = core.partners.name_of(&link.partner);
        if let Some(ask) = ask(core, step, partner, around.names) {
            return ask;
        }
        let about = format!(" for the link to {}", link.name);
        match step.deed {
            Deed::Reconnect | Deed::Grant => {
                connect(core, step.deed, &link.partner, link.organization_id, account, about, around)
            }
            Deed::TakeOver => Self::Button {
                action: format!("/integrations/{}/link/{}", link.partner, link.id),
                fields: vec![("next", around.next.to_owned())],
                deed: Some("take_over"),
                label: format!("Use your {partner} account"),
                about,
            },
            deed => {
                let action = format!("/integrations/{}/link/{}", link.partner, link.id);
                again(action, deed, "Try again", about, around)
            }
        }
    }

    /// What mends an account, or an installation.
    pub fn of_account(core: &Core, step: NextStep, account: &integration_user::Model, around: Around<'_>) -> Self {
        let partner = core.partners.name_of(&account.partner);
        if let Some(ask) = ask(core, step, partner, around.names) {
            return ask;
        }
        let about = format!(" for {}", account.account_name);
        match step.deed {
            Deed::FinishSetUp => Self::Way {
                href: format!("/integrations/{}/link", account.partner),
                label: "Choose what to link".to_owned(),
                about,
            },
            deed => connect(core, deed, &account.partner, account.organization_id, Some(account), about, around),
        }
    }

    /// What mends a mirror.
    pub fn of_mirror(core: &Core, step: NextStep, mirror: &mirror::Model, around: Around<'_>) -> Self {
        ask(core, step, "it", around.names).unwrap_or_else(|| {
            let about = format!(" the mirror {}", mirror.name);
            again(format!("/mirrors/{}", mirror.id), step.deed, "Start again", about, around)
        })
    }
}

fn connect(
    core: &Core,
    deed: Deed,
    partner: &str,
    organization: crate::db::OrganizationId,
    account: Option<&integration_user::Model>,
    about: String,
    around: Around<'_>,
) -> Mend {
    let name = core.partners.name_of(partner);
    let mut fields = vec![("organization", organization.to_string()), ("next", around.next.to_owned())];
    let field = core.partners.get(partner).ok().and_then(|partner| partner.site());
    if let Some(account) = account {
        fields.push(("account", account.id.to_string()));
        if let (Some(field), Some(site)) = (field, &account.site) {
            fields.push((field.name, site.clone()));
        }
    }
    let label =
        if deed == Deed::Grant { format!("Give {name} the permission") } else { format!("Connect {name} again") };
    Mend::Button { action: format!("/auth/{partner}"), fields, deed: None, label, about }
}

fn again(action: String, deed: Deed, label: &str, about: String, around: Around<'_>) -> Mend {
    let label = if deed == Deed::Resume { "Resume" } else { label };
    let fields = vec![("next", around.next.to_owned())];
    Mend::Button { action, fields, deed: Some("resume"), label: label.to_owned(), about }
}

/// Whom to ask, where who looks may not do it.
fn ask(core: &Core, step: NextStep, partner: &str, names: &[String]) -> Option<Mend> {
    let doing = match step.deed {
        Deed::Reconnect => format!("connect {partner} again"),
        Deed::Grant => format!("give {partner} the permission"),
        Deed::TakeOver => "take it over".to_owned(),
        Deed::Join => "do that, and to try again".to_owned(),
        Deed::Resume => "resume it".to_owned(),
        Deed::TryAgain => "try again".to_owned(),
        Deed::FinishSetUp => "finish it".to_owned(),
    };
    let sentence = match (step.by, names) {
        (By::You, _) => return None,
        (By::Operator, _) => format!("Whoever operates {} has to mend this.", core.site.name),
        (By::User(_), [name, ..]) => format!("Ask {name} to {doing}."),
        (By::User(_), []) => format!("Ask whose it is to {doing}."),
        (By::Admins, []) => format!("Ask an admin to {doing}."),
        (By::Admins, names) => format!("Ask an admin ({}) to {doing}.", names.join(", ")),
    };
    Some(Mend::Ask(sentence))
}
