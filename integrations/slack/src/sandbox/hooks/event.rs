//! Events, in the envelope of the Events API: a letter for each app that listens, may, and is there.
//! <https://docs.slack.dev/apis/events-api>

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use integration_sandboxkit::random;
use serde_json::{Map, Value, json};

use super::super::refusal::Refusal;
use super::super::world::apps::{App, Installation};
use super::super::world::{AppId, ChannelId, TeamId, UserId, World, now};
use super::courier::{Letter, Purpose};

/// What happened.
pub(in super::super) struct Event {
    pub name: String,
    /// The name an app listens by, where that is another: `message.channels`.
    pub subscription: Option<String>,
    pub scope: Option<String>,
    pub body: Map<String, Value>,
    /// `event_ts`; none: now.
    pub ts: Option<String>,
}

/// Which of the installed apps may hear of it.
pub(in super::super) enum Audience {
    Everyone,
    /// Whose bot is in the channel.
    Members(ChannelId),
    /// Whose bot it is.
    Bot(UserId),
    App(AppId),
}

impl Event {
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), subscription: None, scope: None, body: Map::new(), ts: None }
    }

    pub fn subscribed(mut self, name: String) -> Self {
        self.subscription = Some(name);
        self
    }

    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    pub fn with(mut self, field: &str, value: Value) -> Self {
        self.body.insert(field.to_owned(), value);
        self
    }

    pub fn at(mut self, ts: &str) -> Self {
        self.ts = Some(ts.to_owned());
        self
    }

    fn subscription(&self) -> &str {
        self.subscription.as_deref().unwrap_or(&self.name)
    }

    fn json(&self, ts: &str) -> Value {
        let mut body = self.body.clone();
        body.insert("type".to_owned(), json!(self.name));
        // The lifecycle of the app is told in the barest form.
        if self.name != "app_uninstalled" {
            body.insert("event_ts".to_owned(), json!(self.ts.as_deref().unwrap_or(ts)));
        }
        Value::Object(body)
    }
}

impl World {
    pub fn tell(&mut self, team: &str, audience: Audience, event: Event) {
        let ts = self.new_ts();
        let hearing: Vec<Installation> =
            self.installations.iter().filter(|it| self.hears(it, team, &audience, &event)).cloned().collect();
        for installation in hearing {
            let Ok(app) = self.app(&installation.app) else { continue };
            let letter = Letter {
                label: event.subscription().to_owned(),
                ..event_letter(app, team, &envelope(self, app, &installation, team, &event.json(&ts)))
            };
            self.send_event(letter);
        }
    }

    /// Sends a made-up event to an app as it is, in the right envelope.
    pub fn tell_anything(&mut self, app: &str, team: &str, event: &Value) -> Result<(), Refusal> {
        let installation = self.installation(app, team).cloned().ok_or_else(|| Refusal::new("app_not_found"))?;
        let app = self.app(app)?;
        let letter = event_letter(app, team, &envelope(self, app, &installation, team, event));
        let label = event["type"].as_str().unwrap_or("event").to_owned();
        self.send_event(Letter { label, ..letter });
        Ok(())
    }

    /// The one event without an envelope: we have stopped telling for this minute.
    pub fn tell_rate_limited(&mut self, app: &str, team: &str, minute: i64) {
        let Ok(app) = self.app(app) else { return };
        let body = json!({
            "token": app.verification_token,
            "type": "app_rate_limited",
            "team_id": team,
            "minute_rate_limited": minute,
            "api_app_id": app.id,
        });
        let letter = Letter { label: "app_rate_limited".to_owned(), ..event_letter(app, team, &body) };
        self.post.enqueue(letter);
    }

    fn hears(&self, installation: &Installation, team: &str, audience: &Audience, event: &Event) -> bool {
        let Ok(app) = self.app(&installation.app) else { return false };
        let there = installation.teams.iter().any(|it| it == team);
        let may = event.scope.as_ref().is_none_or(|scope| installation.scopes.contains(scope));
        let meant = match audience {
            Audience::Everyone => true,
            Audience::Members(channel) => {
                self.channels.get(channel).is_some_and(|channel| channel.members.contains(&installation.bot))
            }
            Audience::Bot(user) => installation.bot == *user,
            Audience::App(id) => installation.app == *id,
        };
        let listens =
            app.settings.request_url.is_some() && app.settings.events.iter().any(|it| it == event.subscription());
        there && may && meant && listens
    }
}

fn envelope(world: &World, app: &App, installation: &Installation, team: &str, event: &Value) -> Value {
    let enterprise = world.enterprise.as_ref().map(|it| it.id.as_str());
    // An organization's installation speaks for no workspace.
    let authorized: Option<&str> = (!installation.enterprise).then_some(team);
    let context = json!({"et": event["type"], "tid": team, "aid": app.id, "cid": event["channel"]});
    let mut body = json!({
        "token": app.verification_token,
        "team_id": team,
        "context_team_id": team,
        "context_enterprise_id": enterprise,
        "api_app_id": app.id,
        "event": event,
        "type": "event_callback",
        "event_id": new_event_id(),
        "event_time": now(),
        "authorizations": [{
            "enterprise_id": enterprise,
            "team_id": authorized,
            "user_id": installation.bot,
            "is_bot": true,
            "is_enterprise_install": installation.enterprise,
        }],
        "is_ext_shared_channel": false,
        "event_context": format!("4-{}", URL_SAFE_NO_PAD.encode(context.to_string())),
    });
    if let Some(enterprise) = enterprise {
        body["enterprise_id"] = json!(enterprise);
    }
    body
}

/// A name for an event, unique everywhere.
pub(super) fn new_event_id() -> String {
    format!("Ev0{}", random::letters(9).to_uppercase())
}

pub(super) fn event_letter(app: &App, team: &str, body: &Value) -> Letter {
    let team: TeamId = team.to_owned();
    Letter::new(&app.id, team, Purpose::Event, body["event_id"].as_str().unwrap_or_default(), body.to_string())
}
