//! Alerts: what of a person's needs somebody, for the top of every page of theirs.

use crate::{
    core::{
        Core,
        health::{Kind, Trouble, Troubles},
        people::Person,
    },
    web::{
        Result,
        mend::{Around, Mend},
        page::{Alert, Alerts},
    },
};

/// What is to be said to this person; none when everything works.
pub(super) async fn alerts_of(core: &Core, person: &Person) -> Result<Option<Alerts>> {
    let Troubles { broken, more, recovered } = Troubles::of(core, person).await?;
    if broken.is_empty() && recovered.is_empty() {
        return Ok(None);
    }
    let broken = broken.into_iter().map(|trouble| alert(core, trouble)).collect();
    Ok(Some(Alerts { broken, more, recovered }))
}

fn alert(core: &Core, trouble: Trouble) -> Alert {
    let partner = |id: &str| core.partners.get(id).map_or_else(|_| id.to_owned(), |partner| partner.name().to_owned());
    let (name, href) = match &trouble.kind {
        Kind::Account(row) => {
            let own = row.user_id.is_some();
            let href = if own { "/settings".to_owned() } else { format!("/integrations/{}", row.partner) };
            (format!("{} ({})", partner(&row.partner), trouble.name), href)
        }
        Kind::Link(link, _) => {
            let href = format!("/integrations/{}/link/{}", link.partner, link.id);
            (format!("{} ({})", partner(&link.partner), trouble.name), href)
        }
        Kind::Mirror(mirror) => (trouble.name.clone(), format!("/mirrors/{}", mirror.id)),
    };
    let around = Around { names: &trouble.who, next: &href };
    let mend = trouble.step.map(|step| match &trouble.kind {
        Kind::Account(row) => Mend::of_account(core, step, row, around),
        Kind::Link(link, account) => Mend::of_link(core, step, link, account.as_deref(), around),
        Kind::Mirror(mirror) => Mend::of_mirror(core, step, mirror, around),
    });
    let others = match (&trouble.kind, trouble.others) {
        (_, 0) => String::new(),
        (Kind::Account(_), 1) => ", which stops 1 link,".to_owned(),
        (Kind::Account(_), many) => format!(", which stops {many} links,"),
        (_, 1) => " and 1 more link".to_owned(),
        (_, many) => format!(" and {many} more links"),
    };
    Alert { name, others, reason: trouble.reason.unwrap_or_default(), href, mend }
}
