//! Subdomains: the part of Zendesk's address that each account has for itself, and the only text from a person that
//! becomes part of an address we call.

use integration_contract::Site;

/// What stands behind every subdomain, and is taken off a pasted address.
const DOMAIN: &str = ".zendesk.com";
const LONGEST: usize = 63;

pub(crate) const SITE: Site = Site {
    name: "subdomain",
    label: "Your Zendesk address",
    help: "What stands before .zendesk.com when you are signed in there.",
    placeholder: "acme",
    read,
};

/// A subdomain, typed or pasted with the address around it.
fn read(typed: &str) -> Result<String, &'static str> {
    let text = typed.trim().to_ascii_lowercase();
    let subdomain = match text.strip_prefix("https://") {
        Some(address) => address.split('/').next().and_then(|host| host.strip_suffix(DOMAIN)),
        None => Some(text.strip_suffix(DOMAIN).unwrap_or(&text)),
    };
    match subdomain {
        Some(subdomain) if is_subdomain(subdomain) => Ok(subdomain.to_owned()),
        _ => Err("Type what stands before .zendesk.com: letters, digits and hyphens, nothing else."),
    }
}

/// Letters, digits and inner hyphens, as in a host's name; no Punycode, which shows as something else than it is.
pub(crate) fn is_subdomain(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=LONGEST).contains(&text.len())
        && text.bytes().all(plain)
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.starts_with("xn--")
}

/// What people know an account by.
pub(crate) fn host_name(subdomain: &str) -> String {
    format!("{subdomain}{DOMAIN}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subdomain_is_read_as_typed_or_out_of_a_pasted_address() {
        let longest = "a".repeat(63);
        for (typed, read_as) in [
            ("acme", "acme"),
            (" Acme ", "acme"),
            ("4711", "4711"),
            ("a", "a"),
            ("acme-support-2", "acme-support-2"),
            ("acme.zendesk.com", "acme"),
            ("https://acme.zendesk.com", "acme"),
            ("https://Acme.zendesk.com/agent/tickets/1?x=1#y", "acme"),
            (&longest, &longest),
        ] {
            assert_eq!(read(typed).as_deref(), Ok(read_as), "{typed:?}");
        }
    }

    #[test]
    fn nothing_else_becomes_part_of_an_address() {
        let too_long = "a".repeat(64);
        for typed in [
            "",
            " ",
            "evil.com/",
            "a.b",
            "x@y",
            "-a",
            "a-",
            "xn--a",
            "127.0.0.1",
            "a b",
            "A\u{0}",
            "a/../b",
            "a:80",
            "a_b",
            "ä",
            "ａcme",
            "[::1]",
            ".zendesk.com",
            "a.b.zendesk.com",
            "x@acme.zendesk.com",
            "acme.zendesk.com/",
            "acme.zendesk.com.evil.com",
            "https://evil.com/acme.zendesk.com",
            "https://evil.com#.zendesk.com",
            "https://evil.com?.zendesk.com",
            "https://acme",
            "http://acme.zendesk.com",
            "https://acme.zendesk.com:444/",
            "https://x@acme.zendesk.com/",
            "https://xn--a.zendesk.com",
            "{subdomain}",
            &too_long,
        ] {
            assert!(read(typed).is_err(), "{typed:?}");
        }
    }
}
