//! Masking: what a partner answered is kept for whoever looks into a failure, without what could be a token.

/// How much of an answer is kept, in characters.
const LONGEST: usize = 300;

/// A word this long with letters and digits in it may be a token, of whichever partner. Long ids are masked with them.
const SUSPICIOUS: usize = 16;

/// What stands for what was masked.
pub const MASK: &str = "…";

/// Names of fields whose value is nobody's business, wherever they stand in a name.
const SECRET_NAMES: [&str; 6] = ["token", "secret", "password", "authorization", "signature", "cookie"];

/// The beginning of a body, fit to be kept and shown.
pub fn excerpt(body: &[u8]) -> String {
    // A character of text has at most four bytes; some more, so that a masked token does not shorten the rest.
    let beginning = &body[..body.len().min(16 * LONGEST)];
    let text = integration_contract::text::without_nul(&String::from_utf8_lossy(beginning));
    let masked = masked(&text);
    match masked.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &masked[..end]),
        None => masked,
    }
}

/// A text with everything that looks like a token masked.
pub fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut value_is_secret = false;
    while !rest.is_empty() {
        let word = &rest[..rest.find(|c| !is_word(c)).unwrap_or(rest.len())];
        let between = &rest[word.len()..];
        let between = &between[..between.find(is_word).unwrap_or(between.len())];
        rest = &rest[word.len() + between.len()..];
        if !word.is_empty() {
            out.push_str(if value_is_secret || is_secret(word) { MASK } else { word });
            // What follows the name of a secret is one, and so is what follows `Bearer`.
            value_is_secret = (is_secret_name(word) && names(between))
                || (["bearer", "basic"].contains(&word.to_ascii_lowercase().as_str()) && between == " ")
                || (value_is_secret && between == ".");
        }
        out.push_str(between);
    }
    out
}

/// Whether the value of a field of this name is nobody's business.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|secret| name.contains(secret))
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '~')
}

/// Whether this stands between a name and its value: `":"`, `: `, `=`.
fn names(between: &str) -> bool {
    between.contains([':', '='])
}

fn is_secret(word: &str) -> bool {
    let mixed = word.bytes().any(|b| b.is_ascii_digit()) && word.bytes().any(|b| b.is_ascii_alphabetic());
    word.len() >= SUSPICIOUS && mixed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tokens_are_masked_and_the_rest_can_be_read() {
        for (text, kept) in [
            (r#"{"ok":false,"error":"channel_not_found"}"#, r#"{"ok":false,"error":"channel_not_found"}"#),
            (r#"{"ok":true,"ts":"1700000000.123456"}"#, r#"{"ok":true,"ts":"1700000000.123456"}"#),
            (r#"{"access_token":"abc","scope":"chat"}"#, r#"{"access_token":"…","scope":"chat"}"#),
            (r#"{"client_secret": "short"}"#, r#"{"client_secret": "…"}"#),
            ("Authorization: Bearer abc.def", "Authorization: … ….…"),
            ("bad token xoxb-123-4567-abcdef", "bad token …"),
            ("refresh_token=abc&grant=x", "refresh_token=…&grant=x"),
            ("the token was revoked", "the token was revoked"),
            ("/commands/T0001/12345/aBcDeFgHiJkL9876", "/commands/T0001/12345/…"),
            ("/repos/acme/widgets/issues/42", "/repos/acme/widgets/issues/42"),
            ("", ""),
        ] {
            assert_eq!(masked(text), kept, "{text}");
        }
    }

    #[test]
    fn an_excerpt_is_short_whatever_the_body() {
        assert_eq!(excerpt(b"fine"), "fine");
        assert_eq!(excerpt(&vec![b'x'; 1 << 20]).chars().count(), LONGEST + 1);
        assert_eq!(excerpt(b"a\0\xff"), "a\u{fffd}\u{fffd}");
    }

    proptest! {
        #[test]
        fn a_long_mixed_word_never_comes_through(before in r"\PC{0,20}", token in "[a-z]{8}[0-9]{4}[A-Za-z0-9_-]{8,40}") {
            let kept = masked(&format!("{before} {token}"));
            prop_assert!(!kept.contains(&token), "{kept}");
        }

        #[test]
        fn any_bytes_have_an_excerpt(body in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = excerpt(&body);
        }
    }
}
