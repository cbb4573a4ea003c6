//! Fields with thousands of choices: a few are drawn, the rest is looked for, and the partner is asked once.

use std::time::{Duration, Instant};

use integration_contract::{Card, PartnerSettings};
use integration_testkit::FakePartner;
use serde_json::json;

use super::{Ground, able, join};
use crate::harness::{TestDatabase, between, on_both_databases};

const FORM: &str = "/integrations/github/link";

async fn a_long_list_of_repositories_makes_a_small_page(test: TestDatabase) {
    let ground = Ground::working(test).await;
    ground.github.control("/repositories", json!({ "owner": "acme", "prefix": "tool", "count": 1490 })).await;
    ground.connect(&ground.two.ada, "ada-codes").await;
    let calls = async || ground.github.calls("GET", "/api/v3/user/repos").await;

    let begun = Instant::now();
    let page = ground.two.ada.get(FORM).await;
    let first = begun.elapsed();
    let (size, listed) = (page.text.len(), calls().await);
    assert!(size < 40_000, "{size} bytes");
    // It lists for five seconds at most, which a busy machine may need for less than all of them.
    assert!((1..=20).contains(&listed), "{listed} calls for the list");
    assert_eq!(page.text.matches("<option").count(), 51, "fifty of them, and the team");
    assert!(page.text.contains("to choose from: type a part of the name."), "{}", page.text);

    // Somebody types: nothing is asked again, and what fits comes alone.
    let begun = Instant::now();
    let part = ground.two.ada.get(&format!("{FORM}?part=choices&field=repository&q=tool-01")).await;
    let typed = begun.elapsed();
    assert_eq!(part.text.matches("role=\"option\"").count(), 50, "{}", part.text);
    assert!(part.text.contains("The first 50 of 100: type more to narrow them."), "{}", part.text);
    assert!(!part.text.contains("<html"));
    let part = ground.two.ada.get(&format!("{FORM}?part=choices&field=repository&q=TOOL+0187")).await;
    assert!(part.text.contains("data-value=\"acme/tool-0187\"") && part.text.contains("1 choice."), "{}", part.text);
    let part = ground.two.ada.get(&format!("{FORM}?part=choices&field=repository&q=%3Cb%3E%00")).await;
    assert!(part.text.contains("Nothing on the list fits."), "{}", part.text);
    for nowhere in ["nothing", "events", ""] {
        let part = ground.two.ada.get(&format!("{FORM}?part=choices&field={nowhere}&q=tool")).await;
        assert_eq!((part.status, part.text.matches("role=\"option\"").count()), (200, 0));
    }
    assert_eq!(calls().await, listed, "typing asks the partner nothing");
    eprintln!("a form of 1,500: {size} bytes after {first:?} ({listed} calls); while typing {typed:?}");

    // Without scripts: a button looks, another takes one, and what was typed elsewhere stays.
    let team = ground.two.product.to_string();
    let typed = [("team", team.as_str()), ("repository", "tool-012"), ("events", "push")];
    let found = ground.two.ada.post_form(FORM, &[&typed[..], &[("action", "search:repository")]].concat()).await;
    assert_eq!(found.status, 200, "nothing was sent yet");
    assert!(found.text.contains("name=\"choose:repository\" value=\"acme/tool-0123\""), "{}", found.text);
    assert!(found.text.contains("value=\"tool-012\""), "what was typed stays");
    let field = found.text.split("name=\"events\" value=\"push\"").nth(1).unwrap();
    assert!(field.starts_with(" checked"), "{field}");
    let chosen =
        ground.two.ada.post_form(FORM, &[&typed[..], &[("choose:repository", "acme/tool-0123")]].concat()).await;
    assert!(chosen.text.contains("name=\"repository\" value=\"acme/tool-0123\""), "{}", chosen.text);
    assert_eq!(ground.links().await.len(), 0);
    // A refused form keeps what was typed, says so beside the field, and puts the keyboard there.
    let refused = ground.two.ada.post_form(FORM, &[("team", team.as_str()), ("repository", "acme/none")]).await;
    assert_eq!(refused.status, 422);
    let input = between(&refused.text, "<input class=\"input\" id=\"repository\"", ">").unwrap();
    assert!(input.contains("value=\"acme/none\"") || input.contains("value=\"\""), "{input}");
    assert!(refused.text.contains(" autofocus"), "{}", refused.text);
    assert_eq!(calls().await, listed);
    // What is not on the list can be pasted, by its address too.
    let pasted = [("team", team.as_str()), ("repository", "acme/tool-1489"), ("events", "push")];
    assert_eq!(ground.two.ada.post_form(FORM, &pasted).await.status, 303);

    // A page that is opened later shows what there is then; nobody else sees Ada's.
    ground.app().clock.advance(Duration::from_secs(21));
    ground.two.ada.get(FORM).await;
    assert!(calls().await > listed);
    let bobs = ground.two.bob.get(&format!("{FORM}?part=choices&field=repository&q=tool")).await;
    assert_eq!(bobs.status, 303, "he has no account: {}", bobs.text);
    ground.finish().await;
}

async fn a_field_decides_what_another_offers(test: TestDatabase) {
    let fake = FakePartner::with_card(Card { settings: &[], ..able() });
    let ground = Ground::idle_with(test, fake, PartnerSettings::default()).await;
    ground.fake.has_rooms("north", (0..5000).map(|number| format!("north-{number}")));
    ground.fake.has_rooms("south", (0..60).map(|number| format!("south-{number}")));
    join(&ground.two.ada, 7, "ada-there").await;
    let form = "/integrations/fake/link";
    let asked = ground.fake.forms_asked();
    let page = ground.two.ada.get(form).await.text;
    assert!(page.len() < 40_000, "{} bytes", page.len());
    assert!(page.contains("data-redraws=\"house\"") && page.contains("There are 5000 to choose from"), "{page}");
    assert!(page.contains("name=\"action\" value=\"redraw\" formnovalidate>Show what there is"), "{page}");

    let team = ground.two.product.to_string();
    let typed = [("level", "team"), ("team", team.as_str()), ("house", "south"), ("room", "south-5")];
    let redrawn = ground.two.ada.post_form(form, &[&typed[..], &[("action", "redraw")]].concat()).await;
    assert_eq!(redrawn.status, 200);
    assert!(redrawn.text.contains("There are 60 to choose from"), "{}", redrawn.text);
    assert!(redrawn.text.contains("value=\"south\" selected") && redrawn.text.contains("value=\"south-5\""));
    let part = ground.two.ada.get(&format!("{form}?part=choices&field=room&q=south&house=south")).await.text;
    assert!(part.contains("data-value=\"south-0\"") && !part.contains("north"), "{part}");
    let part = ground.two.ada.get(&format!("{form}?part=choices&field=room&q=7&house=north")).await.text;
    assert!(part.contains("data-value=\"north-7\"") && !part.contains("south"), "{part}");
    // Blank, south, north; the second look at south was remembered.
    assert_eq!(ground.fake.forms_asked() - asked, 3);
    // Another consent is another list.
    ground.app().clock.advance(Duration::from_secs(1));
    join(&ground.two.ada, 7, "ada-there").await;
    ground.two.ada.get(&format!("{form}?part=choices&field=room&q=7&house=north")).await;
    assert_eq!(ground.fake.forms_asked() - asked, 4);
    assert_eq!(ground.two.ada.post_form(form, &typed).await.status, 303);
    ground.finish().await;
}

on_both_databases!(a_long_list_of_repositories_makes_a_small_page, a_field_decides_what_another_offers,);
