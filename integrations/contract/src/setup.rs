//! Links that start in the partner's product: somebody clicks "add" or "configure" there and lands on our page.

use crate::{FormInput, Result};

/// The ability to be set up from the partner's product. What it sends along is a wish, not a right: our page names it,
/// and the partner is asked as the person who came.
pub trait Setup: Send + Sync {
    /// What `GET /integrations/{p}/setup` asks for. Pure; parameters nobody documented are passed over.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Malformed`] with a sentence for whoever came with a broken address.
    fn setup(&self, query: &FormInput) -> Result<SetupWish>;

    /// Whose settings `GET /integrations/{p}/configure` asks for. Pure.
    ///
    /// # Errors
    /// As [`Self::setup`].
    fn configure(&self, query: &FormInput) -> Result<RemoteName>;
}

/// What somebody wants to set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupWish {
    /// What a person reads of it before the partner was asked: "the flow 5d41…".
    pub what: String,
    /// What is to stand in the link form, for [`crate::Integration::new_link`].
    pub form: FormInput,
}

/// Something that a link made at the partner, by the name it has there ([`crate::Remote`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteName {
    /// What it is, as in the ledger.
    pub kind: &'static str,
    /// The partner's id of it.
    pub id: String,
}
