//! How a message looks at the partner, as plain values: a page of the host's holds only markup of its own.

/// A message at the partner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// Whose message it is there; `None` = the app's own, by whatever name the operator gave it.
    pub by: Option<String>,
    /// From the top to the bottom.
    pub parts: Vec<PicturePart>,
    /// What stands on its buttons.
    pub buttons: Vec<String>,
}

/// A piece of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PicturePart {
    /// What it is about, larger than the rest.
    Title(Vec<Words>),
    /// What it says; lines are lines.
    Text(Vec<Words>),
    /// In smaller letters.
    Small(Vec<Words>),
    /// How what it is about stands, in a word.
    State(String),
    /// A name and what it says.
    Fact(String, Vec<Words>),
}

/// Words that look alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// As they are read: no markup of any kind.
    pub text: String,
    /// In bold.
    pub bold: bool,
    /// They lead somewhere.
    pub link: bool,
}

impl Words {
    /// Words like any others.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

impl Picture {
    /// Everything that can be read in it, piece by piece.
    pub fn said(&self) -> impl Iterator<Item = &str> {
        let of_parts = self.parts.iter().flat_map(|part| -> Vec<&str> {
            match part {
                PicturePart::Title(words) | PicturePart::Text(words) | PicturePart::Small(words) => {
                    texts(words).collect()
                }
                PicturePart::State(word) => vec![word],
                PicturePart::Fact(name, words) => std::iter::once(name.as_str()).chain(texts(words)).collect(),
            }
        });
        self.by.iter().map(String::as_str).chain(of_parts).chain(self.buttons.iter().map(String::as_str))
    }
}

fn texts(words: &[Words]) -> impl Iterator<Item = &str> {
    words.iter().map(|words| words.text.as_str())
}
