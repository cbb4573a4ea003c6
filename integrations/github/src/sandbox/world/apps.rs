//! OAuth apps, what users allowed them, and tokens. The HTTP side is in `oauth`.

use std::collections::BTreeMap;

use integration_sandboxkit::random;
use jiff::{Span, Timestamp};

use super::AccountId;

/// The app the product is registered as.
pub(in super::super) const CLIENT_ID: &str = "Ov23liPatchbaySandbox";
/// Fixed, so that settings can be copied; it opens nothing but a sandbox.
pub(in super::super) const CLIENT_SECRET: &str = "sandbox-secret-5f2c1d7a9b3e4860a1c2d3e4f5061728";
/// The oldest beyond this is revoked without a word.
/// <https://docs.github.com/apps/oauth-apps/using-oauth-apps/token-expiration-and-revocation>
const TOKENS_PER_GRANT: usize = 10;
const CODE_MINUTES: i64 = 10;

pub(in super::super) struct App {
    pub client_id: String,
    pub client_secret: String,
    pub name: String,
    pub callback: String,
    pub owner: AccountId,
    pub suspended: bool,
}

#[derive(Clone)]
pub(in super::super) struct Token {
    pub id: u64,
    pub value: String,
    pub account: AccountId,
    /// `None`: a personal access token.
    pub client_id: Option<String>,
    pub note: Option<String>,
    pub scopes: Vec<String>,
    pub created: Timestamp,
}

/// What a user said yes to, kept until they or the app take it back.
pub(in super::super) struct Grant {
    pub account: AccountId,
    pub client_id: String,
    pub scopes: Vec<String>,
}

/// Between "Authorize" and the app's call for its token.
pub(in super::super) struct Code {
    pub account: AccountId,
    pub client_id: String,
    pub redirect_uri: Option<String>,
    pub scopes: Vec<String>,
    pub challenge: Option<String>,
    pub expires: Timestamp,
}

pub(in super::super) struct Registrations {
    pub apps: Vec<App>,
    pub grants: Vec<Grant>,
    pub tokens: Vec<Token>,
    pub codes: BTreeMap<String, Code>,
    last_token: u64,
}

impl Registrations {
    /// With the product's own app; its owner is the first account the seed makes.
    pub fn new(callback: String) -> Self {
        let patchbay = App {
            client_id: CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
            name: "Patchbay".to_owned(),
            callback,
            owner: super::seed::ADA,
            suspended: false,
        };
        Self { apps: vec![patchbay], grants: vec![], tokens: vec![], codes: BTreeMap::new(), last_token: 0 }
    }

    pub fn app(&self, client_id: &str) -> Option<&App> {
        self.apps.iter().find(|app| app.client_id == client_id)
    }

    pub fn register(&mut self, owner: AccountId, name: String, callback: String) -> &App {
        self.apps.push(App {
            client_id: format!("Ov23li{}", random::letters(14)),
            client_secret: random::hex(40),
            name,
            callback,
            owner,
            suspended: false,
        });
        &self.apps[self.apps.len() - 1]
    }

    pub fn grant(&self, account: AccountId, client_id: &str) -> Option<&Grant> {
        self.grants.iter().find(|grant| grant.account == account && grant.client_id == client_id)
    }

    /// Notes the yes and hands out the code. Scopes of an earlier yes stay allowed.
    pub fn allow(&mut self, code: Code) -> String {
        let earlier = self.grants.iter_mut().find(|it| it.account == code.account && it.client_id == code.client_id);
        match earlier {
            Some(grant) => grant.scopes = super::super::oauth::scopes::union(&grant.scopes, &code.scopes),
            None => self.grants.push(Grant {
                account: code.account,
                client_id: code.client_id.clone(),
                scopes: code.scopes.clone(),
            }),
        }
        self.codes.retain(|_, code| code.expires > Timestamp::now());
        let name = random::hex(20);
        self.codes.insert(name.clone(), code);
        name
    }

    /// Takes the code: whatever follows, it can't be used again.
    pub fn take_code(&mut self, name: &str) -> Option<Code> {
        self.codes.remove(name).filter(|code| code.expires > Timestamp::now())
    }

    pub fn code_expiry() -> Timestamp {
        Timestamp::now().saturating_add(Span::new().minutes(CODE_MINUTES)).unwrap_or(Timestamp::MAX)
    }

    pub fn issue_token(&mut self, account: AccountId, client_id: &str, scopes: Vec<String>) -> Token {
        let token = self.new_token(account, Some(client_id.to_owned()), None, scopes);
        let same = |it: &Token| it.account == account && it.client_id == token.client_id && it.scopes == token.scopes;
        let excess = self.tokens.iter().filter(|it| same(it)).count().saturating_sub(TOKENS_PER_GRANT);
        let oldest: Vec<u64> = self.tokens.iter().filter(|it| same(it)).take(excess).map(|it| it.id).collect();
        self.tokens.retain(|it| !oldest.contains(&it.id));
        token
    }

    pub fn issue_personal_token(&mut self, account: AccountId, note: String, scopes: Vec<String>) -> Token {
        self.new_token(account, None, Some(note), scopes)
    }

    fn new_token(
        &mut self,
        account: AccountId,
        client_id: Option<String>,
        note: Option<String>,
        scopes: Vec<String>,
    ) -> Token {
        self.last_token += 1;
        let prefix = if client_id.is_some() { "gho_" } else { "ghp_" };
        let value = format!("{prefix}{}", random::letters(36));
        let token = Token { id: self.last_token, value, account, client_id, note, scopes, created: Timestamp::now() };
        self.tokens.push(token.clone());
        token
    }

    pub fn token(&self, value: &str) -> Option<&Token> {
        self.tokens.iter().find(|token| token.value == value)
    }

    /// Takes the whole authorisation back, with all its tokens and unused codes.
    pub fn revoke_grant(&mut self, account: AccountId, client_id: &str) {
        self.grants.retain(|it| !(it.account == account && it.client_id == client_id));
        self.tokens.retain(|it| !(it.account == account && it.client_id.as_deref() == Some(client_id)));
        self.codes.retain(|_, it| !(it.account == account && it.client_id == client_id));
    }
}
