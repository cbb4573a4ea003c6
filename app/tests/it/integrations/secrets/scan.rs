//! Looking for a value in whatever was written, in every spelling in which it could have got there.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

/// Something written somewhere.
pub struct Written {
    pub place: String,
    text: String,
}

impl Written {
    /// As bytes; what a database shows of bytes in hexadecimal is read as bytes, too.
    pub fn new(place: impl Into<String>, bytes: &[u8]) -> Self {
        let mut text = String::from_utf8_lossy(bytes).into_owned();
        let decoded: Vec<String> = text
            .split(|sign: char| !sign.is_ascii_hexdigit())
            .filter(|run| run.len() >= 16 && run.len() % 2 == 0)
            .filter_map(|run| hex::decode(run).ok())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .collect();
        text.extend(decoded.into_iter().flat_map(|decoded| ["\n".to_owned(), decoded]));
        Self { place: place.into(), text }
    }

    /// In which spelling a value stands in it, if it does.
    pub fn shows(&self, value: &str) -> Option<&'static str> {
        spellings(value).into_iter().find(|(_, spelling)| self.text.contains(spelling)).map(|(name, _)| name)
    }
}

/// A value in the clear, and as it looks in hexadecimal, base64, an address and JSON.
pub fn spellings(value: &str) -> Vec<(&'static str, String)> {
    let mut all = vec![
        ("in the clear", value.to_owned()),
        ("hexadecimal", hex::encode(value)),
        ("hexadecimal", hex::encode_upper(value)),
        ("as in a form", url::form_urlencoded::byte_serialize(value.as_bytes()).collect()),
        ("as in an address", value.bytes().map(percent).collect()),
        ("JSON", serde_json::to_string(value).unwrap().trim_matches('"').to_owned()),
        ("Debug", format!("{value:?}").trim_matches('"').to_owned()),
    ];
    // In base64 a value looks different depending on how many bytes stand before it. The first and the last signs hold
    // bits of its neighbours.
    for before in 0..3 {
        let bytes = [&b"???"[..before], value.as_bytes()].concat();
        for text in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
            all.push(("base64", text[(before * 8).div_ceil(6)..text.len() - 2].to_owned()));
        }
    }
    all
}

fn percent(byte: u8) -> String {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    }
}

#[test]
fn a_value_is_found_in_every_spelling() {
    let value = "a+planted/value=ä 1234";
    for (name, spelling) in spellings(value) {
        let written = Written::new("here", format!("before {spelling} behind").as_bytes());
        assert!(written.shows(value).is_some(), "{name}: {spelling}");
        assert_eq!(written.shows("another value, not there"), None);
    }
    for before in ["", "x", "xy", "xyz"] {
        let hidden = STANDARD_NO_PAD.encode(format!("{before}{value} and more"));
        assert_eq!(Written::new("here", hidden.as_bytes()).shows(value), Some("base64"), "{before:?}");
        let twice = hex::encode(format!("{before}{hidden}"));
        assert_eq!(Written::new("here", format!("\\x{twice}").as_bytes()).shows(value), Some("base64"), "{before:?}");
    }
}
