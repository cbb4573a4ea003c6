//! Tours in the browser, each on a demo of its own. No page may need scripts, so the tours that matter are walked
//! without them as well.

mod activity;
mod choices;
mod driver;
mod first_minute;
mod flowdock;
mod log;
mod mirror;
mod organization;
mod readme;
mod slack;
mod tour;
mod zendesk;

use std::{path::Path, time::Duration};

use anyhow::{Result, ensure};

use crate::{
    product::Demo,
    webdriver::{Browser, Rules, Scheme, Scripts},
};
pub use tour::{link_widgets, sign_up};

/// The window widths people have: a phone, a tablet, a desk.
const WIDTHS: [(u32, u32); 3] = [(390, 844), (TABLET, 1180), (1440, 900)];

const TABLET: u32 = 820;

/// The webhook of another product that the sandbox opens with.
const FOREIGN: &str = "https://ci.example/hooks";

/// From a new event at the partner to the entry in the log. Promised is a second; the tests share a busy machine.
const SOON: Duration = Duration::from_secs(4);

#[tokio::test]
async fn people_sign_up_log_out_and_log_in() -> Result<()> {
    let demo = Demo::start().await?;
    let browser = Browser::open(Scripts::On).await?;

    tour::sign_up(&browser, &demo.address).await?;
    browser.wait_for_text("Programming").await?;
    pictures(&browser, "signed-up").await?;
    tour::log_out(&browser).await?;
    pictures(&browser, "log-in").await?;
    no_complaints(&browser, &demo).await?;

    browser.follow("Forgot your password?").await?;
    browser.wait_for_text("patchbay password-link").await?;
    pictures(&browser, "password-forgotten").await?;
    // The demo sends no mail, so nobody is led here.
    browser.go(demo.at("/password/asked")).await?;
    pictures(&browser, "password-asked").await?;
    let link = demo.password_link("grace@example.com")?;
    browser.go(&link).await?;
    pictures(&browser, "password-new").await?;
    browser.fill("New password", "a nanosecond of wire").await?;
    browser.press("Change your password").await?;
    browser.wait_for_text("Your password is changed.").await?;
    no_complaints(&browser, &demo).await?;
    tour::log_out_of(&browser, &demo.address).await?;
    browser.go(&link).await?;
    browser.wait_for_text("This link does not count").await?;
    pictures(&browser, "password-gone").await?;
    // Chromium takes note of a page that is not there, as this one should not be.
    browser.complaints().await?;

    browser.go(demo.at("/settings")).await?;
    browser.fill("E-mail", "ada@example.com").await?;
    browser.fill("Password", "not this one").await?;
    browser.press("Log in").await?;
    ensure!(browser.field("E-mail").await?.attribute("value").await?.as_deref() == Some("ada@example.com"));
    browser.fill("Password", "patchbay").await?;
    browser.press("Log in").await?;

    // Back where they wanted to go before they were asked who they are.
    ensure!(browser.address().await?.path() == "/settings");
    browser.close().await?;
    demo.stop().await
}

#[tokio::test]
async fn the_catalogue_finds_and_errors_lead_on() -> Result<()> {
    let demo = Demo::start().await?;
    let browser = Browser::open(Scripts::On).await?;

    browser.go(demo.at("/nowhere")).await?;
    pictures(&browser, "error-signed-out").await?;
    tour::log_in(&browser, &demo.address, "ada@example.com").await?;
    let log = browser.address().await?;
    browser.go(format!("{log}/entries/01990000-0000-7000-8000-000000000000")).await?;
    pictures(&browser, "error").await?;
    browser.follow("Go to the team's log").await?;
    ensure!(browser.address().await? == log, "the error leads elsewhere");

    // What is typed finds at once, and the same as the button would.
    browser.go(demo.at("/integrations")).await?;
    let all = browser.count(".tile").await?;
    browser.fill("Search the integrations", "RELÈASES").await?;
    browser.wait_for_count(".tile", 1).await?;
    ensure!(browser.address().await?.query() == Some("q=REL%C3%88ASES"), "the address does not say what is asked");
    let at_once = browser.find("#found").await?.text().await?;
    browser.press("Search").await?;
    ensure!(browser.find("#found").await?.text().await? == at_once, "typing finds another thing than asking");
    browser.fill("Search the integrations", "nothing of the kind").await?;
    browser.wait_for_text("Nothing of that kind").await?;
    pictures(&browser, "catalogue-nothing").await?;
    browser.follow("Show all of them").await?;
    ensure!(all > 1 && browser.count(".tile").await? == all, "the way back does not lead to all of them");

    browser.go(demo.at("/integrations/github")).await?;
    pictures(&browser, "partner-new").await?;
    browser.go(demo.at("/styleguide")).await?;
    pictures(&browser, "style-guide").await?;
    browser.folded("Remove… bob").await?.click().await?;
    ensure!(
        browser.text().await?.contains("They no longer see the team's log"),
        "nothing is asked before it is removed"
    );

    tour::log_out_of(&browser, &demo.address).await?;
    tour::log_in(&browser, &demo.address, "bob@example.com").await?;
    browser.go(demo.at("/teams/new")).await?;
    pictures(&browser, "error-role").await?;
    ensure!(browser.text().await?.contains("Ask Ada Lovelace"), "it does not say whom to ask");
    // The pages that are not there are complained of, as they should be.
    browser.close().await?;
    demo.stop().await
}

#[tokio::test]
async fn what_happens_at_the_partner_becomes_an_entry() -> Result<()> {
    from_the_first_click_to_the_last_removal(Scripts::On).await
}

#[tokio::test]
async fn what_happens_at_the_partner_becomes_an_entry_without_scripts() -> Result<()> {
    from_the_first_click_to_the_last_removal(Scripts::Off).await
}

async fn from_the_first_click_to_the_last_removal(scripts: Scripts) -> Result<()> {
    let demo = Demo::start().await?;
    let browser = Browser::open(scripts).await?;
    let widgets = format!("{}/github/acme/widgets", demo.sandbox);

    tour::log_in(&browser, &demo.address, "ada@example.com").await?;
    let log = browser.address().await?;
    tour::link_widgets(&browser, &demo.address).await?;
    let settings = browser.address().await?;
    if scripts == Scripts::On {
        pictures(&browser, "team-settings").await?;
        browser.follow("acme/widgets").await?;
        pictures(&browser, "link").await?;
        let pages = [
            ("/integrations", "catalogue"),
            ("/integrations/github", "partner"),
            ("/integrations/github/link", "link-form"),
            ("/settings", "settings"),
        ];
        for (path, name) in pages {
            browser.go(demo.at(path)).await?;
            pictures(&browser, name).await?;
        }
    }

    browser.go(&widgets).await?;
    browser.fill("Title", "The chart is empty on Sundays").await?;
    browser.press("Open issue").await?;
    browser.go(&log).await?;
    let after = browser.reload_until_text("The chart is empty on Sundays", SOON).await?;
    eprintln!("the entry stood in the log {after:?} after the issue was opened");
    let entry = browser.entry("The chart is empty on Sundays").await?;
    ensure!(entry.text().await?.contains("Ada"), "the entry is not Ada's: {}", entry.text().await?);
    ensure!(browser.count(&format!("a[href^='{widgets}/issues/']")).await? > 0, "the entry has no link to the issue");
    if scripts == Scripts::On {
        pictures(&browser, "log").await?;
    }

    browser.go(format!("{widgets}/settings/hooks")).await?;
    let hooks = browser.text().await?;
    ensure!(hooks.contains(&demo.address) && hooks.contains(FOREIGN), "expected our webhook and another: {hooks}");

    browser.go(&settings).await?;
    browser.press("Remove the link to acme/widgets").await?;
    browser.go(format!("{widgets}/settings/hooks")).await?;
    browser.reload_until_gone(&demo.address, SOON).await?;
    ensure!(browser.text().await?.contains(FOREIGN), "another product's webhook was removed with ours");

    browser.go(&widgets).await?;
    browser.fill("Title", "Nobody hears of this").await?;
    browser.press("Open issue").await?;
    browser.go(&log).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    ensure!(!browser.text().await?.contains("Nobody hears of this"), "a removed link still makes entries");

    no_complaints(&browser, &demo).await?;
    browser.close().await?;
    demo.stop().await
}

/// Looks a page over as people meet it: by night and by day nobody may be kept out, on a phone or at a desk, and nothing may
/// scroll but the page, up and down. Where `PATCHBAY_PICTURES` is set, it leaves pictures in `target/screenshots`.
///
/// What axe finds depends on the colours in the rules of colours alone, so by night no others are asked.
async fn pictures(browser: &Browser, name: &str) -> Result<()> {
    let shoots = std::env::var_os("PATCHBAY_PICTURES").is_some();
    for (scheme, rules, night) in [(Scheme::Dark, Rules::Colours, "-dark"), (Scheme::Light, Rules::All, "")] {
        browser.prefer(scheme).await?;
        for (width, height) in WIDTHS {
            let by_day = scheme == Scheme::Light;
            // In between lies nothing that is not on one of both sides, but for what sticks out.
            let is_judged = width != TABLET;
            if !(is_judged || by_day || shoots) {
                continue;
            }
            browser.look_through_a_window_of(width, height).await?;
            if is_judged {
                let barriers = browser.barriers(rules).await?;
                let seen = format!("{name}, {}, {width} pixels wide,", scheme.word());
                ensure!(barriers.is_empty(), "{seen} keeps people out:\n{}", barriers.join("\n"));
            }
            if by_day {
                let stray = browser.stray_scrolling().await?;
                ensure!(stray.is_empty(), "{name}, {width} pixels wide, scrolls where it should not: {stray:?}");
            }
            if shoots {
                let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/screenshots");
                browser.screenshot(&folder.join(format!("{name}{night}-{width}.png"))).await?;
            }
        }
    }
    Ok(())
}

/// On the product's own pages: no script error, no resource that is missing, nothing that the content security policy
/// had to refuse.
async fn no_complaints(browser: &Browser, demo: &Demo) -> Result<()> {
    let mut complaints = browser.complaints().await?;
    complaints.retain(|complaint| !complaint.starts_with(&demo.sandbox));
    ensure!(complaints.is_empty(), "the browser complains:\n{}", complaints.join("\n"));
    Ok(())
}
