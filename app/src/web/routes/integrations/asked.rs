//! What the address of the catalogue asks for: words, a category. The other way round, the addresses of its own links.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;
use integration_contract::text;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// More than this nobody types to find a tool.
const LONGEST: usize = 100;

/// What is asked of the catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// As it was typed.
    pub words: String,
    /// One of the catalogue's categories; empty = all of them.
    pub category: String,
}

impl Asked {
    fn read(query: &str) -> Self {
        let mut asked = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let value = text::cut(value.trim(), LONGEST);
            match &*name {
                "q" => asked.words = value,
                "category" => asked.category = value,
                _ => {}
            }
        }
        asked
    }

    /// The catalogue with the same words, and this category.
    pub fn in_category(&self, category: &str) -> String {
        Self { category: category.to_owned(), ..self.clone() }.address()
    }

    fn address(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in [("q", &self.words), ("category", &self.category)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        match query.finish() {
            query if query.is_empty() => "/integrations".to_owned(),
            query => format!("/integrations?{query}"),
        }
    }

    /// Whether a text of this kind ([`folded`]) has all the words.
    pub fn finds(&self, folded_text: &str) -> bool {
        folded(&self.words).split_whitespace().all(|word| folded_text.contains(word))
    }
}

/// A text without capitals and accents: who looks for `resume` finds `Résumé`.
pub fn folded(text: &str) -> String {
    text.nfkd().filter(|letter| !is_combining_mark(*letter)).collect::<String>().to_lowercase()
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::read(parts.uri.query().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_and_accents_make_no_difference() {
        let text = folded("Résumé · Größe · ＷＩＤＥ · İstanbul");
        for words in ["resume", "RÉSUMÉ", "größe resume", "wide", "istanbul", "", "   "] {
            assert!(Asked::read(&format!("q={words}")).finds(&text), "{words}");
        }
        for words in ["resumes", "wide nothing", "%00"] {
            assert!(!Asked::read(&format!("q={words}")).finds(&text), "{words}");
        }
    }

    #[test]
    fn what_is_asked_stands_in_the_addresses() {
        let asked = Asked::read("q=+a%26b+&category=Code&x=1&q=last");
        assert_eq!(asked, Asked { words: "last".into(), category: "Code".into() });
        assert_eq!(asked.in_category(""), "/integrations?q=last");
        assert_eq!(Asked::default().in_category("R&D"), "/integrations?category=R%26D");
        assert_eq!(Asked::default().in_category(""), "/integrations");
        assert!(Asked::read(&format!("q={}", "a".repeat(5000))).words.len() < 200);
    }
}
