//! Partners whose card is true and whose behaviour is not: the suite finds each out.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use http::Method;
use integration_contract::{
    Account, Address, Capability, Card, CheckedLink, Comment, Connect, Deed, Error, FormInput, Happening, HookAnswer,
    HookCall, Integration, IntegrationLink, Item, ItemChange, ItemKind, ItemPage, Items, Ledger, LinkForm, LinkRefused,
    LinkSettings, NewComment, NewItem, Outgoing, OutgoingEntry, PartnerSettings, Reading, Receipt, Remote, Request,
    Result, Scheme, Told, Undone, Verified, Want,
};
use integration_testkit::{
    FakePartner, Sent,
    contract::{Subject, findings},
    reply,
};

/// What it does wrong.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    WritesWhileChecking,
    MakesBeforeReserving,
    MakesTwice,
    RemovesMoreThanIsOurs,
    TakesAnOpenReservationForMade,
    ShowsTheSecret,
    PanicsOnStrangeBodies,
    ReadsByChance,
    NeedsAHeaderThatIsNotKept,
    AddressesNobody,
    SaysNothing,
    HasNoAccounts,
    TellsUndeclared,
    TellsAnybodyAnything,
    HasNoItems,
    HasNoActions,
    HasNoSetup,
    HasNoNotice,
    OffersWhatIsSo,
}

struct Rogue {
    honest: FakePartner,
    fault: Fault,
    calls: AtomicU64,
}

impl Rogue {
    fn number(&self) -> u64 {
        self.calls.fetch_add(1, Ordering::Relaxed)
    }
}

async fn write(cx: &Account, path: &str) -> Result<()> {
    let url = format!("https://fake.example/{path}").parse().expect("a URL");
    cx.http.send(Request::new(Method::POST, url)).await.map(drop)
}

#[async_trait]
impl Integration for Rogue {
    fn card(&self) -> &Card {
        self.honest.card()
    }

    fn configured(&self) -> Result<()> {
        self.honest.configured()
    }

    async fn new_link(&self, cx: &Account, so_far: &FormInput) -> Result<LinkForm> {
        self.honest.new_link(cx, so_far).await
    }

    async fn check_link(&self, cx: &Account, input: &FormInput) -> std::result::Result<CheckedLink, LinkRefused> {
        if self.fault == Fault::WritesWhileChecking && !input.is_empty() {
            write(cx, "rooms").await?;
        }
        self.honest.check_link(cx, input).await
    }

    fn form_input(&self, link: &IntegrationLink) -> FormInput {
        self.honest.form_input(link)
    }

    async fn create_link(&self, cx: &Account, link: &IntegrationLink, ledger: &dyn Ledger) -> Result<()> {
        match self.fault {
            Fault::MakesBeforeReserving => write(cx, "subscriptions").await?,
            Fault::MakesTwice => {
                let reservation = ledger.reserve("subscription", &format!("room-{}", self.number())).await?;
                write(cx, "subscriptions").await?;
                ledger.made(&reservation, "same").await?;
            }
            Fault::TakesAnOpenReservationForMade => {
                if !ledger.rows().await?.is_empty() {
                    return Ok(());
                }
                let reservation = ledger.reserve("subscription", "workshop").await?;
                write(cx, "subscriptions").await?;
                return ledger.made(&reservation, "1").await;
            }
            _ => {}
        }
        self.honest.create_link(cx, link, ledger).await
    }

    async fn destroy_link(&self, cx: &Account, link: &IntegrationLink, ours: &[Remote]) -> Result<Vec<Undone>> {
        if self.fault == Fault::RemovesMoreThanIsOurs {
            write(cx, "subscriptions/all/remove").await?;
        }
        self.honest.destroy_link(cx, link, ours).await
    }

    fn short_name(&self, link: &IntegrationLink) -> String {
        self.honest.short_name(link)
    }

    fn summary(&self, link: &IntegrationLink) -> String {
        use integration_contract::ExposeSecret;
        match self.fault {
            Fault::ShowsTheSecret => format!("Signed with {}.", link.hook_secret.expose_secret()),
            _ => self.honest.summary(link),
        }
    }

    fn address(&self, call: &HookCall) -> Address {
        if self.fault == Fault::AddressesNobody { Address::Nobody } else { self.honest.address(call) }
    }

    fn scheme(&self) -> Scheme {
        self.honest.scheme()
    }

    fn answer(&self, call: &Verified<HookCall>) -> Result<HookAnswer> {
        self.honest.answer(call)
    }

    fn hook(&self, link: &IntegrationLink, call: &Verified<HookCall>) -> Result<Reading> {
        let reading = self.honest.hook(link, call);
        match self.fault {
            Fault::PanicsOnStrangeBodies => assert!(reading.is_ok(), "an unwrap too many"),
            Fault::ReadsByChance => return Ok(Reading::ignored(format!("It was call {}.", self.number()))),
            Fault::NeedsAHeaderThatIsNotKept if call.header("content-type").is_none() => {
                return Ok(Reading::of(Happening::HookWorks));
            }
            Fault::SaysNothing => return Ok(Reading::default()),
            _ => {}
        }
        reading
    }

    fn wants(&self, _link: &IntegrationLink, _entry: &OutgoingEntry) -> Want {
        if self.fault == Fault::TellsAnybodyAnything { Want::Now } else { Want::No }
    }

    fn wants_item(&self, _link: &IntegrationLink, _change: &ItemChange) -> bool {
        matches!(self.fault, Fault::TellsAnybodyAnything | Fault::TellsUndeclared)
    }

    fn items(&self) -> Option<&dyn Items> {
        (self.fault == Fault::OffersWhatIsSo).then_some(self)
    }

    async fn deliver(&self, cx: &Account, _link: &IntegrationLink, message: &Outgoing) -> Result<Receipt> {
        match self.fault {
            Fault::TellsUndeclared => Ok(Receipt::nothing()),
            Fault::TellsAnybodyAnything => {
                let body = match &message.what {
                    Told::Item(told) => told.item.title.clone(),
                    _ => String::new(),
                };
                let mut request = Request::new(Method::POST, "https://fake.example/posts".parse().expect("a URL"));
                request.body = body.into();
                cx.http.send(request).await.map(|_| Receipt::posted("1"))
            }
            _ => Err(Error::unsupported("telling it anything")),
        }
    }
}

#[async_trait]
impl Items for Rogue {
    fn short(&self) -> &'static str {
        "The Rogue"
    }

    fn hearing_all(&self, _form: FormInput) -> FormInput {
        FormInput::from_iter([("room", self.number().to_string())])
    }

    fn deeds(&self, _item: &Item) -> Vec<Deed> {
        let chance = if self.number() % 2 == 1 { Deed::AssignToMe } else { Deed::Retitle("x".to_owned()) };
        vec![Deed::Close, Deed::Reopen, Deed::Close, chance]
    }

    async fn item(&self, _cx: &Account, _link: &IntegrationLink, id: &str) -> Result<Option<Item>> {
        Ok(Some(FakePartner::default().open_item("workshop", id, "anything")))
    }

    async fn list_items(&self, cx: &Account, _link: &IntegrationLink, after: Option<&str>) -> Result<ItemPage> {
        write(cx, &format!("items/{}", after.unwrap_or_default())).await?;
        let old = FakePartner::default().open_item("workshop", "1", "old");
        let new = Item { kind: ItemKind::PullRequest, created_at: Some(i64::MAX), ..old.clone() };
        Ok(ItemPage { items: vec![old, new], next: None })
    }

    async fn find_item(&self, _cx: &Account, _link: &IntegrationLink, _new: &NewItem) -> Result<Option<Item>> {
        Ok(None)
    }

    async fn create_item(&self, _cx: &Account, _link: &IntegrationLink, _new: &NewItem) -> Result<Item> {
        Err(Error::unsupported("making items"))
    }

    async fn find_comment(
        &self,
        _cx: &Account,
        _link: &IntegrationLink,
        _item: &str,
        _new: &NewComment,
        _since: i64,
    ) -> Result<Option<Comment>> {
        Ok(None)
    }

    async fn comment(&self, _: &Account, _: &IntegrationLink, _: &str, _: &NewComment) -> Result<Comment> {
        Err(Error::unsupported("commenting"))
    }

    async fn act(&self, cx: &Account, _link: &IntegrationLink, id: &str, _deed: &Deed) -> Result<Item> {
        write(cx, &format!("items/{id}")).await?;
        Ok(FakePartner::default().open_item("workshop", id, "anything"))
    }
}

fn subject(fault: Fault) -> Subject {
    let capabilities: &[Capability] = match fault {
        Fault::TellsAnybodyAnything => &[Capability::Deliver, Capability::Actions],
        Fault::HasNoItems => &[Capability::Items],
        Fault::HasNoActions => &[Capability::Actions],
        Fault::HasNoSetup => &[Capability::Setup],
        Fault::HasNoNotice => &[Capability::Notice],
        _ => &[],
    };
    let connect = if fault == Fault::HasNoAccounts { FakePartner::accounts() } else { Connect::Nothing };
    let honest = FakePartner::with_card(Card { capabilities, connect, ..FakePartner::honest_card() });
    Subject {
        partner: Arc::new(Rogue { honest, fault, calls: AtomicU64::new(0) }),
        unconfigured: None,
        settings: PartnerSettings::default(),
        fixtures: PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/hooks")),
        link: LinkSettings(serde_json::json!({ "room": "workshop" })),
        form: [("room", "workshop")].into_iter().collect(),
        outside: || Box::new(|_| Ok(reply(200, &[], ""))),
        writes: Sent::writes,
    }
}

#[tokio::test]
async fn each_rogue_is_found_out() {
    for (fault, wanted) in [
        (Fault::WritesWhileChecking, "checking a form changes something at the partner"),
        (Fault::MakesBeforeReserving, "something is made before it is reserved"),
        (Fault::MakesTwice, "making a link again makes a thing twice"),
        (Fault::RemovesMoreThanIsOurs, "removing a link that made nothing changes something at the partner"),
        (Fault::RemovesMoreThanIsOurs, "POST /subscriptions/all/remove is about nothing of ours"),
        (Fault::TakesAnOpenReservationForMade, "a lost answer leaves the ledger without the id"),
        (Fault::ShowsTheSecret, "a link's name or summary shows a secret"),
        (Fault::PanicsOnStrangeBodies, "entry__by_ada: a mutation panics"),
        (Fault::ReadsByChance, "entry__by_ada: read differently the second time"),
        (Fault::NeedsAHeaderThatIsNotKept, "entry__by_ada: read differently with the headers that are not kept"),
        (Fault::AddressesNobody, "entry__by_ada: it is addressed to nobody"),
        (Fault::HasNoAccounts, "the card says OAuth, but a callback is unsupported, or succeeds without the partner"),
        (Fault::TellsUndeclared, "card and behaviour disagree about delivering"),
        (Fault::TellsAnybodyAnything, "a link with strange settings wants an entry"),
        (Fault::TellsUndeclared, "items are wanted, but the card says that nothing is delivered"),
        (Fault::TellsAnybodyAnything, "a link with strange settings wants an item"),
        (Fault::TellsAnybodyAnything, "an item (opened) carries \"<script\" as it was written"),
        (Fault::TellsAnybodyAnything, "an item is told without its buttons"),
        (Fault::HasNoItems, "card and behaviour disagree about items"),
        (Fault::OffersWhatIsSo, "card and behaviour disagree about items"),
        (Fault::OffersWhatIsSo, "\"The Rogue\" is not a few small letters"),
        (Fault::OffersWhatIsSo, "closing is offered for what is closed"),
        (Fault::OffersWhatIsSo, "reopening is offered for what is open"),
        (Fault::OffersWhatIsSo, "a deed is offered twice"),
        (Fault::OffersWhatIsSo, "a deed is offered that one click can't say"),
        (Fault::OffersWhatIsSo, "other deeds are offered the second time"),
        (Fault::OffersWhatIsSo, "\"room\" is no longer"),
        (Fault::OffersWhatIsSo, "a form that hears of everything is changed once more"),
        (Fault::OffersWhatIsSo, "there is an item with the id \"../1\""),
        (Fault::OffersWhatIsSo, "the id \"../1\" leads to a call that changes something"),
        (Fault::OffersWhatIsSo, "the id \"../1\" leads to https://fake.example/1, which no setting names"),
        (Fault::OffersWhatIsSo, "pull requests are listed among items that are mirrored"),
        (Fault::OffersWhatIsSo, "the last opened items are not listed first"),
        (Fault::OffersWhatIsSo, "listing items after None changes something"),
        (
            Fault::OffersWhatIsSo,
            "listing items after None leads to https://fake.example/items/, which no setting names",
        ),
        (Fault::HasNoActions, "card and behaviour disagree about actions"),
        (Fault::HasNoSetup, "card and behaviour disagree about setup"),
        (Fault::HasNoNotice, "card and behaviour disagree about notices"),
        (Fault::TellsAnybodyAnything, "an archived entry does not go, the first time"),
        (Fault::TellsAnybodyAnything, "an entry that is archived already is told"),
        (Fault::TellsAnybodyAnything, "delivering calls https://fake.example/posts, which no setting names"),
        (Fault::TellsAnybodyAnything, "an answer is taken to \"https://elsewhere.example/answer\""),
        (Fault::SaysNothing, "entry__by_ada: it must say something, or say why not"),
    ] {
        let found = findings(&subject(fault)).await;
        assert!(found.iter().any(|sentence| sentence.starts_with(wanted)), "{wanted}: {found:?}");
    }
}
