//! Developer applications: what is registered, and where their setup and configuration begin.

use integration_sandboxkit::random;
use url::Url;

use super::super::refusal::{Problems, Refusal};
use super::flows::Flow;
use super::sources::Source;
use super::{AppId, UserId, World};

/// The application the product is registered as.
pub(in super::super) const CLIENT_ID: &str = "patchbay-in-the-flowdock-sandbox-5a1f0c7be2";
/// Fixed, so that settings can be copied; it opens nothing but a sandbox.
pub(in super::super) const CLIENT_SECRET: &str = "sandbox-secret-81d03f6b2c9e475ab04de6f7c3a15928";
/// For applications that are only ever shown their code on a page.
pub(in super::super) const OOB: &str = "urn:ietf:wg:oauth:2.0:oob";

#[derive(Clone)]
pub(in super::super) struct App {
    pub id: AppId,
    pub client_id: String,
    pub client_secret: String,
    pub owner: UserId,
    pub published: bool,
    pub form: AppForm,
}

/// What the form of an application asks for.
#[derive(Clone, Default)]
pub(in super::super) struct AppForm {
    pub name: String,
    pub redirect_uri: String,
    pub setup_uri: Option<String>,
    pub configuration_uri: Option<String>,
    pub icon_url: Option<String>,
    pub description: Option<String>,
    pub help: Option<String>,
    /// Only makes sources by the source generator.
    pub shortcut: bool,
}

impl World {
    pub fn app(&self, id: AppId) -> Result<&App, Refusal> {
        self.apps.iter().find(|app| app.id == id).ok_or_else(Refusal::not_found)
    }

    pub fn app_of_client(&self, client_id: &str) -> Option<&App> {
        self.apps.iter().find(|app| app.client_id == client_id)
    }

    /// Only its owner sees an application's settings.
    pub fn own_app(&self, user: UserId, id: AppId) -> Result<&App, Refusal> {
        self.app(id).ok().filter(|app| app.owner == user).ok_or_else(Refusal::not_found)
    }

    pub fn register_app(&mut self, owner: UserId, form: AppForm) -> Result<AppId, Refusal> {
        check(&form)?;
        let id = self.new_id();
        let (client_id, client_secret) = (random::hex(64), random::hex(64));
        self.apps.push(App { id, client_id, client_secret, owner, published: false, form });
        Ok(id)
    }

    pub fn change_app(&mut self, user: UserId, id: AppId, form: AppForm) -> Result<(), Refusal> {
        self.own_app(user, id)?;
        check(&form)?;
        if let Some(app) = self.apps.iter_mut().find(|app| app.id == id) {
            app.form = form;
        }
        Ok(())
    }

    /// Applications that a person may add to a flow: published ones and their own.
    pub fn offered_apps(&self, user: UserId) -> impl Iterator<Item = &App> {
        self.apps.iter().filter(move |app| app.published || app.owner == user)
    }

    /// Where setting up this application in that flow begins.
    pub fn setup_link(&self, app: &App, flow: &Flow) -> Option<String> {
        let variables =
            [("{flow_id}", flow.id.clone()), ("{flow_url}", self.api(&format!("/flows/{}", self.flow_path(flow))))];
        lead(app.form.setup_uri.as_deref()?, &variables, &[("flow", flow.id.clone())])
    }

    /// Where this source is configured: at its own address, else at the application's.
    pub fn configure_link(&self, source: &Source) -> Option<String> {
        if let Some(own) = source.configuration_url.clone() {
            return Some(own);
        }
        let (app, flow) = (self.app(source.app).ok()?, self.flow(&source.flow).ok()?);
        let url = self.api(&format!("/flows/{}/sources/{}", self.flow_path(flow), source.id));
        let variables = [("{source_id}", source.id.to_string()), ("{source_url}", url)];
        let appended = [("integration_id", source.id.to_string()), ("flow", flow.id.clone())];
        lead(app.form.configuration_uri.as_deref()?, &variables, &appended)
    }
}

/// Fills a URI's variables if it has any; else appends the parameters.
fn lead(uri: &str, variables: &[(&str, String)], appended: &[(&str, String)]) -> Option<String> {
    if uri.contains('{') {
        let encoded = |value: &str| url::form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>();
        return Some(variables.iter().fold(uri.to_owned(), |uri, (name, value)| uri.replace(name, &encoded(value))));
    }
    let mut url = Url::parse(uri).ok()?;
    url.query_pairs_mut().extend_pairs(appended);
    Some(url.into())
}

fn check(form: &AppForm) -> Result<(), Refusal> {
    let mut problems = Problems::default();
    problems.need("name", Some(form.name.clone()).filter(|name| !name.is_empty()));
    problems.need("redirect_uri", Some(form.redirect_uri.clone()).filter(|uri| !uri.is_empty()));
    let is_web = |uri: &str| Url::parse(uri).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if !form.redirect_uri.is_empty() && form.redirect_uri != OOB && !is_web(&form.redirect_uri) {
        problems.add("redirect_uri", "must be an absolute URI");
    }
    for (field, uri) in
        [("setup_uri", &form.setup_uri), ("configuration_uri", &form.configuration_uri), ("icon_url", &form.icon_url)]
    {
        // Variables are no part of an address until they are filled.
        if uri.as_ref().is_some_and(|uri| !is_web(&uri.replace(['{', '}'], ""))) {
            problems.add(field, "must be an absolute URI");
        }
    }
    problems.check()
}

#[cfg(test)]
mod tests {
    use super::lead;

    #[test]
    fn a_uri_with_braces_is_a_template_and_any_other_gets_parameters() {
        let (variables, appended) = ([("{flow_id}", "a:b".to_owned())], [("flow", "a:b".to_owned())]);

        let filled = lead("https://app.example/setup?f={flow_id}", &variables, &appended);
        assert_eq!(filled.as_deref(), Some("https://app.example/setup?f=a%3Ab"));
        let longer = lead("https://app.example/setup?x=1", &variables, &appended);
        assert_eq!(longer.as_deref(), Some("https://app.example/setup?x=1&flow=a%3Ab"));
    }
}
