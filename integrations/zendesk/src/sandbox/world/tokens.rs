//! Codes, access tokens and refresh tokens of an account.
//! <https://developer.zendesk.com/api-reference/ticketing/oauth/grant_type_tokens/>

use std::collections::BTreeMap;

use integration_sandboxkit::random;
use jiff::Timestamp;

use super::account::Account;
use super::seconds_from_now;

const CODE_SECONDS: i64 = 120;

#[derive(Clone)]
pub(in super::super) struct Token {
    pub id: u64,
    pub value: String,
    pub client: u64,
    pub user: u64,
    pub scopes: Vec<String>,
    pub created: Timestamp,
    pub expires: Option<Timestamp>,
    pub refresh: Option<Refresh>,
}

#[derive(Clone)]
pub(in super::super) struct Refresh {
    pub value: String,
    pub expires: Timestamp,
}

/// Between "Allow" and the app's call for its tokens.
#[derive(Clone)]
pub(in super::super) struct Code {
    pub client: u64,
    pub user: u64,
    pub scopes: Vec<String>,
    pub redirect_uri: String,
    pub challenge: Option<(String, Method)>,
    expires: Timestamp,
}

/// PKCE: how the verifier was changed into the challenge.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Method {
    Plain,
    S256,
}

/// How long new tokens live; none: for ever, and then there is nothing to refresh.
#[derive(Clone, Copy)]
pub(in super::super) struct Lifetime {
    pub access: i64,
    pub refresh: i64,
}

#[derive(Default)]
pub(in super::super) struct Tokens {
    pub list: Vec<Token>,
    codes: BTreeMap<String, Code>,
}

impl Code {
    pub fn new(
        client: u64,
        user: u64,
        scopes: Vec<String>,
        redirect_uri: String,
        challenge: Option<(String, Method)>,
    ) -> Self {
        Self { client, user, scopes, redirect_uri, challenge, expires: seconds_from_now(CODE_SECONDS) }
    }
}

impl Token {
    pub fn is_over(&self) -> bool {
        self.expires.is_some_and(|at| at <= Timestamp::now())
    }
}

impl Tokens {
    pub fn hand_out_code(&mut self, code: Code) -> String {
        let name = random::hex(64);
        self.codes.insert(name.clone(), code);
        name
    }

    /// Takes the code: whatever follows, it can't be used again.
    pub fn take_code(&mut self, name: &str) -> Option<Code> {
        self.codes.remove(name).filter(|code| code.expires > Timestamp::now())
    }

    /// Ends the two minutes of all codes.
    pub fn expire_codes(&mut self) {
        self.codes.clear();
    }

    pub fn get(&self, value: &str) -> Option<&Token> {
        self.list.iter().find(|token| token.value == value)
    }

    /// Takes the pair that a refresh token belongs to: both of it are over.
    pub fn take_refresh(&mut self, client: u64, value: &str) -> Option<Token> {
        let fits = |token: &Token| {
            let fresh = token.refresh.as_ref().is_some_and(|it| it.value == value && it.expires > Timestamp::now());
            token.client == client && fresh
        };
        let position = self.list.iter().position(fits)?;
        Some(self.list.remove(position))
    }
}

impl Account {
    pub fn issue_token(&mut self, client: u64, user: u64, scopes: Vec<String>, life: Option<Lifetime>) -> Token {
        let token = Token {
            id: self.new_id(),
            value: random::hex(64),
            client,
            user,
            scopes,
            created: Timestamp::now(),
            expires: life.map(|life| seconds_from_now(life.access)),
            refresh: life.map(|life| Refresh { value: random::hex(64), expires: seconds_from_now(life.refresh) }),
        };
        self.tokens.list.push(token.clone());
        token
    }
}
