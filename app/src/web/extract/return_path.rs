//! Where a person goes after log-in: the page they wanted, and never another site.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;

/// A path on this site that a person is sent to: from `?next=` of the address, or from the form's field `next`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReturnPath(Option<String>);

impl ReturnPath {
    /// Takes a path of ours; anything else leads nowhere.
    ///
    /// Browsers read `//host`, `/\host` and, after dropping control characters, `/<tab>/host` as other sites.
    pub fn new(text: &str) -> Self {
        let ours = text.starts_with('/')
            && !text.starts_with("//")
            && text.len() <= 2000
            && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        Self(ours.then(|| text.to_owned()))
    }

    /// The path, or else `default`.
    pub fn or(&self, default: &str) -> String {
        self.0.clone().unwrap_or_else(|| default.to_owned())
    }

    /// The path, for a hidden field; empty when there is none.
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// `path` with this one as its `?next=`.
    pub fn after(&self, path: &str) -> String {
        match &self.0 {
            None => path.to_owned(),
            Some(next) => {
                let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
                format!("{path}?{query}")
            }
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ReturnPath {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or_default();
        let next = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "next");
        Ok(next.map_or_else(Self::default, |(_, value)| Self::new(&value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_taken() {
        for good in ["/", "/teams/1?day=2026-11-02#x", "/a//b", "/login?next=/x"] {
            assert_eq!(ReturnPath::new(good).as_str(), good);
        }
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "https:evil.example",
            "evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "/x\r\nSet-Cookie: a=b",
            " /x",
            "/x y",
            "/é",
            "\\\\evil",
            "/a\\b",
            "javascript:alert(1)",
            "/\0",
        ] {
            assert_eq!(ReturnPath::new(bad), ReturnPath(None), "{bad:?}");
        }
        assert_eq!(ReturnPath::new(&format!("/{}", "a".repeat(2000))), ReturnPath(None));
    }

    #[test]
    fn a_path_survives_the_detour_over_log_in() {
        assert_eq!(ReturnPath::new("/teams/1?a=b&c=d").after("/login"), "/login?next=%2Fteams%2F1%3Fa%3Db%26c%3Dd");
        assert_eq!(ReturnPath::default().after("/login"), "/login");
    }
}
