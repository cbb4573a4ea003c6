//! Who and what is there when the sandbox opens.

use integration_sandboxkit::random;
use serde_json::{Value, json};
use url::Url;

use super::apps::{App, AppForm, CLIENT_ID, CLIENT_SECRET};
use super::chat::{Post, Poster};
use super::flows::Access;
use super::messages::Place;
use super::people::{Organization, User};
use super::{AppId, OrganizationId, UserId, World};
use crate::sandbox::refusal::Refusal;

const ADA: UserId = 50_001;
const BOB: UserId = 50_002;
const EVE: UserId = 50_003;
/// In Acme's flows, and unknown to the product.
const GRACE: UserId = 50_004;
const ACME: OrganizationId = 7001;
const UMBRA: OrganizationId = 7002;
const PATCHBAY: AppId = 41;
/// Another application, whose threads and sources must survive whatever ours does.
const FOREIGN: AppId = 42;

/// From the product's OAuth callback to where Flowdock sends people.
const SETUP_FROM_CALLBACK: &str = "../../integrations/flowdock/setup";
const CONFIGURATION_FROM_CALLBACK: &str = "../../integrations/flowdock/configure";

pub(super) fn fill(world: &mut World, callback: &Url) {
    for (id, nick, name, email) in [
        (ADA, "ada", "Ada Codes", "ada@example.com"),
        (BOB, "bob", "Bob Builds", "bob@example.com"),
        (EVE, "eve", "Eve Umbra", "eve@example.com"),
        (GRACE, "grace", "Grace Outside", "grace@outside.example"),
    ] {
        let user = User { id, email: email.to_owned(), name: name.to_owned(), nick: nick.to_owned(), website: None };
        world.users.insert(id, user);
        world.tokens.personal.insert(id, random::hex(32));
    }
    add_organization(world, ACME, "Acme", "acme", &[(ADA, true), (BOB, false), (GRACE, false)]);
    add_organization(world, UMBRA, "Umbra", "umbra", &[(EVE, true)]);
    register(world, callback);
    say(world).expect("the seed fits the rules");
}

fn add_organization(world: &mut World, id: OrganizationId, name: &str, slug: &str, members: &[(UserId, bool)]) {
    let members = members.iter().copied().collect();
    world.organizations.insert(id, Organization { id, name: name.to_owned(), slug: slug.to_owned(), members });
}

fn register(world: &mut World, callback: &Url) {
    let beside = |path: &str| callback.join(path).ok().map(String::from);
    world.apps.push(App {
        id: PATCHBAY,
        client_id: CLIENT_ID.to_owned(),
        client_secret: CLIENT_SECRET.to_owned(),
        owner: ADA,
        published: true,
        form: AppForm {
            name: "Patchbay".to_owned(),
            redirect_uri: callback.to_string(),
            setup_uri: beside(SETUP_FROM_CALLBACK),
            configuration_uri: beside(CONFIGURATION_FROM_CALLBACK),
            description: Some("What the team got done".to_owned()),
            ..AppForm::default()
        },
    });
    world.apps.push(App {
        id: FOREIGN,
        client_id: random::hex(64),
        client_secret: random::hex(64),
        owner: GRACE,
        published: false,
        form: AppForm {
            name: "Builds".to_owned(),
            redirect_uri: "https://builds.example/auth/flowdock/callback".to_owned(),
            ..AppForm::default()
        },
    });
}

fn say(world: &mut World) -> Result<(), Refusal> {
    let main = world.add_flow(ACME, "Main", "main", Access::Organization, &[ADA, BOB, GRACE]);
    let product = world.add_flow(ACME, "Product", "product", Access::Invitation, &[ADA, BOB]);
    world.add_flow(ACME, "Random", "random", Access::Organization, &[GRACE]);
    let umbra = world.add_flow(UMBRA, "Main", "main", Access::Organization, &[EVE]);
    chat(world, ADA, &main, "Good morning everyone #standup")?;
    chat(world, BOB, &main, "@ada The widgets draw again: https://builds.example/widgets/17")?;
    chat(world, BOB, &product, "What goes into the next release?")?;
    chat(world, EVE, &umbra, "It rains.")?;
    let source = world.create_source(GRACE, FOREIGN, &main, Some("widgets".to_owned()), None)?;
    let thread = json!({
        "title": "Build of widgets",
        "external_url": "https://builds.example/widgets",
        "status": {"value": "passed", "color": "green"},
        "fields": [{"label": "Branch", "value": "main"}],
        "actions": [{"@type": "ViewAction", "name": "Open the build", "url": "https://builds.example/widgets/17"}],
    });
    let post = Post {
        event: Some("activity".to_owned()),
        title: Some("passed".to_owned()),
        author: json!({"name": "Builds"}).as_object().cloned(),
        external_thread_id: Some("build:widgets".to_owned()),
        thread: Some(thread),
        ..Post::default()
    };
    world.post(Poster::Source(source), &Place::Flow(main), post)?;
    Ok(())
}

fn chat(world: &mut World, user: UserId, flow: &str, text: &str) -> Result<u64, Refusal> {
    let post = Post { event: Some("message".to_owned()), content: Value::from(text), ..Post::default() };
    world.post(Poster::User(user), &Place::Flow(flow.to_owned()), post)
}
