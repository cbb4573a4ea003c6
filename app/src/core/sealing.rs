//! Sealing: secrets are encrypted before they touch a disk, and bound to the place they belong to.
//!
//! AES-256-GCM with a random nonce. The tenant, the row, the column and the key's version are authenticated with the
//! text, so a sealed value that is moved to another row or tenant does not open. Record: version (1 byte) · nonce (12)
//! · ciphertext and tag.
//!
//! The key file may get another key while processes run (see `rotation`): a vault looks at it again before it seals, and
//! when it meets a version it does not know.

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use anyhow::{Context, bail, ensure};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey},
    digest, hkdf, rand,
};
use integration_contract::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::db::{IntegrationUserId, LinkId, MirrorChangeId, MirrorPairId, OrganizationId, OutboxMessageId};

const NONCE: usize = 12;

/// Where a sealed value belongs.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The tenant.
    pub organization: OrganizationId,
    /// The row.
    pub row: Uuid,
    /// The table and column, for example `integration_links.hook_secret`.
    pub column: &'static str,
}

/// A sealed value that does not open here: damaged, moved, or sealed with a key we do not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value does not open")]
pub struct DoesNotOpen;

/// What seals and opens.
pub struct Vault {
    /// The newest key seals, all of them open.
    keys: Mutex<Arc<[Key]>>,
    file: Option<KeyFile>,
}

/// The file the keys were read from.
struct KeyFile {
    path: PathBuf,
    /// How it looked then.
    seen: Mutex<Option<Look>>,
}

/// What changes with a file's content.
type Look = (SystemTime, u64);

struct Key {
    version: u8,
    sealing: RandomizedNonceKey,
    /// For what has to be recognised but never read: derived, so that no key does two things.
    tagging: aws_lc_rs::hmac::Key,
}

impl Vault {
    /// Reads the key file, or makes it (mode 0600) when it is not there.
    ///
    /// A line per key, `v1:<64 hexadecimal digits>`; the last one seals. The flag says whether the file was made just now.
    ///
    /// # Errors
    /// When the file can't be read or made, can be read by others, or holds no good key.
    pub fn open_or_create(path: &Path) -> anyhow::Result<(Self, bool)> {
        let made = match std::fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let text = SecretString::from(line(1, &new_key()?));
                create(path, &text).with_context(|| format!("can't make the key file {}", path.display()))?
            }
            _ => false,
        };
        Ok((Self::open_file(path)?, made))
    }

    /// Reads the key file.
    ///
    /// # Errors
    /// When it is not there, can be read by others, or holds no good key.
    pub fn open_file(path: &Path) -> anyhow::Result<Self> {
        let file = KeyFile { path: path.to_owned(), seen: Mutex::new(look(path)) };
        let keys = Mutex::new(file.read()?.into());
        Ok(Self { keys, file: Some(file) })
    }

    /// Keys as they stand in the file.
    ///
    /// # Errors
    /// When a line is not a key, a version stands twice, or there is none.
    pub fn from_text(text: &SecretString) -> anyhow::Result<Self> {
        Ok(Self { keys: Mutex::new(keys_in(text)?.into()), file: None })
    }

    /// Adds a key to the key file; it seals from now on. Gives its version.
    ///
    /// # Errors
    /// When the file can't be written, or every version is taken.
    pub fn add_key(&self) -> anyhow::Result<u8> {
        let file = self.file.as_ref().context("the keys are not from a file")?;
        let old = SecretString::from(std::fs::read_to_string(&file.path)?);
        let newest = keys_in(&old)?.iter().map(|key| key.version).max().unwrap_or(0);
        let version = newest.checked_add(1).context("all 255 versions of keys are taken: remove lines of old ones")?;
        let key = new_key()?;
        let text = SecretString::from(format!("{}\n{}", old.expose_secret().trim_end(), line(version, &key)));
        // Replaced as a whole, so that no process reads half of it.
        let beside = write_beside(&file.path, &text)?;
        std::fs::rename(beside, &file.path)?;
        self.look_again();
        Ok(version)
    }

    /// The version that a value was sealed with.
    pub fn version_of(record: &[u8]) -> Option<u8> {
        record.first().copied()
    }

    /// The version that seals.
    pub fn newest_version(&self) -> u8 {
        self.look_again();
        newest(&self.keys()).version
    }

    /// Seals a text for its place.
    pub fn seal(&self, place: Place, clear: &SecretString) -> Vec<u8> {
        self.look_again();
        let keys = self.keys();
        let key = newest(&keys);
        let mut text = clear.expose_secret().as_bytes().to_vec();
        let nonce = key
            .sealing
            .seal_in_place_append_tag(place.aad(key.version), &mut text)
            .expect("AES-GCM seals any text shorter than 64 GB");
        let mut record = Vec::with_capacity(1 + NONCE + text.len());
        record.push(key.version);
        record.extend_from_slice(nonce.as_ref());
        record.append(&mut text);
        record
    }

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    /// [`DoesNotOpen`] for anything else, however short or long.
    pub fn open(&self, place: Place, record: &[u8]) -> Result<SecretString, DoesNotOpen> {
        let (&version, rest) = record.split_first().ok_or(DoesNotOpen)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE).ok_or(DoesNotOpen)?;
        let mut keys = self.keys();
        if keys.iter().all(|key| key.version != version) {
            self.look_again();
            keys = self.keys();
        }
        let key = keys.iter().find(|key| key.version == version).ok_or(DoesNotOpen)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| DoesNotOpen)?;
        let mut text = sealed.to_vec();
        let clear = key.sealing.open_in_place(nonce, place.aad(version), &mut text).map_err(|_| DoesNotOpen)?;
        std::str::from_utf8(clear).map(SecretString::from).map_err(|_| DoesNotOpen)
    }

    /// An authenticator over `message` for one purpose: proves later that we made it.
    pub fn tag(&self, purpose: &str, message: &[u8]) -> Vec<u8> {
        aws_lc_rs::hmac::sign(&newest(&self.keys()).tagging, &purposed(purpose, message)).as_ref().to_vec()
    }

    /// Whether we made this authenticator, in time that does not depend on where it differs.
    pub fn tag_fits(&self, purpose: &str, message: &[u8], tag: &[u8]) -> bool {
        let message = purposed(purpose, message);
        self.keys().iter().any(|key| aws_lc_rs::hmac::verify(&key.tagging, &message, tag).is_ok())
    }

    fn keys(&self) -> Arc<[Key]> {
        Arc::clone(&self.keys.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the key file again if it has changed. What can't be read leaves the keys as they are.
    fn look_again(&self) {
        let Some(file) = &self.file else { return };
        let now = look(&file.path);
        let mut seen = file.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if now.is_none() || *seen == now {
            return;
        }
        match file.read() {
            Ok(keys) => *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = keys.into(),
            Err(error) => tracing::error!(error = format!("{error:#}"), "the key file changed and can't be used"),
        }
        *seen = now;
    }
}

impl KeyFile {
    fn read(&self) -> anyhow::Result<Vec<Key>> {
        let path = self.path.display();
        let text = std::fs::read_to_string(&self.path).with_context(|| format!("can't read the key file {path}"))?;
        only_ours(&self.path)?;
        keys_in(&SecretString::from(text)).with_context(|| format!("the key file {path}"))
    }
}

fn look(path: &Path) -> Option<Look> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

fn newest(keys: &[Key]) -> &Key {
    keys.last().expect("a vault is never without a key")
}

fn keys_in(text: &SecretString) -> anyhow::Result<Vec<Key>> {
    let mut keys: Vec<Key> = Vec::new();
    for line in text.expose_secret().lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (version, digits) = line.split_once(':').context("a line is not vN:KEY")?;
        let version = version.strip_prefix('v').and_then(|n| n.parse().ok()).context("a line is not vN:KEY")?;
        let bytes =
            hex::decode(digits).ok().filter(|bytes| bytes.len() == 32).context("a key is not 64 hexadecimal digits")?;
        ensure!(keys.iter().all(|key| key.version != version), "key v{version} stands twice");
        keys.push(Key::new(version, &bytes)?);
    }
    ensure!(!keys.is_empty(), "there is no key in it");
    Ok(keys)
}

fn new_key() -> anyhow::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| anyhow::anyhow!("the system gives no random bytes"))?;
    Ok(bytes)
}

fn line(version: u8, key: &[u8; 32]) -> String {
    format!("v{version}:{}\n", hex::encode(key))
}

impl Key {
    fn new(version: u8, bytes: &[u8]) -> anyhow::Result<Self> {
        let bad = |_| anyhow::anyhow!("the key can't be used");
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"patchbay").extract(bytes);
        let (mut sealing, mut tagging) = ([0; 32], [0; 32]);
        root.expand(&[b"sealing"], hkdf::HKDF_SHA256).and_then(|okm| okm.fill(&mut sealing)).map_err(bad)?;
        root.expand(&[b"tagging"], hkdf::HKDF_SHA256).and_then(|okm| okm.fill(&mut tagging)).map_err(bad)?;
        Ok(Self {
            version,
            sealing: RandomizedNonceKey::new(&AES_256_GCM, &sealing).map_err(bad)?,
            tagging: aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &tagging),
        })
    }
}

impl Place {
    /// Where an account's credentials stand.
    pub fn credentials(organization: OrganizationId, account: IntegrationUserId) -> Self {
        Self { organization, row: account.0, column: "integration_users.credentials" }
    }

    /// Where a link's hook secret stands.
    pub fn hook_secret(organization: OrganizationId, link: LinkId) -> Self {
        Self { organization, row: link.0, column: "integration_links.hook_secret" }
    }

    /// Where what the partner gave for a link alone stands.
    pub fn given_secret(organization: OrganizationId, link: LinkId) -> Self {
        Self { organization, row: link.0, column: "integration_links.given_secret" }
    }

    /// Where a consent's PKCE verifier stands. A consent has no id; the first half of its state's hash is as good as one.
    pub fn verifier(organization: OrganizationId, state_hash: &[u8]) -> Self {
        let mut row = [0; 16];
        row.iter_mut().zip(state_hash).for_each(|(to, from)| *to = *from);
        Self { organization, row: Uuid::from_bytes(row), column: "oauth_states.verifier" }
    }

    /// Where the content of an outgoing message stands.
    pub fn outbox_content(organization: OrganizationId, message: OutboxMessageId) -> Self {
        Self { organization, row: message.0, column: "outbox_messages.content" }
    }

    /// Where a change that a mirror carries stands.
    pub fn mirror_content(organization: OrganizationId, change: MirrorChangeId) -> Self {
        Self { organization, row: change.0, column: "mirror_changes.content" }
    }

    /// Where what a mirror is saying stands.
    pub fn mirror_saying(organization: OrganizationId, pair: MirrorPairId) -> Self {
        Self { organization, row: pair.0, column: "mirror_pairs.saying" }
    }

    /// Where the instance's check value stands; it belongs to no tenant.
    pub(super) fn check() -> Self {
        Self { organization: OrganizationId(Uuid::nil()), row: Uuid::nil(), column: "instance.value" }
    }

    fn aad(&self, version: u8) -> Aad<Vec<u8>> {
        let mut bytes = vec![version];
        bytes.extend_from_slice(self.organization.0.as_bytes());
        bytes.extend_from_slice(self.row.as_bytes());
        bytes.extend_from_slice(self.column.as_bytes());
        Aad::from(bytes)
    }
}

/// SHA-256: how tokens that only have to be recognised are kept.
pub fn digest_of(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

/// A random text of `bytes` random bytes, in URL-safe base64 without padding.
pub fn random_text(bytes: usize) -> SecretString {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let mut random = vec![0; bytes];
    rand::fill(&mut random).expect("the system gives random bytes");
    SecretString::from(URL_SAFE_NO_PAD.encode(&random))
}

fn purposed(purpose: &str, message: &[u8]) -> Vec<u8> {
    [purpose.as_bytes(), &[0], message].concat()
}

/// Makes the key file, unless somebody else made it at the same time; says which.
fn create(path: &Path, text: &SecretString) -> anyhow::Result<bool> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    // Linked into place: two first starts at once end with one key, and none is half-written.
    let beside = write_beside(path, text)?;
    let linked = std::fs::hard_link(&beside, path);
    std::fs::remove_file(&beside)?;
    match linked {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Writes a file of our own (mode 0600) beside another, to its last byte.
fn write_beside(path: &Path, text: &SecretString) -> anyhow::Result<PathBuf> {
    let mut beside = PathBuf::from(path);
    beside.set_extension(format!("{}.new", Uuid::now_v7().simple()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(text.expose_secret().as_bytes())?;
    file.sync_all()?;
    Ok(beside)
}

fn only_ours(path: &Path) -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path)?.permissions().mode();
        if mode & 0o077 != 0 {
            bail!("the key file {} can be read by others: chmod 600 it", path.display());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(text: &str) -> Vault {
        Vault::from_text(&SecretString::from(text)).unwrap()
    }

    fn line(version: u8) -> String {
        format!("v{version}:{}\n", hex::encode([version; 32]))
    }

    fn place() -> Place {
        Place { organization: OrganizationId(Uuid::from_u128(1)), row: Uuid::from_u128(2), column: "table.column" }
    }

    #[test]
    fn a_sealed_text_opens_in_its_own_place_only() {
        let vault = vault(&line(1));
        let record = vault.seal(place(), &"gho_secret".into());

        assert_eq!(vault.open(place(), &record).unwrap().expose_secret(), "gho_secret");
        let elsewhere = [
            Place { organization: OrganizationId(Uuid::from_u128(9)), ..place() },
            Place { row: Uuid::from_u128(9), ..place() },
            Place { column: "other.column", ..place() },
        ];
        for other in elsewhere {
            assert_eq!(vault.open(other, &record).unwrap_err(), DoesNotOpen);
        }
    }

    #[test]
    fn what_was_cut_or_changed_does_not_open() {
        let vault = vault(&line(1));
        let record = vault.seal(place(), &"x".into());
        for length in 0..record.len() {
            assert!(vault.open(place(), &record[..length]).is_err());
        }
        for at in 0..record.len() {
            let mut changed = record.clone();
            changed[at] ^= 1;
            assert!(vault.open(place(), &changed).is_err(), "byte {at}");
        }
    }

    #[test]
    fn the_last_key_seals_and_all_open() {
        let old = vault(&line(1)).seal(place(), &"x".into());
        let both = vault(&(line(1) + &line(2)));

        assert_eq!(both.seal(place(), &"x".into())[0], 2);
        assert!(both.open(place(), &old).is_ok());
        assert!(vault(&line(2)).open(place(), &old).is_err());
    }

    #[test]
    fn the_same_text_is_never_sealed_the_same_way_twice() {
        let vault = vault(&line(1));
        assert_ne!(vault.seal(place(), &"x".into()), vault.seal(place(), &"x".into()));
    }

    #[test]
    fn a_tag_counts_for_its_purpose_only() {
        let vault = vault(&line(1));
        let tag = vault.tag("form", b"m");
        assert!(vault.tag_fits("form", b"m", &tag));
        assert!(!vault.tag_fits("other", b"m", &tag));
        assert!(!vault.tag_fits("form", b"n", &tag));
    }

    #[test]
    fn a_key_that_is_added_seals_at_once_in_every_vault_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let (ours, _) = Vault::open_or_create(&path).unwrap();
        let (theirs, _) = Vault::open_or_create(&path).unwrap();
        let old = theirs.seal(place(), &"x".into());

        assert_eq!(ours.add_key().unwrap(), 2);

        let new = ours.seal(place(), &"y".into());
        assert_eq!(Vault::version_of(&new), Some(2));
        assert_eq!(theirs.open(place(), &new).unwrap().expose_secret(), "y");
        assert_eq!(Vault::version_of(&theirs.seal(place(), &"z".into())), Some(2));
        assert_eq!(theirs.open(place(), &old).unwrap().expose_secret(), "x");
        only_ours(&path).unwrap();
    }

    #[test]
    fn first_starts_at_once_end_with_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let starts = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..8).map(|_| scope.spawn(|| Vault::open_or_create(&path).unwrap())).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect::<Vec<_>>()
        });

        assert_eq!(starts.iter().filter(|(_, made)| *made).count(), 1);
        let record = starts[0].0.seal(place(), &"x".into());
        assert!(starts.iter().all(|(vault, _)| vault.open(place(), &record).is_ok()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_key_file_is_made_once_and_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep").join("key");

        let (first, made) = Vault::open_or_create(&path).unwrap();
        assert!(made);
        let record = first.seal(place(), &"x".into());
        let (second, made) = Vault::open_or_create(&path).unwrap();
        assert!(!made);
        assert!(second.open(place(), &record).is_ok());

        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
            assert!(Vault::open_or_create(&path).is_err());
        }
    }
}
