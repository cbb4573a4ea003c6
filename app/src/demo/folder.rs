//! The demo's folder. It is emptied at each start, so it must be certain that it is one.

use std::{
    fs::{self, File},
    path::Path,
};

use anyhow::{Context, Result, bail};

/// Says that a folder is a demo's, and is locked while one runs.
const MARKER: &str = ".patchbay-demo";

/// Empties the folder, or makes it. No other demo can use it until the lock is dropped.
pub(super) fn make_fresh(folder: &Path) -> Result<File> {
    let shown = folder.display();
    let marker = folder.join(MARKER);
    fs::create_dir_all(folder).with_context(|| format!("The folder {shown} can't be made"))?;
    let is_empty = fs::read_dir(folder).with_context(|| format!("The folder {shown} can't be read"))?.next().is_none();
    if !is_empty && !marker.exists() {
        bail!(
            "The folder {shown} holds files that are not a demo's, so nothing in it was touched. Choose another with \
             --data, for example: patchbay demo --data data/my-demo"
        );
    }
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&marker)
        .with_context(|| format!("The folder {shown} can't be written"))?;
    if lock.try_lock().is_err() {
        bail!("Another demo is running in {shown}: stop it, or choose another folder with --data.");
    }
    for file in fs::read_dir(folder)? {
        let file = file?;
        if file.file_name() == MARKER {
            continue;
        }
        let removed =
            if file.file_type()?.is_dir() { fs::remove_dir_all(file.path()) } else { fs::remove_file(file.path()) };
        removed.with_context(|| format!("{} of the last demo can't be removed", file.path().display()))?;
    }
    Ok(lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demos_folder_is_emptied_and_no_other() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("deep").join("demo");

        drop(make_fresh(&folder).unwrap());
        fs::write(folder.join("patchbay.db"), "old").unwrap();
        fs::create_dir(folder.join("more")).unwrap();
        drop(make_fresh(&folder).unwrap());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);

        let foreign = parent.path().join("thesis");
        fs::create_dir(&foreign).unwrap();
        fs::write(foreign.join("chapter-1"), "years of work").unwrap();
        let refused = make_fresh(&foreign).unwrap_err().to_string();
        assert!(refused.contains("--data"), "{refused}");
        assert_eq!(fs::read_to_string(foreign.join("chapter-1")).unwrap(), "years of work");
        assert_eq!(fs::read_dir(&foreign).unwrap().count(), 1);
    }

    #[test]
    fn two_demos_do_not_share_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let _running = make_fresh(folder.path()).unwrap();
        fs::write(folder.path().join("patchbay.db"), "in use").unwrap();

        let refused = make_fresh(folder.path()).unwrap_err().to_string();
        assert!(refused.contains("Another demo"), "{refused}");
        assert!(folder.path().join("patchbay.db").exists());
    }
}
