//! OAuth clients. The product's is a global one: the same in every account.

use jiff::Timestamp;

use super::super::refusal::{Problems, Refusal};
use super::account::Account;

/// The product's client. Zendesk puts `zdg-` before the names of global clients.
pub(in super::super) const CLIENT_ID: &str = "zdg-patchbay";
/// Its secret.
pub(in super::super) const CLIENT_SECRET: &str = "0f5c1d6be0a94c2f8d77a1c3e5b2946807d1f3a2c4e6b8d0f1a3c5e7d9b1f3a5";

#[derive(Clone)]
pub(in super::super) struct Client {
    pub id: u64,
    pub name: String,
    /// The `client_id` of OAuth: Zendesk's "unique identifier".
    pub identifier: String,
    pub secret: String,
    pub redirect_uris: Vec<String>,
    /// Without a secret; PKCE is a must.
    pub public: bool,
    pub global: bool,
    /// Made since tokens must end: they do, unless asked otherwise after half an hour.
    pub expiring: bool,
    pub created: Timestamp,
}

impl Client {
    pub fn of_the_product(id: u64, callback: &str) -> Self {
        Self {
            id,
            name: "Patchbay".to_owned(),
            identifier: CLIENT_ID.to_owned(),
            secret: CLIENT_SECRET.to_owned(),
            redirect_uris: vec![callback.to_owned()],
            public: false,
            global: true,
            expiring: true,
            created: Timestamp::now(),
        }
    }
}

impl Account {
    pub fn client(&self, identifier: &str) -> Option<&Client> {
        self.clients.iter().find(|client| client.identifier == identifier)
    }

    pub fn client_by_id(&self, id: u64) -> Result<&Client, Refusal> {
        self.clients.iter().find(|client| client.id == id).ok_or_else(Refusal::not_found)
    }

    pub fn add_client(&mut self, client: Client) -> Result<u64, Refusal> {
        let mut problems = Problems::default();
        if client.name.trim().is_empty() {
            problems.add("name", "Name: cannot be blank");
        }
        if client.identifier.trim().is_empty() {
            problems.add("identifier", "Unique identifier: cannot be blank");
        }
        if self.client(&client.identifier).is_some() {
            problems.add("identifier", "Unique identifier: has already been taken");
        }
        if !client.redirect_uris.iter().all(|uri| is_redirect(uri)) {
            problems.add("redirect_uri", "Redirect uri: must be an absolute https address");
        }
        problems.finish()?;
        let id = client.id;
        self.clients.push(client);
        Ok(id)
    }
}

/// Absolute and https; http only on the loopback.
pub(in super::super) fn is_redirect(uri: &str) -> bool {
    let Ok(url) = url::Url::parse(uri) else { return false };
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1"));
    url.scheme() == "https" || (url.scheme() == "http" && local)
}
