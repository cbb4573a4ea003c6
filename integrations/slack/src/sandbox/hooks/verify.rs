//! The two checks of a request URL: `url_verification` when a developer sets it, `ssl_check` now and then.

use integration_sandboxkit::random;
use serde_json::{Value, json};

use super::super::Sandbox;
use super::super::refusal::Refusal;
use super::courier::{self, Letter, Purpose};

/// Asks the app's address to repeat a challenge, as Slack does before it accepts the address. Says whether it did.
pub(in super::super) async fn verify_url(sandbox: &Sandbox, app: &str) -> Result<bool, Refusal> {
    let challenge = random::letters(52);
    let letter = {
        let world = sandbox.world();
        let app = world.app(app)?;
        let body = json!({"token": app.verification_token, "challenge": challenge, "type": "url_verification"});
        let letter = Letter::new(&app.id, String::new(), Purpose::Check, "", body.to_string());
        Letter { label: "url_verification".to_owned(), ..letter }
    };
    let (status, body) = courier::deliver_and_record(sandbox, letter).await;
    let json = serde_json::from_str::<Value>(&body).unwrap_or_default();
    // Plain text, a form, or JSON: Slack takes all three.
    let repeated =
        json["challenge"] == challenge || body.trim() == challenge || body.trim() == format!("challenge={challenge}");
    Ok(status == 200 && repeated)
}

/// The probe of an address for slash commands. Says whether it was answered with 200.
pub(in super::super) async fn check_ssl(sandbox: &Sandbox, app: &str) -> Result<bool, Refusal> {
    let letter = {
        let world = sandbox.world();
        let app = world.app(app)?;
        let body = format!("ssl_check=1&token={}", app.verification_token);
        let letter = Letter::new(&app.id, String::new(), Purpose::Check, "", body);
        Letter { label: "ssl_check".to_owned(), ..letter }
    };
    Ok(courier::deliver_and_record(sandbox, letter).await.0 == 200)
}
