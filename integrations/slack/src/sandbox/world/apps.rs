//! Apps as their developers registered them, and where they are installed.

use integration_sandboxkit::random;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::people::{Bot, User};
use super::tokens::{End, Holder};
use super::{AppId, TeamId, UserId, World, new_id, now};
use crate::sandbox::hooks::event::{Audience, Event};
use crate::sandbox::refusal::Refusal;

/// The app the product is registered as. Fixed, so that settings can be copied; they open nothing but a sandbox.
pub(in super::super) const CLIENT_ID: &str = "3141592653.5897932384626";
pub(in super::super) const CLIENT_SECRET: &str = "5f2c1d7a9b3e4860a1c2d3e4f5061728";
pub(in super::super) const SIGNING_SECRET: &str = "8c1f0b7e6d5a49382716f5e4d3c2b1a0";
const APP_ID: &str = "A0PATCHBAY";
const APP_NAME: &str = "Patchbay";

/// What the product's app listens to; each needs its scope too.
const EVENTS: [&str; 22] = [
    "app_mention",
    "app_uninstalled",
    "channel_archive",
    "channel_deleted",
    "channel_left",
    "channel_rename",
    "channel_unarchive",
    "group_archive",
    "group_deleted",
    "group_left",
    "group_rename",
    "group_unarchive",
    "member_joined_channel",
    "member_left_channel",
    "message.channels",
    "message.groups",
    "message.im",
    "reaction_added",
    "reaction_removed",
    "tokens_revoked",
    "team_rename",
    "channel_created",
];

pub(in super::super) struct App {
    pub id: AppId,
    pub client_id: String,
    pub client_secret: String,
    pub signing_secret: String,
    /// In every delivery, for receivers older than signatures.
    pub verification_token: String,
    pub name: String,
    pub settings: AppSettings,
}

/// What a developer may change on the app's page.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct AppSettings {
    /// Where events and slash commands go; none: nowhere.
    pub request_url: Option<String>,
    pub redirect_urls: Vec<String>,
    /// With the slash.
    pub commands: Vec<String>,
    pub events: Vec<String>,
    /// Tokens live 12 hours. At Slack this can't be switched off again.
    pub token_rotation: bool,
    pub pkce: bool,
    /// Whether workspaces other than the one it was made in may install it.
    pub distributed: bool,
}

/// An app in a workspace, or in all workspaces of an enterprise.
#[derive(Clone)]
pub(in super::super) struct Installation {
    pub app: AppId,
    pub teams: Vec<TeamId>,
    /// Whether it is of the enterprise as a whole.
    pub enterprise: bool,
    pub bot: UserId,
    /// Of the bot. They only ever grow; what was agreed to once stays agreed to.
    pub scopes: Vec<String>,
    pub installed_by: UserId,
}

impl App {
    pub fn of_the_product(callback: String, request_url: Option<String>) -> Self {
        Self {
            id: APP_ID.to_owned(),
            client_id: CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
            signing_secret: SIGNING_SECRET.to_owned(),
            verification_token: random::letters(24),
            name: APP_NAME.to_owned(),
            settings: AppSettings {
                request_url,
                redirect_urls: vec![callback],
                commands: vec!["/done".to_owned()],
                events: EVENTS.iter().map(|&event| event.to_owned()).collect(),
                token_rotation: false,
                pkce: false,
                distributed: true,
            },
        }
    }

    /// A new one, of another developer.
    pub fn register(name: &str, settings: AppSettings) -> Self {
        Self {
            id: new_id("A"),
            client_id: format!("2718281828.{}", now()),
            client_secret: random::hex(32),
            signing_secret: random::hex(32),
            verification_token: random::letters(24),
            name: name.to_owned(),
            settings,
        }
    }
}

impl World {
    pub fn app(&self, id: &str) -> Result<&App, Refusal> {
        self.apps.iter().find(|app| app.id == id).ok_or_else(|| Refusal::new("app_not_found"))
    }

    pub fn app_of_client(&self, client_id: &str) -> Option<&App> {
        self.apps.iter().find(|app| app.client_id == client_id)
    }

    /// How that app is installed in a workspace.
    pub fn installation(&self, app: &str, team: &str) -> Option<&Installation> {
        self.installations.iter().find(|it| it.app == app && it.teams.iter().any(|place| place == team))
    }

    /// Installs an app, or adds scopes to what is installed already.
    pub fn install(&mut self, app: &str, team: &str, enterprise: bool, by: &str, scopes: &[String]) -> Installation {
        let teams = if enterprise { self.workspaces.keys().cloned().collect() } else { vec![team.to_owned()] };
        let known =
            self.installations.iter().position(|it| it.app == app && it.enterprise == enterprise && it.teams == teams);
        let position = known.unwrap_or_else(|| {
            let bot = self.make_bot(app, &teams);
            let installation = Installation {
                app: app.to_owned(),
                teams,
                enterprise,
                bot,
                scopes: Vec::new(),
                installed_by: by.to_owned(),
            };
            self.installations.push(installation);
            self.installations.len() - 1
        });
        let installation = &mut self.installations[position];
        for scope in scopes {
            if !installation.scopes.contains(scope) {
                installation.scopes.push(scope.clone());
            }
        }
        let installation = installation.clone();
        // A bot whose token was revoked comes back with its old name and none of its channels.
        if let Some(bot) = self.users.get_mut(&installation.bot) {
            bot.deleted = false;
        }
        installation
    }

    /// The app's bot user; the one of before, if it was here before.
    fn make_bot(&mut self, app: &str, teams: &[TeamId]) -> UserId {
        let known = self
            .users
            .values_mut()
            .find(|user| user.bot.as_ref().is_some_and(|bot| bot.app == app) && user.teams == teams);
        if let Some(bot) = known {
            return bot.id.clone();
        }
        let name = self.app(app).map_or_else(|_| "app".to_owned(), |app| app.name.clone());
        let id = new_id("U");
        let bot = User {
            id: id.clone(),
            teams: teams.to_vec(),
            name: name.to_lowercase().replace(' ', ""),
            real_name: name,
            admin: false,
            deleted: false,
            bot: Some(Bot { id: new_id("B"), app: app.to_owned() }),
            updated: now(),
        };
        self.users.insert(id.clone(), bot);
        id
    }

    /// Takes the app out of that workspace (or out of the enterprise it was installed for), with all its tokens.
    pub fn uninstall(&mut self, app: &str, team: &str) -> Result<(), Refusal> {
        let installation = self.installation(app, team).cloned().ok_or_else(|| Refusal::new("app_not_found"))?;
        let holders = self.tokens.end(app, &installation.teams, End::Uninstalled);
        self.close(&installation, &holders);
        Ok(())
    }

    /// Revokes every token of the app there, as an administrator can.
    pub fn revoke_tokens(&mut self, app: &str, team: &str) -> Result<(), Refusal> {
        let installation = self.installation(app, team).cloned().ok_or_else(|| Refusal::new("app_not_found"))?;
        let holders = self.tokens.end(app, &installation.teams, End::Revoked);
        self.close(&installation, &holders);
        Ok(())
    }

    /// After tokens ended: says so, and with the last token the app is gone.
    pub fn close(&mut self, installation: &Installation, holders: &[Holder]) {
        let team = installation.teams.first().cloned().unwrap_or_default();
        let listener = || Audience::App(installation.app.clone());
        let of =
            |wanted: fn(&Holder) -> Option<&UserId>| -> Vec<&UserId> { holders.iter().filter_map(wanted).collect() };
        let people = of(|holder| match holder {
            Holder::Person(user) => Some(user),
            Holder::Bot(_) => None,
        });
        let bots = of(|holder| match holder {
            Holder::Bot(user) => Some(user),
            Holder::Person(_) => None,
        });
        if holders.iter().any(|holder| matches!(holder, Holder::Bot(_))) {
            self.deactivate(&installation.bot);
        }
        // These are ids of users, not tokens.
        let tokens = json!({"oauth": people, "bot": bots});
        self.tell(&team, listener(), Event::new("tokens_revoked").with("tokens", tokens));
        if !self.tokens.has_any(&installation.app, &installation.teams) {
            self.deactivate(&installation.bot);
            self.tell(&team, listener(), Event::new("app_uninstalled"));
            self.installations.retain(|it| !(it.app == installation.app && it.teams == installation.teams));
        }
    }

    /// The same, without a word to the app.
    pub fn close_silently(&mut self, installation: &Installation, holder: &Holder) {
        if matches!(holder, Holder::Bot(_)) {
            self.deactivate(&installation.bot);
        }
        if !self.tokens.has_any(&installation.app, &installation.teams) {
            self.installations.retain(|it| !(it.app == installation.app && it.teams == installation.teams));
        }
    }

    fn deactivate(&mut self, bot: &str) {
        if let Some(user) = self.users.get_mut(bot) {
            user.deleted = true;
            user.updated = now();
        }
        for channel in self.channels.values_mut() {
            channel.members.remove(bot);
        }
    }
}
