//! Codes, access tokens and refresh tokens.

use std::collections::BTreeMap;

use integration_sandboxkit::random;
use jiff::{Span, Timestamp};

use super::{AppId, TeamId, UserId};

const CODE_MINUTES: i64 = 10;
/// With token rotation. <https://docs.slack.dev/authentication/using-token-rotation>
pub(in super::super) const TOKEN_SECONDS: i64 = 12 * 60 * 60;

/// Whose token it is.
#[derive(Clone, PartialEq, Eq)]
pub(in super::super) enum Holder {
    Bot(UserId),
    Person(UserId),
}

/// Why a token works no more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum End {
    Revoked,
    /// The app is gone from the workspace.
    Uninstalled,
    Expired,
}

#[derive(Clone)]
pub(in super::super) struct Token {
    pub value: String,
    pub app: AppId,
    pub teams: Vec<TeamId>,
    pub enterprise: bool,
    pub holder: Holder,
    pub scopes: Vec<String>,
    pub expires: Option<Timestamp>,
    /// With token rotation; used once.
    pub refresh: Option<String>,
    pub ended: Option<End>,
}

/// Between "Allow" and the app's call for its tokens.
#[derive(Clone)]
pub(in super::super) struct Code {
    pub app: AppId,
    pub team: TeamId,
    pub enterprise: bool,
    pub user: UserId,
    pub scopes: Vec<String>,
    pub user_scopes: Vec<String>,
    pub redirect_uri: Option<String>,
    pub challenge: Option<(String, Method)>,
    pub expires: Timestamp,
}

/// PKCE: how the verifier was changed into the challenge.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Method {
    Plain,
    S256,
}

#[derive(Default)]
pub(in super::super) struct Tokens {
    pub list: Vec<Token>,
    codes: BTreeMap<String, Code>,
}

impl Holder {
    pub fn user(&self) -> &UserId {
        match self {
            Holder::Bot(user) | Holder::Person(user) => user,
        }
    }
}

impl Token {
    /// Why it works no more, if so.
    pub fn end(&self) -> Option<End> {
        let expired = self.expires.is_some_and(|at| at <= Timestamp::now());
        self.ended.or(expired.then_some(End::Expired))
    }
}

impl Tokens {
    pub fn hand_out_code(&mut self, code: Code) -> String {
        self.codes.retain(|_, code| code.expires > Timestamp::now());
        let name = format!("{}.{}.{}", random::letters(12), random::letters(13), random::hex(64));
        self.codes.insert(name.clone(), code);
        name
    }

    /// Takes the code: whatever follows, it can't be used again.
    pub fn take_code(&mut self, name: &str) -> Option<Code> {
        self.codes.remove(name).filter(|code| code.expires > Timestamp::now())
    }

    /// Ends the ten minutes of all codes.
    pub fn expire_codes(&mut self) {
        self.codes.clear();
    }

    pub fn code_expiry() -> Timestamp {
        Timestamp::now().saturating_add(Span::new().minutes(CODE_MINUTES)).unwrap_or(Timestamp::MAX)
    }

    pub fn get(&self, value: &str) -> Option<&Token> {
        self.list.iter().find(|token| token.value == value)
    }

    /// A token for the holder. Without rotation the one it has is handed out again, with what was added to it.
    pub fn issue(
        &mut self,
        app: &str,
        teams: &[TeamId],
        enterprise: bool,
        holder: Holder,
        scopes: &[String],
        rotating: bool,
    ) -> Token {
        if !rotating {
            let mut same = self.list.iter_mut().filter(|token| token.end().is_none() && token.expires.is_none());
            let known = same.find(|it| it.app == app && it.teams == teams && it.holder == holder);
            if let Some(token) = known {
                let new = scopes.iter().filter(|scope| !token.scopes.contains(scope)).cloned().collect::<Vec<_>>();
                token.scopes.extend(new);
                return token.clone();
            }
        }
        let token = Token {
            value: new_value(&holder, rotating),
            app: app.to_owned(),
            teams: teams.to_vec(),
            enterprise,
            holder,
            scopes: scopes.to_vec(),
            expires: rotating.then(expiry),
            refresh: rotating.then(new_refresh),
            ended: None,
        };
        self.list.push(token.clone());
        token
    }

    /// A refresh token for new tokens. The refresh token is used up; the access token lives on until its time.
    pub fn refresh(&mut self, app: &str, refresh: &str) -> Option<Token> {
        let ended = |token: &Token| matches!(token.ended, Some(End::Revoked | End::Uninstalled));
        let old =
            self.list.iter_mut().find(|it| it.app == app && it.refresh.as_deref() == Some(refresh) && !ended(it))?;
        old.refresh = None;
        let fresh = Token {
            value: new_value(&old.holder, true),
            expires: Some(expiry()),
            refresh: Some(new_refresh()),
            ended: None,
            ..old.clone()
        };
        self.list.push(fresh.clone());
        Some(fresh)
    }

    /// A lasting token for one that rotates; the lasting one works no more.
    pub fn exchange(&mut self, value: &str) -> Option<Token> {
        let old = self.list.iter_mut().find(|it| it.value == value && it.expires.is_none() && it.end().is_none())?;
        old.ended = Some(End::Revoked);
        let fresh = Token {
            value: new_value(&old.holder, true),
            expires: Some(expiry()),
            refresh: Some(new_refresh()),
            ended: None,
            ..old.clone()
        };
        self.list.push(fresh.clone());
        Some(fresh)
    }

    /// Ends one token, and says whose it was.
    pub fn end_one(&mut self, value: &str) -> Option<Holder> {
        let token = self.list.iter_mut().find(|it| it.value == value && it.end().is_none())?;
        token.ended = Some(End::Revoked);
        token.refresh = None;
        Some(token.holder.clone())
    }

    /// Ends all tokens of an installation, and says whose they were.
    pub fn end(&mut self, app: &str, teams: &[TeamId], end: End) -> Vec<Holder> {
        let mut holders = Vec::new();
        for token in self.list.iter_mut().filter(|it| it.app == app && it.teams == teams) {
            if token.ended.is_none() && !holders.contains(&token.holder) {
                holders.push(token.holder.clone());
            }
            // An app that is gone says so whatever happened to its tokens before.
            if token.ended.is_none() || end == End::Uninstalled {
                token.ended = Some(end);
            }
            token.refresh = None;
        }
        holders
    }

    /// Whether the installation has a token that works, or could be made to work.
    pub fn has_any(&self, app: &str, teams: &[TeamId]) -> bool {
        self.list.iter().any(|it| {
            it.app == app && it.teams == teams && it.ended.is_none() && (it.end().is_none() || it.refresh.is_some())
        })
    }
}

fn new_value(holder: &Holder, rotating: bool) -> String {
    let kind = if matches!(holder, Holder::Bot(_)) { "xoxb" } else { "xoxp" };
    let rest = format!("{kind}-{}-{}", super::now(), random::letters(24));
    if rotating { format!("xoxe.{rest}") } else { rest }
}

fn new_refresh() -> String {
    format!("xoxe-1-{}", random::letters(48))
}

fn expiry() -> Timestamp {
    Timestamp::now().saturating_add(Span::new().seconds(TOKEN_SECONDS)).unwrap_or(Timestamp::MAX)
}
