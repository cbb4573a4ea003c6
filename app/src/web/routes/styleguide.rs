//! `GET /styleguide`: every component on one page, for whoever changes the CSS. Debug builds only.

use askama::Template;
use axum::{
    extract::State,
    response::{Html, IntoResponse, Response},
};
use integration_contract::FieldErrors;

use crate::{
    core::Core,
    db::{OrganizationId, TeamId},
    web::page::{Page, Place, Seen, Tone},
};

#[derive(Template)]
#[template(path = "styleguide/show.html")]
struct StyleGuide {
    page: Page,
    tones: [Tone; 4],
    names: [&'static str; 5],
    errors: FieldErrors,
}

/// `GET /styleguide`
pub async fn show(State(core): State<Core>) -> Response {
    match sample(&core.site.name).render() {
        Ok(page) => Html(page).into_response(),
        Err(error) => error.to_string().into_response(),
    }
}

fn sample(site: &str) -> StyleGuide {
    let acme = (OrganizationId::new(), "Acme".to_owned());
    let product = TeamId::new();
    let person = Seen {
        name: "Ada Lovelace".into(),
        organization: Some(acme.clone()),
        organizations: vec![acme, (OrganizationId::new(), "An organization with a name that goes on".into())],
        teams: vec![(product, "Product".into()), (TeamId::new(), "Customer Happiness".into())],
    };
    StyleGuide {
        page: Page { title: "Style guide".into(), site: site.to_owned(), person: Some(person), ..Page::default() }
            .at(Place::Log(product)),
        tones: [Tone::Good, Tone::Attention, Tone::Bad, Tone::Neutral],
        names: ["Ada Lovelace", "bob", "Nguyễn Thị Minh Khai", "عمر الخيام", "<script>alert(1)</script>"],
        errors: FieldErrors::of("email", "Write it like ada@example.com."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_component_is_drawn_and_names_are_only_text() {
        let page = sample("Patchbay").render().unwrap();
        assert!(!page.contains("<script"));
        assert!(page.contains(r#"aria-describedby="email-error""#));
        assert!(page.contains("/static/app.css?v="));
    }
}
