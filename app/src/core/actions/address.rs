//! The token in a button's address: the key of the link, what the button is about and what it does, and a tag that only
//! the link's own secret makes. It counts as long as the link lives.
//!
//! `verb (1) · link key (18) · id (16) · tag (16)`, in URL-safe base64.

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use integration_contract::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::{About, Verb};
use crate::db::{EntryId, ItemId};

/// The same secret signs hooks: what was signed for one purpose must not count for the other. No body of a hook begins so.
const PURPOSE: &[u8] = b"patchbay action v1\0";

const KEY: usize = 18;
const ID: usize = 16;
const TAG: usize = 16;
const LENGTH: usize = 1 + KEY + ID + TAG;

/// The text is no token of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// A token as it was sent; believed once [`Self::is_genuine`].
pub struct Token {
    bytes: [u8; LENGTH],
    about: About,
    verb: Verb,
}

/// Writes the token of a button; none when the link's key or the pair of thing and verb is not one of ours.
pub fn write(link_key: &str, about: About, verb: Verb, secret: &SecretString) -> Option<String> {
    let key: [u8; KEY] = URL_SAFE_NO_PAD.decode(link_key).ok()?.try_into().ok()?;
    let id = match (about, verb) {
        (About::Entry(id), Verb::Complete) => id.0,
        (About::Item(id), Verb::AssignToMe | Verb::Close | Verb::Reopen) => id.0,
        _ => return None,
    };
    let mut bytes = vec![number(verb)];
    bytes.extend_from_slice(&key);
    bytes.extend_from_slice(id.as_bytes());
    let tag = tag(&bytes, secret);
    bytes.extend_from_slice(&tag);
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

/// Reads a token, and believes nothing of it yet.
pub fn read(text: &str) -> Result<Token, Unreadable> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Unreadable)?;
    let bytes: [u8; LENGTH] = bytes.try_into().map_err(|_| Unreadable)?;
    let id = Uuid::from_slice(&bytes[1 + KEY..][..ID]).map_err(|_| Unreadable)?;
    let (about, verb) = match bytes[0] {
        1 => (About::Entry(EntryId(id)), Verb::Complete),
        2 => (About::Item(ItemId(id)), Verb::AssignToMe),
        3 => (About::Item(ItemId(id)), Verb::Close),
        4 => (About::Item(ItemId(id)), Verb::Reopen),
        _ => return Err(Unreadable),
    };
    Ok(Token { bytes, about, verb })
}

impl Token {
    /// The key of the link it claims to be of.
    pub fn link_key(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.bytes[1..][..KEY])
    }

    /// Whether we wrote it, for the link with this secret.
    pub fn is_genuine(&self, secret: &SecretString) -> bool {
        let (said, given) = self.bytes.split_at(LENGTH - TAG);
        !secret.expose_secret().is_empty() && verify_slices_are_equal(&tag(said, secret), given).is_ok()
    }

    /// What the button is about.
    pub fn about(&self) -> About {
        self.about
    }

    /// What it does.
    pub fn verb(&self) -> Verb {
        self.verb
    }
}

/// The first byte of a token. Buttons are clicked years later: a number is never given to another verb.
fn number(verb: Verb) -> u8 {
    match verb {
        Verb::Complete => 1,
        Verb::AssignToMe => 2,
        Verb::Close => 3,
        Verb::Reopen => 4,
    }
}

fn tag(said: &[u8], secret: &SecretString) -> [u8; TAG] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(PURPOSE);
    context.update(said);
    let mut tag = [0; TAG];
    tag.iter_mut().zip(context.sign().as_ref()).for_each(|(to, from)| *to = *from);
    tag
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> SecretString {
        "a link's own secret".into()
    }

    fn key() -> String {
        URL_SAFE_NO_PAD.encode([7; KEY])
    }

    fn all() -> [(About, Verb); 4] {
        let (entry, item) = (About::Entry(EntryId::new()), About::Item(ItemId::new()));
        [(entry, Verb::Complete), (item, Verb::AssignToMe), (item, Verb::Close), (item, Verb::Reopen)]
    }

    #[test]
    fn what_was_written_is_read() {
        for (about, verb) in all() {
            let text = write(&key(), about, verb, &secret()).unwrap();
            let token = read(&text).unwrap();

            assert_eq!((token.about(), token.verb(), token.link_key()), (about, verb, key()));
            assert!(token.is_genuine(&secret()));
            assert!(!token.is_genuine(&"another link's".into()) && !token.is_genuine(&"".into()));
            assert_eq!(text.len(), 68);
            assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{text}");
        }
    }

    #[test]
    fn a_token_that_was_changed_anywhere_is_not_genuine() {
        for (about, verb) in all() {
            let bytes = URL_SAFE_NO_PAD.decode(write(&key(), about, verb, &secret()).unwrap()).unwrap();
            for at in 0..LENGTH {
                for bit in 0..8 {
                    let mut changed = bytes.clone();
                    changed[at] ^= 1 << bit;
                    let read = read(&URL_SAFE_NO_PAD.encode(changed));
                    assert!(read.is_err() || !read.unwrap().is_genuine(&secret()), "byte {at}");
                }
            }
        }
    }

    #[test]
    fn a_hooks_signature_is_no_tag_of_a_button() {
        let mut said = vec![1];
        said.extend([7; KEY]);
        said.extend([9; ID]);
        let signed = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret().expose_secret().as_bytes()), &said);
        said.extend_from_slice(&signed.as_ref()[..TAG]);

        assert!(!read(&URL_SAFE_NO_PAD.encode(said)).unwrap().is_genuine(&secret()));
    }

    #[test]
    fn nonsense_is_unreadable() {
        let good = write(&key(), all()[0].0, Verb::Complete, &secret()).unwrap();
        for bad in ["", "x", "no-such-token", &good[1..], &format!("{good}="), &format!("{good}AAAA"), "☃", "\0"] {
            assert!(read(bad).is_err(), "{bad}");
        }
        let unknown_verb = format!("_{}", &good[1..]);
        assert!(read(&unknown_verb).is_err());
    }

    #[test]
    fn a_verb_is_for_its_own_kind_of_thing() {
        let [(entry, complete), (item, close), ..] = all();
        assert!(write(&key(), entry, close, &secret()).is_none());
        assert!(write(&key(), item, complete, &secret()).is_none());
        assert!(write("short", entry, complete, &secret()).is_none());
    }
}
