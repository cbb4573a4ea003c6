//! What the partners need, each under `PATCHBAY_{PARTNER}_{NAME}`. Which there are stands on the partners' cards, so
//! that no partner is named here.

use std::collections::BTreeMap;

use integration_contract::{Card, PartnerSettings, Setting};

use super::{Result, Variables, variables::PREFIX};

/// The partners' settings, by the partner's id.
#[derive(Clone, Default)]
pub struct PartnersSettings(BTreeMap<String, PartnerSettings>);

impl PartnersSettings {
    pub(super) fn read<'c>(variables: &mut Variables, cards: impl IntoIterator<Item = &'c Card>) -> Result<Self> {
        let mut all = BTreeMap::new();
        for card in cards {
            let given = card
                .settings
                .iter()
                .filter_map(|setting| Some((setting.name, variables.take(&variable(card.id, setting))?)));
            all.insert(card.id.to_owned(), given.collect());
        }
        Ok(Self(all))
    }

    /// One partner's; empty when nothing was set.
    pub fn of(&self, partner: &str) -> PartnerSettings {
        self.0.get(partner).cloned().unwrap_or_default()
    }
}

/// For the demo, whose partners are sandboxes.
impl<N: Into<String>> FromIterator<(N, PartnerSettings)> for PartnersSettings {
    fn from_iter<T: IntoIterator<Item = (N, PartnerSettings)>>(pairs: T) -> Self {
        Self(pairs.into_iter().map(|(partner, settings)| (partner.into(), settings)).collect())
    }
}

/// The variable of a partner's setting.
pub fn variable(partner: &str, setting: &Setting) -> String {
    format!("{PREFIX}{}_{}", partner.to_ascii_uppercase(), setting.name)
}

#[cfg(test)]
mod tests {
    use integration_contract::{Connect, ExposeSecret};

    use super::*;
    use crate::config::Config;

    static ACME: Card = Card {
        id: "acme",
        name: "Acme",
        tagline: "",
        category: "",
        icon: "",
        readme: "",
        connect: Connect::Nothing,
        effects: &[],
        events: &[],
        levels: &[],
        hooks: None,
        pace: None,
        settings: &[Setting { name: "CLIENT_ID", default: None, help: "", required: true }],
        capabilities: &[],
    };

    #[test]
    fn a_partner_gets_what_its_card_names_and_nothing_else() {
        let variables = [("PATCHBAY_ACME_CLIENT_ID", "abc"), ("PATCHBAY_ACME_CLIENT_IDS", "abc")];
        let config = Config::read(variables.into_iter().collect(), [&ACME]).unwrap();

        assert_eq!(config.partners.of("acme").get("CLIENT_ID").unwrap().expose_secret(), "abc");
        assert!(config.partners.of("other").get("CLIENT_ID").is_none());
        assert_eq!(config.unknown, ["PATCHBAY_ACME_CLIENT_IDS"]);
    }
}
