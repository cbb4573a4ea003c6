//! Passwords: argon2id, away from the threads that answer requests.

use std::{sync::Arc, time::Duration};

use anyhow::anyhow;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use integration_contract::{ExposeSecret, FieldErrors, SecretString};
use tokio::sync::Semaphore;

use super::{Error, Result};

/// The shortest password, in characters.
pub const SHORTEST: usize = 8;
/// The longest password, in characters.
pub const LONGEST: usize = 1000;

/// How long somebody waits for their turn before they are asked to come back.
const PATIENCE: Duration = Duration::from_secs(10);

/// The hash of a password that nobody knows. Checking against it takes as long as against a real one, so that the time
/// of an answer does not tell whether an account exists.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5J3Mgc2FsdCE$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes and checks passwords, a few at a time: each takes 19 MiB and a processor while it lasts.
pub(super) struct Passwords {
    turns: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self { turns: Arc::new(Semaphore::new(processors)) }
    }
}

impl Passwords {
    /// The hash to keep, in PHC form.
    pub(super) async fn hash(&self, password: &SecretString) -> Result<String> {
        let password = password.clone();
        self.in_turn(move || {
            Argon2::default()
                .hash_password(password.expose_secret().as_bytes())
                .map(|hash| hash.to_string())
                .map_err(|error| anyhow!("a password could not be hashed: {error}"))
        })
        .await?
        .map_err(Error::Internal)
    }

    /// Whether the password is the one that was hashed; without a hash it never is, and takes as long.
    pub(super) async fn fits(&self, password: &SecretString, hash: Option<&str>) -> Result<bool> {
        let password = password.clone();
        let known = hash.is_some();
        let hash = hash.unwrap_or(NOBODY).to_owned();
        let same = self
            .in_turn(move || {
                Argon2::default().verify_password(password.expose_secret().as_bytes(), hash.as_str()).is_ok()
            })
            .await?;
        Ok(same && known)
    }

    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let turn = match tokio::time::timeout(PATIENCE, self.turns.clone().acquire_owned()).await {
            Ok(turn) => turn.map_err(|closed| Error::Internal(closed.into()))?,
            Err(_) => return Err(Error::TooMany(PATIENCE.as_secs())),
        };
        // The turn goes in with the work: a caller who hangs up does not let the next one in early.
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        done.await.map_err(|error| Error::Internal(error.into()))
    }
}

/// Adds a sentence when a password can't be taken. Length is the only rule: it is the one that helps.
pub(super) fn check(errors: &mut FieldErrors, field: &str, password: &SecretString) {
    let length = password.expose_secret().chars().count();
    if length < SHORTEST {
        errors.add(field, format!("Use at least {SHORTEST} characters."));
    } else if length > LONGEST {
        errors.add(field, format!("Use at most {LONGEST} characters."));
    }
}

#[cfg(test)]
mod tests {
    use argon2::PasswordHash;

    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let passwords = Passwords::default();
        let hash = passwords.hash(&"correct horse".into()).await.unwrap();

        assert!(hash.starts_with("$argon2id$"));
        assert!(passwords.fits(&"correct horse".into(), Some(&hash)).await.unwrap());
        assert!(!passwords.fits(&"correct hors".into(), Some(&hash)).await.unwrap());
        assert!(!passwords.fits(&"correct horse".into(), None).await.unwrap());
        assert_ne!(hash, passwords.hash(&"correct horse".into()).await.unwrap());
    }

    #[tokio::test]
    async fn checking_against_nobody_costs_as_much_as_against_somebody() {
        let real = Passwords::default().hash(&"x".into()).await.unwrap();
        let (real, nobody) = (PasswordHash::new(&real).unwrap(), PasswordHash::new(NOBODY).unwrap());
        assert_eq!(real.algorithm, nobody.algorithm);
        assert_eq!(real.version, nobody.version);
        assert_eq!(real.params, nobody.params);
        assert_eq!(real.hash.map(|hash| hash.len()), nobody.hash.map(|hash| hash.len()));
        assert_eq!(real.salt.map(|salt| salt.len()), nobody.salt.map(|salt| salt.len()));
    }

    #[test]
    fn a_password_has_8_to_1000_characters_whatever_they_are() {
        let taken = |password: String| {
            let mut errors = FieldErrors::default();
            check(&mut errors, "password", &password.into());
            errors.is_empty()
        };
        assert!(taken("patchbay".into()));
        assert!(taken("пароль12".into()));
        assert!(taken("        ".into()));
        assert!(taken("é".repeat(1000)));
        assert!(!taken("1234567".into()));
        assert!(!taken("é".repeat(1001)));
    }
}
