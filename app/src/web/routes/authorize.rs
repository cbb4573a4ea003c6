//! `/integrations/{p}/authorize`: where somebody lands who wrote to us, or clicked a button of ours, at a partner, and whom
//! we did not know. Reading the page changes nothing; joining the accounts is a form.

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use integration_contract::{FormInput, SecretString};

use super::{connect::lead, integrations::needs_account, site::SiteField};
use crate::{
    core::{
        self, Core,
        integration_users::{self, Ask, Claim, Need, Purpose},
        partners::Partner,
        people::Member,
    },
    web::{
        Result,
        extract::{Form, Path, SignedIn},
        page::{Page, Place, Tone, draw},
    },
};

#[derive(Template)]
#[template(path = "integrations/authorize.html")]
struct AuthorizePage {
    page: Page,
    partner: &'static str,
    partner_name: &'static str,
    account: String,
    organization: String,
    claim: String,
    /// Whether they have to show it at the partner; else their word is enough.
    proof: bool,
    /// The other partner whose account it takes besides.
    needs: Option<&'static str>,
    site: Option<SiteField>,
}

#[derive(Template)]
#[template(path = "integrations/missing.html")]
struct MissingPage {
    page: Page,
    partner: &'static str,
    partner_name: &'static str,
    needs: String,
    needs_name: &'static str,
    claim: Option<String>,
    site: Option<SiteField>,
}

#[derive(Template)]
#[template(path = "integrations/notice.html")]
pub(super) struct NoticePage {
    pub(super) page: Page,
    pub(super) title: String,
    pub(super) text: String,
    /// Where it goes on, and what that is called.
    pub(super) door: (String, String),
}

/// What the address, or a form, says.
struct Asked {
    claim: SecretString,
    claim_text: String,
    /// The account that may be missing; after a claim was proven the person is led here with it. The inner one is none when
    /// the claim said so.
    missing: Option<Option<Need>>,
}

impl Asked {
    fn of(input: &FormInput) -> Self {
        let claim_text = input.one("claim").to_owned();
        let missing = input.all("missing").first().map(|_| input.one("missing"));
        let missing = missing.map(|text| (!text.is_empty()).then(|| Need::read(text)));
        Self { claim: SecretString::from(claim_text.clone()), claim_text, missing }
    }
}

/// `GET /integrations/{p}/authorize?claim=…`, and `?missing=…` for what comes after it.
pub async fn show(
    State(core): State<Core>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    who: SignedIn,
) -> Result<Response> {
    let partner = core.partners.get(&id)?;
    let asked = Asked::of(&url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).collect());
    if let (true, Some(needs)) = (asked.claim_text.is_empty(), asked.missing) {
        return missing(&core, &who, &who.member()?, partner, needs, None, Site::Empty).await;
    }
    match integration_users::claimed(&core, &who.person, partner, &asked.claim).await {
        Ok(claim) => draw_claim(&core, &who, partner, claim, asked.claim_text, Site::Empty).await,
        Err(core::Error::NotFound) => gone(&who, partner, None).await,
        Err(error) => Err(error.into()),
    }
}

/// `POST /integrations/{p}/authorize`
pub async fn accept(
    State(core): State<Core>,
    Path(id): Path<String>,
    who: SignedIn,
    Form(form): Form,
) -> Result<Response> {
    let partner = core.partners.get(&id)?;
    let asked = Asked::of(&form);
    if let (true, Some(needs)) = (asked.claim_text.is_empty(), asked.missing) {
        return connect_missing(&core, &who, &who.member()?, partner, needs, &form, None).await;
    }
    let claim = match integration_users::claimed(&core, &who.person, partner, &asked.claim).await {
        Ok(claim) => claim,
        Err(core::Error::NotFound) => return gone(&who, partner, None).await,
        Err(error) => return Err(error.into()),
    };
    let member = who.person.member_of(claim.organization.id)?;
    match claim.ask.clone() {
        Ask::Word => take_word(&core, &who, partner, claim).await,
        Ask::Proof => {
            let site = match SiteField::read(partner, &form) {
                Ok(site) => site,
                Err(field) => {
                    return draw_claim(&core, &who, partner, claim, asked.claim_text, Site::Refused(*field)).await;
                }
            };
            who.choose(member.organization).await?;
            let return_to = Some(after(partner, claim.needs.as_ref()));
            let purpose = Purpose { site, claim_hash: Some(claim.token_hash), return_to, ..Purpose::default() };
            lead(&core, &who, &member, partner, purpose).await
        }
        Ask::Account(needs) => {
            let claim = (claim, asked.claim_text);
            connect_missing(&core, &who, &member, partner, Some(needs), &form, Some(claim)).await
        }
        Ask::Nothing => {
            integration_users::use_up(&core, &claim).await?;
            Ok(Redirect::to(&after(partner, None)).into_response())
        }
    }
}

/// Where it goes on once the account is known to be theirs.
fn after(partner: &Partner, needs: Option<&Need>) -> String {
    let needs = needs.map(Need::to_string).unwrap_or_default();
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("missing", &needs).finish();
    format!("/integrations/{}/authorize?{query}", partner.id())
}

/// What stands in the field for the site.
enum Site {
    Empty,
    Refused(SiteField),
}

impl Site {
    fn field(self, partner: &Partner, known: &str) -> (Option<SiteField>, StatusCode) {
        match self {
            Self::Empty => (SiteField::of(partner, known), StatusCode::OK),
            Self::Refused(field) => (Some(field), StatusCode::UNPROCESSABLE_ENTITY),
        }
    }
}

async fn draw_claim(
    core: &Core,
    who: &SignedIn,
    partner: &Partner,
    claim: Claim,
    text: String,
    site: Site,
) -> Result<Response> {
    let proof = match claim.ask {
        Ask::Word => false,
        Ask::Proof => true,
        Ask::Account(_) | Ask::Nothing => {
            let member = who.person.member_of(claim.organization.id)?;
            return missing(core, who, &member, partner, claim.needs, Some(text), site).await;
        }
    };
    let page = who.page(&format!("Your {} account", partner.name())).await?.at(Place::Integrations);
    let (site, status) = if proof { site.field(partner, "") } else { (None, StatusCode::OK) };
    let page = AuthorizePage {
        page,
        partner: partner.id(),
        partner_name: partner.name(),
        account: claim.account_name,
        organization: claim.organization.name,
        claim: text,
        proof,
        needs: claim.needs.and_then(|needs| core.partners.get(&needs.partner).ok()).map(Partner::name),
        site,
    };
    draw(status, &page)
}

async fn take_word(core: &Core, who: &SignedIn, partner: &Partner, claim: Claim) -> Result<Response> {
    match integration_users::accept_claim(core, &who.person, partner, &claim).await {
        Ok(()) => {}
        Err(core::Error::NotFound) => return gone(who, partner, None).await,
        Err(core::Error::Conflict(sentence)) => return gone(who, partner, Some(sentence)).await,
        Err(error) => return Err(error.into()),
    }
    who.choose(claim.organization.id).await?;
    let sentence = format!("What {} writes from {} is yours from now on.", claim.account_name, partner.name());
    who.flash(Tone::Good, sentence).await?;
    Ok(Redirect::to("/settings").into_response())
}

/// The page that asks for the account that is still missing, or says that none is.
async fn missing(
    core: &Core,
    who: &SignedIn,
    member: &Member,
    partner: &Partner,
    needs: Option<Need>,
    claim: Option<String>,
    site: Site,
) -> Result<Response> {
    let page = who.page(&format!("Your {} account", partner.name())).await?.at(Place::Integrations);
    let Some((needs, at)) = lacking(core, member, needs).await? else {
        let page = NoticePage {
            page,
            title: "You are known now".to_owned(),
            text: format!("Go back to {} and click again: from now on it is done as you.", partner.name()),
            door: ("/settings".to_owned(), "See your accounts".to_owned()),
        };
        return draw(StatusCode::OK, &page);
    };
    let (site, status) = site.field(at, needs.site.as_deref().unwrap_or_default());
    let page = MissingPage {
        page,
        partner: partner.id(),
        partner_name: partner.name(),
        needs: needs.to_string(),
        needs_name: at.name(),
        claim,
        site,
    };
    draw(status, &page)
}

/// Leads the person to the partner whose account is missing, and back to where it says that none is. A claim that says no
/// more than that is used up by it.
async fn connect_missing(
    core: &Core,
    who: &SignedIn,
    member: &Member,
    partner: &Partner,
    needs: Option<Need>,
    form: &FormInput,
    claim: Option<(Claim, String)>,
) -> Result<Response> {
    let Some((needs, at)) = lacking(core, member, needs).await? else {
        return Ok(Redirect::to(&after(partner, None)).into_response());
    };
    let site = match SiteField::read(at, form) {
        Ok(site) => site,
        Err(field) => {
            let text = claim.map(|(_, text)| text);
            return missing(core, who, member, partner, Some(needs), text, Site::Refused(*field)).await;
        }
    };
    if let Some((claim, _)) = claim {
        integration_users::use_up(core, &claim).await?;
        who.choose(member.organization).await?;
    }
    let purpose = Purpose { site, return_to: Some(after(partner, Some(&needs))), ..Purpose::default() };
    lead(core, who, member, at, purpose).await
}

/// What the member lacks, and at which partner; nothing when they have it, or nothing is needed.
async fn lacking<'a>(core: &'a Core, member: &Member, needs: Option<Need>) -> Result<Option<(Need, &'a Partner)>> {
    let Some(needs) = needs else { return Ok(None) };
    let at = core.partners.get(&needs.partner)?;
    // It may come from the address.
    if let Some(site) = &needs.site
        && at.site().and_then(|field| (field.read)(site).ok()).as_ref() != Some(site)
    {
        return Err(core::Error::NotFound.into());
    }
    let lacks = needs_account(at.integration.card()) && needs.is_open(core, member).await?;
    Ok(lacks.then_some((needs, at)))
}

/// One page for an offer that never was, was taken, ran out, or is somebody else's: which, is not for whoever tries.
pub(super) async fn gone(who: &SignedIn, partner: &Partner, why: Option<String>) -> Result<Response> {
    let page = who.page(&format!("Your {} account", partner.name())).await?.at(Place::Integrations);
    let text = why.unwrap_or_else(|| {
        format!(
            "It may have been used, be too old, or be meant for somebody else. Do once more in {} what brought you here, \
             and you get a new one.",
            partner.name()
        )
    });
    let title = "This link does not count".to_owned();
    let page = NoticePage { page, title, text, door: ("/".to_owned(), "Go to the first page".to_owned()) };
    draw(StatusCode::FORBIDDEN, &page)
}
