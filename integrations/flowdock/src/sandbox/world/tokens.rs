//! OAuth codes and tokens, and people's own API tokens.

use std::collections::BTreeMap;

use integration_sandboxkit::random;
use jiff::{SignedDuration, Timestamp};

use super::{AppId, UserId, World};

const CODE_SECONDS: i64 = 600;

/// An access token of an application.
#[derive(Clone)]
pub(in super::super) struct Token {
    pub value: String,
    pub user: UserId,
    pub app: AppId,
    pub scopes: Vec<String>,
    pub expires: Timestamp,
    /// Only with `offline_access`.
    pub refresh: Option<String>,
}

/// Between "Authorize" and the application's call for its token.
pub(in super::super) struct Code {
    pub user: UserId,
    pub app: AppId,
    pub scopes: Vec<String>,
    /// Where the code was sent to; the exchange must name it again.
    pub redirect_uri: String,
    pub expires: Timestamp,
}

#[derive(Default)]
pub(in super::super) struct Tokens {
    pub access: Vec<Token>,
    pub codes: BTreeMap<String, Code>,
    /// Each person's own, for Basic authentication.
    pub personal: BTreeMap<UserId, String>,
}

impl World {
    pub fn hand_out_code(&mut self, user: UserId, app: AppId, scopes: Vec<String>, redirect_uri: String) -> String {
        let now = self.now();
        self.tokens.codes.retain(|_, code| code.expires > now);
        let code = random::hex(64);
        let expires = now.saturating_add(SignedDuration::from_secs(CODE_SECONDS)).unwrap_or(Timestamp::MAX);
        self.tokens.codes.insert(code.clone(), Code { user, app, scopes, redirect_uri, expires });
        code
    }

    /// Takes the code: whatever follows, it can't be used again.
    pub fn take_code(&mut self, code: &str) -> Option<Code> {
        let now = self.now();
        self.tokens.codes.remove(code).filter(|code| code.expires > now)
    }

    pub fn issue_token(&mut self, user: UserId, app: AppId, scopes: Vec<String>) -> Token {
        let life = SignedDuration::from_secs(self.control.strictness.expires_in);
        let expires = self.now().saturating_add(life).unwrap_or(Timestamp::MAX);
        let refresh = scopes.iter().any(|scope| scope == "offline_access").then(|| random::hex(64));
        let token = Token { value: random::hex(64), user, app, scopes, expires, refresh };
        self.tokens.access.push(token.clone());
        token
    }

    /// A new pair for an old refresh token, which is dead from now on, as is its access token.
    pub fn refresh_token(&mut self, app: AppId, refresh: &str) -> Option<Token> {
        let fits = |it: &Token| it.app == app && it.refresh.as_deref() == Some(refresh);
        let position = self.tokens.access.iter().position(fits)?;
        let old = self.tokens.access.remove(position);
        Some(self.issue_token(old.user, old.app, old.scopes))
    }

    /// An access token, as long as it lives.
    pub fn live_token(&self, value: &str) -> Option<&Token> {
        self.tokens.access.iter().find(|token| token.value == value && token.expires > self.now())
    }

    pub fn user_of_personal_token(&self, value: &str) -> Option<UserId> {
        self.tokens.personal.iter().find(|(_, token)| *token == value).map(|(user, _)| *user)
    }

    /// The user's yes is taken back: all tokens and open codes of that application are dead.
    pub fn revoke_app(&mut self, user: UserId, app: AppId) {
        self.tokens.access.retain(|token| !(token.user == user && token.app == app));
        self.tokens.codes.retain(|_, code| !(code.user == user && code.app == app));
    }
}
