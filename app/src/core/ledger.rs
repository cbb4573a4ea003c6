//! The ledger of what a link made at its partner: written before it is made, and all that its removal may touch.

use async_trait::async_trait;
use integration_contract::{
    Error as PartnerError, ErrorKind, Ledger, Remote, Reservation, Result as PartnerResult, SecretString,
};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, QueryFilter, QueryOrder};

use super::{Core, Error, Result, sealing::Place};
use crate::db::{
    LinkId, OrganizationId, RemoteId,
    entity::{
        Tenant, integration_link,
        remote::{self, RemoteState},
    },
};

/// The rows of one link.
pub struct LinkLedger {
    core: Core,
    organization: OrganizationId,
    link: LinkId,
}

impl LinkLedger {
    /// The ledger of one link.
    pub fn new(core: &Core, organization: OrganizationId, link: LinkId) -> Self {
        Self { core: core.clone(), organization, link }
    }

    /// What is, or may be, at the partner because of the link, in one of these states.
    ///
    /// # Errors
    /// When the database does not answer; likewise below.
    pub async fn in_state(&self, states: &[RemoteState]) -> Result<Vec<Remote>> {
        let rows = remote::Entity::of(self.organization)
            .filter(remote::Column::LinkId.eq(self.link))
            .filter(remote::Column::State.is_in(states.iter().copied()))
            .order_by_asc(remote::Column::CreatedAt)
            .all(self.core.db.reader())
            .await?;
        Ok(rows.into_iter().map(seen_by_partner).collect())
    }

    /// What removal has to undo, what it gave up on before included.
    ///
    /// # Errors
    /// See [`Self::in_state`].
    pub async fn to_undo(&self) -> Result<Vec<Remote>> {
        self.in_state(&[RemoteState::Reserved, RemoteState::Made, RemoteState::LeftOver]).await
    }

    /// Marks what removal undid, or gave up on.
    ///
    /// # Errors
    /// See [`Self::in_state`].
    pub async fn mark(&self, remote: &Remote, state: RemoteState) -> Result<()> {
        self.change(&remote.reservation, state, None).await
    }

    async fn change(&self, reservation: &Reservation, state: RemoteState, remote_id: Option<&str>) -> Result<()> {
        let id: RemoteId = reservation.0.parse().map_err(|_| Error::NotFound)?;
        self.core
            .db
            .write(async |tx| {
                let mut update = remote::Entity::update_of(self.organization)
                    .filter(remote::Column::Id.eq(id))
                    .filter(remote::Column::LinkId.eq(self.link))
                    .col_expr(remote::Column::State, state.into())
                    .col_expr(remote::Column::UpdatedAt, self.core.clock.now().into());
                if let Some(remote_id) = remote_id {
                    update = update.col_expr(remote::Column::RemoteId, remote_id.into());
                }
                update.exec(tx).await?;
                Ok::<_, Error>(())
            })
            .await
    }
}

/// The partner removed everything the link made there.
///
/// # Errors
/// When the database does not answer.
pub async fn all_gone(tx: &DatabaseTransaction, organization: OrganizationId, link: LinkId, now: i64) -> Result<()> {
    remote::Entity::update_of(organization)
        .filter(remote::Column::LinkId.eq(link))
        .filter(remote::Column::State.ne(RemoteState::Gone))
        .col_expr(remote::Column::State, RemoteState::Gone.into())
        .col_expr(remote::Column::UpdatedAt, now.into())
        .exec(tx)
        .await?;
    Ok(())
}

#[async_trait]
impl Ledger for LinkLedger {
    async fn rows(&self) -> PartnerResult<Vec<Remote>> {
        self.in_state(&[RemoteState::Reserved, RemoteState::Made]).await.map_err(our_trouble)
    }

    async fn reserve(&self, kind: &str, place: &str) -> PartnerResult<Reservation> {
        let now = self.core.clock.now();
        let reserved = self
            .core
            .db
            .write(async |tx| {
                let there = remote::Entity::of(self.organization)
                    .filter(remote::Column::LinkId.eq(self.link))
                    .filter(remote::Column::Kind.eq(kind))
                    .filter(remote::Column::Place.eq(place))
                    .filter(remote::Column::State.is_in([RemoteState::Reserved, RemoteState::Made]))
                    .one(tx)
                    .await?;
                if let Some(there) = there {
                    return Ok::<_, Error>(there.id);
                }
                let id = RemoteId::new();
                let row = remote::ActiveModel {
                    organization_id: Set(self.organization),
                    id: Set(id),
                    link_id: Set(self.link),
                    kind: Set(kind.to_owned()),
                    place: Set(place.to_owned()),
                    remote_id: Set(None),
                    state: Set(RemoteState::Reserved),
                    created_at: Set(now),
                    updated_at: Set(now),
                };
                row.insert(tx).await?;
                Ok(id)
            })
            .await;
        reserved.map(|id| Reservation(id.to_string())).map_err(our_trouble)
    }

    async fn made(&self, reservation: &Reservation, id: &str) -> PartnerResult<()> {
        self.change(reservation, RemoteState::Made, Some(id)).await.map_err(our_trouble)
    }

    async fn keep_secret(&self, secret: &SecretString) -> PartnerResult<()> {
        let sealed = self.core.vault.seal(Place::given_secret(self.organization, self.link), secret);
        let kept = self
            .core
            .db
            .write(async |tx| {
                integration_link::Entity::update_of(self.organization)
                    .filter(integration_link::Column::Id.eq(self.link))
                    .col_expr(integration_link::Column::GivenSecret, sealed.into())
                    .exec(tx)
                    .await
            })
            .await;
        kept.map(drop).map_err(|error| our_trouble(error.into()))
    }

    async fn gone(&self, reservation: &Reservation) -> PartnerResult<()> {
        self.change(reservation, RemoteState::Gone, None).await.map_err(our_trouble)
    }
}

fn seen_by_partner(row: remote::Model) -> Remote {
    Remote { reservation: Reservation(row.id.to_string()), kind: row.kind, place: row.place, id: row.remote_id }
}

fn our_trouble(error: Error) -> PartnerError {
    PartnerError::new(ErrorKind::Unavailable, "Our own database did not answer.").caused_by(error)
}
