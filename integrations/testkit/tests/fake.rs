//! The fake partner gets into the trouble it is told to get into, and out of it.

use std::{sync::Arc, time::Duration};

use integration_contract::{
    Account, AuthorizeAsk, Card, Change, Deed, ErrorKind, ExposeSecret, FormInput, Grant, Happening, HookCall,
    Identity, Integration, IntegrationLink, ItemState, LinkSettings, NewComment, NewItem, NotClicked, SecretString,
    UndoneOutcome, Verified,
};
use integration_testkit::{Acted, FakePartner, ItemCall, MemoryLedger, ScriptedHttp, Trouble};

fn link() -> IntegrationLink {
    IntegrationLink {
        id: "link".to_owned(),
        settings: LinkSettings(serde_json::json!({ "room": "workshop" })),
        hook_url: "https://patchbay.example/integrations/fake/hook?key=k".parse().expect("a URL"),
        hook_secret: "secret".into(),
        given_secret: None,
    }
}

fn account() -> Account {
    Account { http: ScriptedHttp::silent().http(), identity: None, scopes: Vec::new(), site: None }
}

fn call(body: &str) -> Verified<HookCall> {
    Verified::from_inbox(HookCall { headers: [].into(), key: None, body: body.to_owned().into() })
}

#[tokio::test]
async fn troubles_come_in_the_order_they_were_told() {
    let (partner, ledger) = (FakePartner::default(), MemoryLedger::default());
    partner.trouble_creating(Trouble::Fails(ErrorKind::Forbidden));
    partner.trouble_creating(Trouble::Limits(Duration::from_secs(7)));
    partner.trouble_creating(Trouble::Waits(Duration::from_millis(1)));

    let forbidden = partner.create_link(&account(), &link(), &ledger).await.expect_err("the first trouble");
    let limited = partner.create_link(&account(), &link(), &ledger).await.expect_err("the second trouble");
    partner.create_link(&account(), &link(), &ledger).await.expect("the third only waits");

    assert_eq!(forbidden.kind(), ErrorKind::Forbidden);
    assert_eq!(limited.wait(), Some(Duration::from_secs(7)));
    assert_eq!(partner.subscriptions().len(), 1);
}

#[tokio::test]
async fn a_lost_answer_leaves_one_subscription_and_the_next_run_finds_it() {
    let (partner, ledger) = (FakePartner::default(), MemoryLedger::default());
    partner.trouble_creating(Trouble::LosesAnswer);

    let lost = partner.create_link(&account(), &link(), &ledger).await.expect_err("the answer is lost");
    assert_eq!(lost.kind(), ErrorKind::UnknownOutcome);
    assert_eq!(ledger.now()[0].id, None);

    partner.create_link(&account(), &link(), &ledger).await.expect("it is found");
    assert_eq!(partner.subscriptions().len(), 1);
    assert_eq!(ledger.now()[0].id.as_deref(), Some("1"));
}

#[tokio::test]
async fn only_what_the_ledger_names_is_removed() {
    let (partner, ledger) = (FakePartner::default(), MemoryLedger::default());
    let foreign = partner.subscribe_somebody_else("workshop");
    partner.create_link(&account(), &link(), &ledger).await.expect("made");
    partner.trouble_destroying(Trouble::Fails(ErrorKind::Unavailable));

    let first = partner.destroy_link(&account(), &link(), &ledger.now()).await;
    let second = partner.destroy_link(&account(), &link(), &ledger.now()).await.expect("removed");
    let third = partner.destroy_link(&account(), &link(), &ledger.now()).await.expect("already gone");

    assert_eq!(first.expect_err("the trouble").kind(), ErrorKind::Unavailable);
    assert_eq!((&second[0].outcome, &third[0].outcome), (&UndoneOutcome::Removed, &UndoneOutcome::AlreadyGone));
    assert_eq!(partner.subscriptions(), [foreign]);
}

#[test]
fn hooks_do_what_they_say() {
    let partner = Arc::new(FakePartner::default());
    let malformed = partner.hook(&link(), &call(r#"{"do":"malformed"}"#)).expect_err("malformed");
    assert_eq!(malformed.kind(), ErrorKind::Malformed);
    let started = std::time::Instant::now();
    partner.hook(&link(), &call(r#"{"do":"spin","ms":30}"#)).expect("busy, then done");
    assert!(started.elapsed() >= Duration::from_millis(30));
    let panicked = std::panic::catch_unwind(|| FakePartner::default().hook(&link(), &call(r#"{"do":"panic"}"#)));
    assert!(panicked.is_err());
}

fn ada() -> Account {
    let identity = Identity { id: "7".to_owned(), name: "ada".to_owned(), url: None };
    Account { identity: Some(identity), ..account() }
}

#[test]
fn a_hook_tells_of_an_item_and_of_the_entry_about_it() {
    let partner = FakePartner::with_card(FakePartner::working_card());
    let told = call(
        r#"{"do":"item","id":"7","change":"commented","title":"Charts","by":{"id":"1","name":"bob"},
            "comment":{"id":"c1","body":"me too"},"at":1767225000,"entry":"Commented on 7"}"#,
    );
    let reading = partner.hook(&link(), &told).expect("read");

    let [Happening::Entry(entry), Happening::Item(change)] = &reading.happenings[..] else { panic!("{reading:?}") };
    assert_eq!(entry.item.as_deref(), Some("7"));
    assert_eq!((change.item.name.as_str(), change.item.title.as_str()), ("workshop#7", "Charts"));
    assert!(matches!(&change.what, Change::Commented(comment) if comment.body == "me too"));
    assert_eq!(change.id, "7/commented/c1/1767225000");
}

#[tokio::test]
async fn items_are_made_once_found_again_and_worked_on_by_whoever_asks() {
    let partner = FakePartner::with_card(FakePartner::working_card());
    let items = Integration::items(&partner).expect("the card says so");
    let new = NewItem {
        key: "k1".to_owned(),
        external_id: "zd-1".to_owned(),
        title: "Charts".to_owned(),
        body: String::new(),
        labels: Vec::new(),
    };
    partner.trouble_with_items(ItemCall::CreateItem, Trouble::LosesAnswer);
    let lost = items.create_item(&ada(), &link(), &new).await.expect_err("the answer is lost");
    assert_eq!(lost.kind(), ErrorKind::UnknownOutcome);
    let made = items.find_item(&ada(), &link(), &new).await.expect("asked").expect("there");

    let taken = items.act(&ada(), &link(), &made.id, &Deed::AssignToMe).await.expect("done");
    assert_eq!(taken.assignees[0].id.as_deref(), Some("7"));
    let closed = items.act(&ada(), &link(), &made.id, &Deed::Close).await.expect("done");
    assert_eq!((closed.state, items.deeds(&closed)), (ItemState::Closed, vec![Deed::Reopen]));
    assert!(closed.updated_at > taken.updated_at);
    let comment = NewComment { key: "k2".to_owned(), body: "me too".to_owned() };
    let written = items.comment(&ada(), &link(), &made.id, &comment).await.expect("written");
    assert_eq!(items.find_comment(&ada(), &link(), &made.id, &comment, 0).await.expect("asked"), Some(written.clone()));

    assert_eq!(partner.items()[0].comments, [written]);
    let deed = |deed| Acted { by: Some("7".to_owned()), room: "workshop".to_owned(), item: made.id.clone(), deed };
    assert_eq!(partner.acted(), [deed(Deed::AssignToMe), deed(Deed::Close)]);
    partner.drop_item("workshop", &made.id);
    assert_eq!(items.item(&ada(), &link(), &made.id).await.expect("asked"), None);
    let gone = items.act(&ada(), &link(), &made.id, &Deed::Reopen).await.expect_err("gone");
    assert_eq!(gone.kind(), ErrorKind::NotFound);
}

#[test]
fn a_click_is_verified_and_belongs_to_its_button() {
    let partner = FakePartner::with_card(FakePartner::able_card());
    let actions = partner.actions().expect("the card says so");
    let secret = SecretString::from("shared");
    let [here, elsewhere] =
        ["here", "elsewhere"].map(|name| format!("https://patchbay.example/{name}").parse().expect("a URL"));
    let click = partner.click(&here, 7, "ada", &secret, 1_767_225_600);
    let sent = |body: &str| HookCall {
        headers: click.headers.iter().map(|(name, value)| ((*name).to_owned(), vec![value.clone()])).collect(),
        key: None,
        body: body.to_owned().into(),
    };

    let (verified, clicker) = actions.token().verify(sent(&click.body), &secret, 1_767_225_610).expect("genuine");
    assert_eq!(clicker.account, "7");
    assert_eq!(actions.clicked(&verified, &here), Ok("ada".to_owned()));
    assert_eq!(actions.clicked(&verified, &elsewhere), Err(NotClicked::OtherAddress));
    assert!(actions.token().verify(sent("{}"), &secret, 1_767_225_610).is_err());
    assert!(actions.token().verify(sent(&click.body), &"another".into(), 1_767_225_610).is_err());
    assert!(actions.token().verify(sent(&click.body), &secret, 1_767_225_700).is_err());
    let second = partner.click(&here, 7, "ada", &secret, 1_767_225_600);
    assert_ne!(second.headers, click.headers);
    assert_eq!(actions.challenge(&here).1, "Fake url=\"https://patchbay.example/here\"");
}

#[tokio::test]
async fn it_can_be_set_up_from_its_side_and_shows_what_is_wrong() {
    let partner = FakePartner::with_card(FakePartner::able_card());
    let setup = partner.setup().expect("the card says so");
    let query = |name: &'static str, value: &'static str| -> FormInput { [(name, value)].into_iter().collect() };
    assert_eq!(setup.setup(&query("room", "workshop")).expect("a wish").what, "the room workshop");
    assert_eq!(setup.configure(&query("subscription", "3")).expect("a name").id, "3");
    assert!(setup.setup(&query("nonsense", "1")).is_err());

    partner.notice(&account(), &link(), Some("The account is gone.")).await.expect("shown");
    assert_eq!(partner.notices()["link"], "The account is gone.");
    partner.notice(&account(), &link(), None).await.expect("taken down");
    assert!(partner.notices().is_empty());
}

#[tokio::test]
async fn with_accounts_whoever_comes_back_is_who_the_code_says() {
    let card = Card { connect: FakePartner::accounts(), ..FakePartner::working_card() };
    let partner = FakePartner::with_card(card);
    let callback = || "https://patchbay.example/auth/fake/callback".parse().expect("a URL");
    let ask = AuthorizeAsk { state: "s".into(), redirect_uri: callback(), site: None, verifier: None };
    let page = partner.authorize_url(&ask).expect("a page");
    assert!(page.as_str().starts_with("https://fake.example/authorize?state=s&redirect_uri="), "{page}");
    let grant = |code: &str| Grant { code: code.into(), redirect_uri: callback(), site: None, verifier: None };
    let http = ScriptedHttp::silent().http();

    let connected = partner.oauth_callback(&http, grant("7:ada")).await.expect("connected");
    assert_eq!((connected.identity.id.as_str(), connected.identity.name.as_str()), ("7", "ada"));
    assert_eq!(connected.credentials.access_token.expose_secret(), "fake-token-7");
    assert_eq!(partner.oauth_callback(&http, grant("7")).await.expect_err("no code").kind(), ErrorKind::Refused);
}
