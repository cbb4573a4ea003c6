//! What can go wrong in the core, in the words of the one who asked.

use integration_contract::FieldErrors;
use sea_orm::DbErr;

use crate::db::{OrganizationId, entity::member::Role};

/// A result with a core [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the core did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not there, or not for the one who asks: both read the same.
    #[error("not found")]
    NotFound,
    /// It is there and visible, but the asker's role does not allow it.
    #[error("{}", .0.sentence)]
    Forbidden(Barrier),
    /// What was typed can't be used; a sentence per field.
    #[error("the input has errors")]
    Invalid(FieldErrors),
    /// It does not fit what is there already; the sentence says what.
    #[error("{0}")]
    Conflict(String),
    /// Too often; after so many seconds it may be tried again.
    #[error("too many attempts")]
    TooMany(u64),
    /// The partner did not do its part.
    #[error(transparent)]
    Partner(#[from] integration_contract::Error),
    /// Our database did not answer in time, or is full: worth trying again.
    #[error("the database is not available")]
    Busy(#[source] DbErr),
    /// Our own mistake.
    #[error("internal error")]
    Internal(#[from] anyhow::Error),
}

/// What keeps somebody from doing something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Barrier {
    /// Says who may.
    pub sentence: String,
    /// Of which organization they are who may, and their least role, where it is a matter of that.
    pub who_may: Option<(OrganizationId, Role)>,
}

impl Error {
    /// One field's sentence.
    pub fn field(name: &str, sentence: impl Into<String>) -> Self {
        Self::Invalid(FieldErrors::of(name, sentence))
    }

    /// "Only … may …" when it is a matter of whose something is.
    pub fn forbidden(sentence: impl Into<String>) -> Self {
        Self::Forbidden(Barrier { sentence: sentence.into(), who_may: None })
    }

    /// The same when a role in the organization is missing.
    pub fn lacks_role(organization: OrganizationId, least: Role, sentence: impl Into<String>) -> Self {
        Self::Forbidden(Barrier { sentence: sentence.into(), who_may: Some((organization, least)) })
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        match error {
            // What a person sends never reaches SQL unchecked, so these are our mistakes, not the database's state.
            DbErr::Type(_) | DbErr::Json(_) | DbErr::AttrNotSet(_) | DbErr::PrimaryKeyNotSet { .. } => {
                Self::Internal(error.into())
            }
            other => Self::Busy(other),
        }
    }
}
