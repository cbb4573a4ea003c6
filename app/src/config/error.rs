//! A setting that can't be used.

/// A result with an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One sentence that names the variable and says what would do. Values are repeated only where they can't be secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

impl Error {
    pub(super) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}
