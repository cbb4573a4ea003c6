//! Settings: one small struct per concern. Nothing outside this room reads the environment, and nothing has to be set.
//!
//! A blank value counts as none. What can't be used is refused with one sentence that names the variable; a variable of
//! ours that nobody knows is a warning, because it is a typing mistake as a rule.

mod database;
mod error;
mod keys;
mod listen;
mod logs;
mod mail;
mod metrics;
mod network;
mod partners;
mod proxies;
mod site;
mod variables;

use std::collections::BTreeSet;

use integration_contract::Card;

pub use database::DatabaseSettings;
pub use error::{Error, Result};
pub use keys::KeySettings;
pub use listen::{ListenSettings, handed_listener};
pub use logs::{LogFormat, LogSettings};
pub use mail::{MailSecurity, MailServer, MailSettings};
pub use metrics::MetricsSettings;
pub use network::{Network, NotANetwork};
pub use partners::{PartnersSettings, variable};
pub use proxies::ProxySettings;
pub use site::{SiteSettings, local_url};
pub use variables::Variables;

/// Every setting of an instance.
pub struct Config {
    /// Where rows are kept.
    pub database: DatabaseSettings,
    /// Where we listen.
    pub listen: ListenSettings,
    /// What we are called and where we are reached.
    pub site: SiteSettings,
    /// Where the sealing keys are.
    pub keys: KeySettings,
    /// What is logged, and how.
    pub logs: LogSettings,
    /// How mail leaves.
    pub mail: MailSettings,
    /// Which proxies are believed.
    pub proxies: ProxySettings,
    /// Who may read the metrics.
    pub metrics: MetricsSettings,
    /// What the partners need, by partner.
    pub partners: PartnersSettings,
    /// Variables that look like ours and are not: told in the log once it stands.
    pub unknown: Vec<String>,
}

impl Config {
    /// Reads the settings. The cards say which variables the partners have.
    ///
    /// # Errors
    /// One sentence that names the variable that can't be used.
    pub fn read<'c>(mut variables: Variables, cards: impl IntoIterator<Item = &'c Card>) -> Result<Self> {
        let config = Self::take(&mut variables, cards)?;
        Ok(Self { unknown: variables.left(), ..config })
    }

    /// The names of all variables that are read.
    ///
    /// # Errors
    /// Never: with nothing set there is nothing to refuse.
    pub fn names<'c>(cards: impl IntoIterator<Item = &'c Card>) -> Result<BTreeSet<String>> {
        let mut variables = Variables::default();
        Self::take(&mut variables, cards)?;
        Ok(variables.asked())
    }

    fn take<'c>(variables: &mut Variables, cards: impl IntoIterator<Item = &'c Card>) -> Result<Self> {
        let database = DatabaseSettings::read(variables)?;
        Ok(Self {
            listen: ListenSettings::read(variables)?,
            site: SiteSettings::read(variables)?,
            keys: KeySettings::read(variables, &database)?,
            logs: LogSettings::read(variables)?,
            mail: MailSettings::read(variables)?,
            proxies: ProxySettings::read(variables)?,
            metrics: MetricsSettings::read(variables)?,
            partners: PartnersSettings::read(variables, cards)?,
            unknown: Vec::new(),
            database,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config> {
        Config::read(pairs.iter().copied().collect(), [])
    }

    #[test]
    fn nothing_has_to_be_set() {
        let config = read(&[]).unwrap();

        assert_eq!(config.database.url.sqlite_path().unwrap().to_str(), Some("data/patchbay.db"));
        assert_eq!(config.listen.address.to_string(), "127.0.0.1:3000");
        assert_eq!(config.site.public_url(config.listen.address.port()).as_str(), "http://localhost:3000/");
        assert_eq!(config.site.name, "Patchbay");
        assert_eq!(config.keys.file.to_str(), Some("data/patchbay.key"));
        assert_eq!(config.logs.format, LogFormat::Text);
        assert!(config.proxies.trusted.is_empty());
        assert!(config.metrics.token.is_none());
        assert!(config.mail.server.is_none());
        assert!(config.unknown.is_empty());
    }

    #[test]
    fn the_default_address_follows_the_port_and_the_key_file_follows_the_data() {
        let config =
            read(&[("PATCHBAY_LISTEN", "0.0.0.0:8080"), ("DATABASE_URL", "sqlite:/var/lib/patchbay/p.db")]).unwrap();

        assert_eq!(config.site.public_url(config.listen.address.port()).as_str(), "http://localhost:8080/");
        assert_eq!(config.keys.file.to_str(), Some("/var/lib/patchbay/patchbay.key"));
    }

    #[test]
    fn a_blank_value_counts_as_none() {
        let config = read(&[("PATCHBAY_LISTEN", ""), ("DATABASE_URL", "  "), ("PATCHBAY_METRICS_TOKEN", " ")]).unwrap();

        assert_eq!(config.listen.address.port(), 3000);
        assert!(config.metrics.token.is_none());
    }

    #[test]
    fn what_cannot_be_used_is_refused_by_name_and_a_secret_is_not_repeated() {
        let cases = [
            ("DATABASE_URL", "mysql://root:hunter2@db/p"),
            ("DATABASE_URL", "sqlite:"),
            ("DATABASE_URL", "sqlite::memory:"),
            ("DATABASE_URL", "postgres://u:hunter2@h:notaport/d"),
            ("PATCHBAY_LISTEN", "3000"),
            ("PATCHBAY_LISTEN", "localhost:3000"),
            ("PATCHBAY_LISTEN", "127.0.0.1:70000"),
            ("PATCHBAY_PUBLIC_URL", "log.example.com"),
            ("PATCHBAY_PUBLIC_URL", "ftp://log.example.com"),
            ("PATCHBAY_PUBLIC_URL", "https://user:hunter2@log.example.com"),
            ("PATCHBAY_PUBLIC_URL", "https://log.example.com/below"),
            ("PATCHBAY_PUBLIC_URL", "https://log.example.com/?x=1"),
            ("PATCHBAY_SITE_NAME", "two\nlines"),
            ("PATCHBAY_LOG", "info,=what=ever="),
            ("PATCHBAY_LOG_FORMAT", "yaml"),
            ("PATCHBAY_TRUSTED_PROXIES", "10.0.0.1,proxy.internal"),
            ("PATCHBAY_TRUSTED_PROXIES", "10.0.0.0/33"),
            ("PATCHBAY_METRICS_TOKEN", "hunter2"),
            ("PATCHBAY_SMTP_URL", "smtp://u:hunter2@mail.example.com?tls=maybe"),
            ("PATCHBAY_MAIL_FROM", "nobody"),
        ];
        for (name, value) in cases {
            let Err(error) = read(&[(name, value)]) else { panic!("{name}={value} was taken") };
            let sentence = error.to_string();
            assert!(sentence.contains(name), "{sentence}");
            assert!(sentence.ends_with('.') && !sentence.contains('\n'), "{sentence}");
            assert!(!sentence.contains("hunter2"), "{sentence}");
        }
    }

    #[test]
    fn a_variable_nobody_knows_is_named_and_those_of_others_are_not() {
        let config = read(&[("PATCHBAY_LISTENS", "x"), ("PATCHBAY_ACME_CLIENT_ID", "x"), ("HOME", "/")]).unwrap();

        assert_eq!(config.unknown, ["PATCHBAY_ACME_CLIENT_ID", "PATCHBAY_LISTENS"]);
    }
}
