//! The fake partner's accounts, where its card says that it has some. Nobody is asked: whoever comes back with a code is
//! who the code says.

use integration_contract::{
    AuthorizeAsk, Capability, Connect, Connected, Credentials, Error, ErrorKind, ExposeSecret, Grant, Identity, Result,
    Undone, UndoneOutcome,
};
use url::Url;

use super::FakePartner;

impl FakePartner {
    /// The tokens that were given back to it, where its card says that there are accounts and that they can be.
    pub fn revoked(&self) -> Vec<String> {
        self.outside().revoked.clone()
    }

    pub(super) fn take_back(&self, credentials: &Credentials) -> Result<Undone> {
        if !self.can(Capability::Revoke) || matches!(self.card.connect, Connect::Nothing) {
            return Err(Error::unsupported("revoking credentials"));
        }
        self.outside().revoked.push(credentials.access_token.expose_secret().to_owned());
        Ok(Undone { what: "the token".to_owned(), outcome: UndoneOutcome::Removed })
    }

    pub(super) fn consent_page(&self, ask: &AuthorizeAsk) -> Result<Url> {
        let Connect::OAuth { scopes, .. } = &self.card.connect else {
            return Err(Error::unsupported("connecting an account"));
        };
        let scopes: Vec<_> = scopes.iter().map(|scope| scope.name).collect();
        let scopes = scopes.join(" ");
        let mut query =
            vec![("state", ask.state.expose_secret()), ("redirect_uri", ask.redirect_uri.as_str()), ("scope", &scopes)];
        query.extend(ask.site.as_deref().map(|site| ("district", site)));
        Url::parse_with_params("https://fake.example/authorize", query).map_err(|error| {
            Error::new(ErrorKind::NotConfigured, "The fake partner's address is not a URL.").caused_by(error)
        })
    }

    pub(super) fn connected(&self, grant: &Grant) -> Result<Connected> {
        let Connect::OAuth { scopes, .. } = &self.card.connect else {
            return Err(Error::unsupported("connecting an account"));
        };
        let Some((id, name)) = grant.code.expose_secret().split_once(':') else {
            return Err(Error::new(ErrorKind::Refused, "The fake partner does not know this code."));
        };
        let credentials = Credentials {
            access_token: format!("fake-token-{id}").into(),
            refresh_token: None,
            expires_at: None,
            scopes: scopes.iter().map(|scope| scope.name.to_owned()).collect(),
            site: grant.site.clone(),
        };
        let url = Some(format!("https://fake.example/people/{id}"));
        let identity = Identity { id: id.to_owned(), name: name.to_owned(), url };
        Ok(Connected { credentials, identity, installation: None })
    }
}
