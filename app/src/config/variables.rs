//! The environment, read once, together with the file `.env`. The process's own environment is never changed.

use std::{collections::BTreeMap, ffi::OsString, path::Path};

use super::{Error, Result};

/// What ours begin with.
pub(super) const PREFIX: &str = "PATCHBAY_";

/// Variables by name. Readers take theirs out; what is left and looks like ours is a mistake.
pub struct Variables {
    values: BTreeMap<String, String>,
}

impl Variables {
    /// Those of the process, and those of `.env` in the working directory that the process does not have.
    ///
    /// # Errors
    /// When one of ours is not text, or `.env` can't be read.
    pub fn of_process() -> Result<Self> {
        let mut variables = Self::of_file(Path::new(".env"))?;
        for (name, value) in std::env::vars_os() {
            variables.set(name, value)?;
        }
        Ok(variables)
    }

    /// Those of a file in the form of `.env`; none when it is not there.
    fn of_file(path: &Path) -> Result<Self> {
        // The line itself stays out of the sentence: it may hold a secret.
        let refused = |number: usize| {
            Error::new(format!("The file {} can't be read: entry {number} is not NAME=value.", path.display()))
        };
        let lines = match dotenvy::from_path_iter(path) {
            Ok(lines) => lines,
            Err(error) if error.not_found() => return Ok(Self { values: BTreeMap::new() }),
            Err(_) => return Err(Error::new(format!("The file {} can't be opened.", path.display()))),
        };
        let mut values = BTreeMap::new();
        for (at, line) in lines.enumerate() {
            let (name, value) = line.map_err(|_| refused(at + 1))?;
            values.insert(name, value);
        }
        Ok(Self { values })
    }

    fn set(&mut self, name: OsString, value: OsString) -> Result<()> {
        let Ok(name) = name.into_string() else { return Ok(()) };
        match value.into_string() {
            Ok(value) => {
                self.values.insert(name, value);
                Ok(())
            }
            Err(_) if name == "DATABASE_URL" || name.starts_with(PREFIX) => {
                Err(Error::new(format!("{name} is not UTF-8 text.")))
            }
            Err(_) => Ok(()),
        }
    }

    /// Takes a value out; a blank one is none.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        self.values.remove(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// The names of ours that nobody took.
    pub(super) fn left(self) -> Vec<String> {
        self.values.into_keys().filter(|name| name.starts_with(PREFIX)).collect()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Variables {
    fn from_iter<T: IntoIterator<Item = (N, V)>>(pairs: T) -> Self {
        Self { values: pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_and_its_mistakes_are_told_without_their_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        assert!(Variables::of_file(&path).unwrap().left().is_empty());

        std::fs::write(&path, "# a comment\nPATCHBAY_SITE_NAME='Our log'\nexport PATCHBAY_LISTEN=127.0.0.1:1\n")
            .unwrap();
        let mut variables = Variables::of_file(&path).unwrap();
        assert_eq!(variables.take("PATCHBAY_SITE_NAME").unwrap(), "Our log");
        assert_eq!(variables.take("PATCHBAY_LISTEN").unwrap(), "127.0.0.1:1");

        std::fs::write(&path, "PATCHBAY_SITE_NAME=x\nPATCHBAY_METRICS_TOKEN hunter2\n").unwrap();
        let Err(error) = Variables::of_file(&path) else { panic!("was taken") };
        assert!(error.to_string().contains("entry 2"), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_no_text_are_refused_for_ours_only() {
        use std::os::unix::ffi::OsStringExt;
        let bytes = || OsString::from_vec(vec![0xff]);
        let mut variables = Variables::from_iter::<[(String, String); 0]>([]);

        assert!(variables.set("OTHERS".into(), bytes()).is_ok());
        assert!(variables.set(bytes(), "x".into()).is_ok());
        assert!(variables.set("PATCHBAY_LOG".into(), bytes()).unwrap_err().to_string().contains("PATCHBAY_LOG"));
    }
}
