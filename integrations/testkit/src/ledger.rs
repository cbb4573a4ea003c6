//! The ledger without a database.

use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use integration_contract::{Ledger, Remote, Reservation, Result, SecretString};

/// A ledger in memory. Clones share their rows.
#[derive(Clone, Default)]
pub struct MemoryLedger(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    rows: Vec<Remote>,
    log: Vec<String>,
    secret: Option<SecretString>,
}

impl MemoryLedger {
    /// As an earlier run left it.
    pub fn with(rows: Vec<Remote>) -> Self {
        let ledger = Self::default();
        ledger.kept().rows = rows;
        ledger
    }

    /// What stands in it now.
    pub fn now(&self) -> Vec<Remote> {
        self.kept().rows.clone()
    }

    /// What was written, in order: `reserve webhook 1`, `made 7`, `gone`.
    pub fn log(&self) -> Vec<String> {
        self.kept().log.clone()
    }

    /// What the partner gave for the link.
    pub fn secret(&self) -> Option<SecretString> {
        self.kept().secret.clone()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn rows(&self) -> Result<Vec<Remote>> {
        Ok(self.now())
    }

    async fn reserve(&self, kind: &str, place: &str) -> Result<Reservation> {
        let mut kept = self.kept();
        kept.log.push(format!("reserve {kind} {place}"));
        if let Some(row) = kept.rows.iter().find(|row| row.kind == kind && row.place == place) {
            return Ok(row.reservation.clone());
        }
        let reservation = Reservation(format!("row-{}", kept.log.len()));
        let row = Remote { reservation: reservation.clone(), kind: kind.into(), place: place.into(), id: None };
        kept.rows.push(row);
        Ok(reservation)
    }

    async fn made(&self, reservation: &Reservation, id: &str) -> Result<()> {
        let mut kept = self.kept();
        kept.log.push(format!("made {id}"));
        let row = kept.rows.iter_mut().find(|row| row.reservation == *reservation);
        row.expect("only what was reserved can be made").id = Some(id.to_owned());
        Ok(())
    }

    async fn keep_secret(&self, secret: &SecretString) -> Result<()> {
        let mut kept = self.kept();
        kept.log.push("keep a secret".to_owned());
        kept.secret = Some(secret.clone());
        Ok(())
    }

    async fn gone(&self, reservation: &Reservation) -> Result<()> {
        let mut kept = self.kept();
        kept.log.push("gone".to_owned());
        kept.rows.retain(|row| row.reservation != *reservation);
        Ok(())
    }
}
