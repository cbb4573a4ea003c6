//! What every partner must pass, chosen by what its card declares. A partner's `tests/contract.rs` hands over a
//! [`Subject`] and calls [`suite`]:
//!
//! ```ignore
//! integration_testkit::contract::suite(&subject()).await;
//! ```

mod ability;
mod card;
mod connect;
mod deliver;
mod example;
mod hook;
mod link;
mod picture;
mod told_item;

use std::{path::PathBuf, sync::Arc};

use integration_contract::{
    Account, Connect, ExposeSecret, FormInput, Http, Identity, Integration, IntegrationLink, LinkSettings,
    PartnerSettings, SecretString, Setting,
};
use url::Url;

use crate::{Answers, Sent};

/// A partner, and what the suite must know to try it out.
pub struct Subject {
    /// Configured, as an operator would.
    pub partner: Arc<dyn Integration>,
    /// With no settings at all.
    pub unconfigured: Option<Arc<dyn Integration>>,
    /// What the configured one was made from. Values of settings named `…SECRET` must show up nowhere.
    pub settings: PartnerSettings,
    /// A folder of recorded hooks; the suite's link is the one they were sent for.
    pub fixtures: PathBuf,
    /// The settings of that link.
    pub link: LinkSettings,
    /// A form that becomes a link.
    pub form: FormInput,
    /// The partner's outside, fresh.
    pub outside: fn() -> Answers,
    /// Whether a call changes something at the partner; for most partners [`Sent::writes`].
    pub writes: fn(&Sent) -> bool,
}

/// Runs all that applies.
///
/// # Panics
/// With everything that is wrong, a line each.
pub async fn suite(subject: &Subject) {
    let wrong = findings(subject).await;
    assert!(wrong.is_empty(), "{} breaks the contract:\n- {}", subject.partner.card().id, wrong.join("\n- "));
}

/// What is wrong, a sentence each: for tests of the suite itself.
pub async fn findings(subject: &Subject) -> Vec<String> {
    let mut found = Findings::default();
    card::check(subject, &mut found);
    connect::check(subject, &mut found).await;
    ability::check(subject, &mut found).await;
    link::check(subject, &mut found).await;
    hook::check(subject, &mut found).await;
    example::check(subject, &mut found).await;
    deliver::check(subject, &mut found).await;
    told_item::check(subject, &mut found).await;
    picture::check(subject, &mut found).await;
    found.0
}

/// What was found so far.
#[derive(Default)]
struct Findings(Vec<String>);

impl Findings {
    fn unless(&mut self, good: bool, sentence: impl Into<String>) {
        if !good {
            self.0.push(sentence.into());
        }
    }
}

const HOOK_SECRET: &str = "suite-hook-secret-3fb1c2";
const GIVEN_SECRET: &str = "suite-given-secret-84d0e7";
const KEY: &str = "suite-key-9a7d";

impl Subject {
    fn link(&self, settings: LinkSettings) -> IntegrationLink {
        let id = self.partner.card().id;
        let hook_url = format!("https://patchbay.example/integrations/{id}/hook?key={KEY}");
        IntegrationLink {
            id: "suite-link".to_owned(),
            settings,
            hook_url: Url::parse(&hook_url).expect("a URL"),
            hook_secret: HOOK_SECRET.into(),
            given_secret: Some(GIVEN_SECRET.into()),
        }
    }

    fn account(&self, http: Http) -> Account {
        let (identity, site, scopes) = match &self.partner.card().connect {
            Connect::Nothing => (None, None, Vec::new()),
            Connect::OAuth { scopes, site, .. } => {
                let identity = Identity { id: "1".to_owned(), name: "suite".to_owned(), url: None };
                let site = site.as_ref().map(|_| connect::SITE.to_owned());
                (Some(identity), site, scopes.iter().map(|scope| scope.name.to_owned()).collect())
            }
        };
        Account { http, identity, site, scopes }
    }

    /// Values that no page, URL or entry may show.
    fn secrets(&self) -> Vec<&str> {
        let settings = self.partner.card().settings.iter().filter(|setting| setting.name.ends_with("SECRET"));
        let values = settings.filter_map(|setting| self.settings.get(setting.name)).map(SecretString::expose_secret);
        values.chain([HOOK_SECRET, GIVEN_SECRET]).collect()
    }

    /// Calls to elsewhere than the addresses on the card: the host would not let them out.
    fn calls_elsewhere(&self, sent: &[Sent]) -> Vec<String> {
        let address = |setting: &Setting| {
            let set = self.settings.get(setting.name).map(ExposeSecret::expose_secret);
            let mut address = set.or(setting.default)?.to_owned();
            if let Connect::OAuth { site: Some(site), .. } = &self.partner.card().connect {
                address = address.replace(&format!("{{{}}}", site.name), connect::SITE);
            }
            Url::parse(&address).ok().map(|url| url.origin())
        };
        let settings = self
            .partner
            .card()
            .settings
            .iter()
            .filter(|setting| setting.name.ends_with("_URL") || setting.name == "URL");
        let allowed: Vec<_> = settings.filter_map(address).collect();
        sent.iter().filter(|sent| !allowed.contains(&sent.url.origin())).map(|sent| sent.url.to_string()).collect()
    }

    fn shows_a_secret(&self, text: &str) -> bool {
        self.secrets().iter().any(|secret| text.contains(secret))
    }

    /// Whether a call takes a secret along that is not the partner's to see. What the partner gave for the link is what some
    /// of its calls are authorised with.
    fn takes_a_secret_out(&self, text: &str) -> bool {
        self.secrets().iter().any(|secret| *secret != GIVEN_SECRET && text.contains(secret))
    }
}
