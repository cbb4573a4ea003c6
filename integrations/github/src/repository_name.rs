//! The name of a repository as a person types or pastes it. Checked before it becomes part of any URL.

/// `owner/name`, both known to be nothing but a name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RepositoryName<'a> {
    pub(crate) owner: &'a str,
    pub(crate) name: &'a str,
}

/// GitHub's own limit for repository names; owners are shorter still.
const LONGEST: usize = 100;

impl<'a> RepositoryName<'a> {
    /// Reads `owner/name`, or the address of the repository's page below `web_url`.
    pub(crate) fn parse(typed: &'a str, web_url: &str) -> Option<Self> {
        let typed = typed.trim();
        let without_scheme = |url: &'a str| url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let web = web_url.split_once("://").map_or(web_url, |(_, rest)| rest);
        let path = match without_scheme(typed) {
            Some(address) => {
                let path = address.strip_prefix(web)?.strip_prefix('/')?;
                path.strip_suffix('/').unwrap_or(path)
            }
            None => typed.strip_prefix(web).and_then(|path| path.strip_prefix('/')).unwrap_or(typed),
        };
        let (owner, name) = path.split_once('/')?;
        let name = name.strip_suffix(".git").unwrap_or(name);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let good = |text: &str| (1..=LONGEST).contains(&text.len());
        // Owners with an underscore are an enterprise's managed users.
        let owner_good = good(owner) && owner.bytes().all(plain) && owner.as_bytes()[0].is_ascii_alphanumeric();
        let name_good =
            good(name) && name.bytes().all(|byte| plain(byte) || byte == b'.') && !matches!(name, "." | "..");
        (owner_good && name_good).then_some(Self { owner, name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEB: &str = "https://github.com";

    #[test]
    fn names_and_addresses_of_repositories_are_read() {
        let widgets = Some(RepositoryName { owner: "acme", name: "widgets" });
        for typed in [
            "acme/widgets",
            "  acme/widgets ",
            "https://github.com/acme/widgets",
            "https://github.com/acme/widgets/",
            "https://github.com/acme/widgets.git",
            "http://github.com/acme/widgets",
            "github.com/acme/widgets",
        ] {
            assert_eq!(RepositoryName::parse(typed, WEB), widgets, "{typed}");
        }
        assert!(RepositoryName::parse("octo-org_corp/.github-private_2.0", WEB).is_some());
        assert!(
            RepositoryName::parse("http://127.0.0.1:3001/github/acme/widgets", "http://127.0.0.1:3001/github")
                .is_some()
        );
    }

    #[test]
    fn nothing_else_is_a_name() {
        let long = format!("acme/{}", "a".repeat(101));
        let longer = "a/".repeat(250);
        for typed in [
            "",
            "/",
            "acme",
            "acme/",
            "/widgets",
            "../../user",
            "a/b?x=1",
            "a/b#",
            "a%2fb",
            "a/b%2f",
            "a/b/c",
            ".",
            "..",
            "a/.",
            "a/..",
            "./b",
            "../b",
            "a/.git",
            "a\0/b",
            "a/b\0",
            "а/b",
            "a/ｂ",
            "a b/c",
            "-a/b",
            "a\\b/c",
            "a/b\nc",
            "https://evil.example/acme/widgets",
            "https://github.com.evil/acme/widgets",
            "https://github.com@evil/a/b",
            "https://github.com/acme/widgets/settings",
            "https://github.com/acme/widgets?tab=x",
            "javascript:acme/widgets",
            "github.com/acme",
            "//github.com/acme/widgets",
            &long,
            &longer,
        ] {
            assert_eq!(RepositoryName::parse(typed, WEB), None, "{typed:?}");
        }
    }
}
