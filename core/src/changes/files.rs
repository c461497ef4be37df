//! Whose the files of a store are. What is read back from them is believed, so nobody else may write them, or put
//! others in their place: each is an ordinary file of this user, without rights for others, in a folder that not
//! everybody may change.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::Path;

/// Makes the file, if there is none, for its owner only; `SQLite` makes those beside it alike. One that is there is
/// never opened here: closing it would drop the locks of all that this process has open of it.
///
/// # Errors
/// If it cannot be made.
pub fn make(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

/// The path with all links of its folder followed. The file itself must not be one.
///
/// # Errors
/// If there is no such folder, or the path names no file.
#[cfg(unix)]
pub fn resolve(path: &Path) -> std::io::Result<std::path::PathBuf> {
    let name = path.file_name().ok_or(ErrorKind::IsADirectory)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(folder.canonicalize()?.join(name))
}

#[cfg(not(unix))]
pub use elsewhere::{check, check_folder, resolve};
#[cfg(unix)]
pub use unix::{check, check_folder};

/// Rights are of another kind here, and are not looked at.
#[cfg(not(unix))]
mod elsewhere {
    use std::path::{Path, PathBuf};

    pub fn resolve(path: &Path) -> std::io::Result<PathBuf> {
        Ok(path.to_owned())
    }

    pub fn check_folder(_: &Path) -> Result<(), String> {
        Ok(())
    }

    pub fn check(_: &Path) -> Result<(u64, u64), String> {
        Ok((0, 0))
    }
}

#[cfg(unix)]
mod unix {
    use std::collections::HashSet;
    use std::fs::Metadata;
    use std::io::ErrorKind;
    use std::os::unix::fs::MetadataExt;
    use std::path::{Path, PathBuf};
    use std::sync::{Mutex, PoisonError};

    use nix::unistd::geteuid;

    const OTHERS: u32 = 0o007;
    const OTHERS_WRITE: u32 = 0o002;
    const GROUP: u32 = 0o070;
    const GROUP_WRITE: u32 = 0o020;
    const STICKY: u32 = 0o1000;

    /// What `SQLite` has beside the file, and believes as much as the file.
    const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

    /// Refuses a folder in which everybody may put another file in the place of this one: what was recorded would be
    /// gone, or a write-ahead log of somebody's would be read. In one like `/tmp`, each can do so with their own files
    /// only.
    ///
    /// # Errors
    /// What to do about it.
    pub fn check_folder(path: &Path) -> Result<(), String> {
        let Some(folder) = path.parent() else { return Ok(()) };
        let metadata = folder.metadata().map_err(|error| format!("{}: {error}", folder.display()))?;
        let rights = metadata.mode();
        if rights & OTHERS_WRITE != 0 && rights & STICKY == 0 {
            let (folder, rights) = (folder.display(), rights & 0o7777);
            return Err(format!(
                "everybody may replace files in {folder} (mode {rights:o}). Make a folder of its own for the store, \
                 with `mkdir -m 700`, or take the right away: chmod o-w {folder}"
            ));
        }
        if rights & GROUP_WRITE != 0 && rights & STICKY == 0 {
            warn(path, "its group may replace it in its folder");
        } else if ![0, geteuid().as_raw()].contains(&metadata.uid()) {
            warn(path, "the owner of its folder may replace it there");
        }
        Ok(())
    }

    /// Refuses the file, or one beside it, that others could have written. Gives what tells it from another of its
    /// name.
    ///
    /// # Errors
    /// What to do about it.
    pub fn check(path: &Path) -> Result<(u64, u64), String> {
        for suffix in BESIDE {
            let mut beside = path.as_os_str().to_owned();
            beside.push(suffix);
            let beside = PathBuf::from(beside);
            match beside.symlink_metadata() {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(format!("{}: {error}", beside.display())),
                Ok(file) => check_file(&beside, path, &file)?,
            }
        }
        let file = path.symlink_metadata().map_err(|error| format!("{}: {error}", path.display()))?;
        check_file(path, path, &file)?;
        Ok((file.dev(), file.ino()))
    }

    fn check_file(path: &Path, store: &Path, file: &Metadata) -> Result<(), String> {
        let path = path.display();
        if file.is_symlink() {
            return Err(format!(
                "{path} is a symbolic link, which may lead elsewhere: give the path of the file itself"
            ));
        }
        if !file.is_file() {
            return Err(format!("{path} is not an ordinary file"));
        }
        let (owner, user) = (file.uid(), geteuid().as_raw());
        if owner != user {
            return Err(format!(
                "{path} is of the user {owner}, who could write into it, and this process runs as the user {user}. If \
                 what is in it is to be trusted: chown {user} {path}"
            ));
        }
        let rights = file.mode() & 0o777;
        if rights & OTHERS != 0 {
            return Err(format!(
                "{path} has rights for everybody (mode {rights:o}). If nobody else has written into it: chmod o= {path}"
            ));
        }
        if rights & GROUP != 0 {
            warn(store, "its group may read or write it");
        }
        Ok(())
    }

    /// Says it once for each store: a volume whose group is the application's (`fsGroup`) is made so, and may be.
    fn warn(path: &Path, why: &str) {
        static WARNED: Mutex<Option<HashSet<PathBuf>>> = Mutex::new(None);
        let mut warned = WARNED.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.get_or_insert_default().insert(path.to_owned()) {
            tracing::warn!(
                target: "komopay",
                "{}: {why}. What is in it is believed, so nobody but the application should be \
                 able to. Else take the rights away: chmod g= for the file, g-w for its folder",
                path.display()
            );
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};
    use std::path::PathBuf;

    use super::super::sqlite::SqliteChangeStore;
    use super::super::store::{ChangeRecord, ChangeStore};
    use super::*;
    use crate::values::PayoutId;

    fn change() -> ChangeRecord {
        let payout_id = PayoutId::new("A").unwrap();
        ChangeRecord { payout_id, sequence: 1, previous_status: None, payout: "{}".to_owned() }
    }

    /// A store that was used and closed, in a folder of its own.
    fn store() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("changes.sqlite");
        assert!(SqliteChangeStore::open(&path).unwrap().record(&change()).unwrap());
        (folder, path)
    }

    fn set_rights(path: &Path, rights: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(rights)).unwrap();
    }

    fn refusal(path: &Path) -> String {
        SqliteChangeStore::open(path).err().expect("it is refused").to_string()
    }

    #[test]
    fn a_file_with_rights_for_everybody_is_refused_with_what_to_do() {
        let (_folder, path) = store();
        for rights in [0o604, 0o602, 0o601, 0o666] {
            set_rights(&path, rights);
            let refusal = refusal(&path);
            assert!(refusal.contains("chmod o= ") && refusal.contains(&format!("{rights:o}")), "{refusal}");
        }
        for rights in [0o600, 0o640, 0o660] {
            set_rights(&path, rights);
            assert!(SqliteChangeStore::open(&path).is_ok(), "{rights:o}");
        }
    }

    #[test]
    fn what_stands_beside_the_file_is_looked_at_as_well() {
        for suffix in ["-wal", "-shm", "-journal"] {
            let (folder, path) = store();
            let beside = PathBuf::from(format!("{}{suffix}", path.display()));
            std::fs::write(&beside, "").unwrap();
            set_rights(&beside, 0o666);
            assert!(refusal(&path).contains("chmod o= "), "{suffix}");
            std::fs::remove_file(&beside).unwrap();
            symlink(folder.path().join("elsewhere"), &beside).unwrap();
            assert!(refusal(&path).contains("is a symbolic link"), "{suffix}");
            assert!(!folder.path().join("elsewhere").exists());
            std::fs::remove_file(&beside).unwrap();
            std::fs::create_dir(&beside).unwrap();
            assert!(refusal(&path).contains("not an ordinary file"), "{suffix}");
        }
    }

    #[test]
    fn a_link_is_refused_whatever_it_leads_to_and_a_link_to_the_folder_is_followed() {
        let (folder, path) = store();
        for (name, target) in [("link", &path), ("nothing", &folder.path().join("new.sqlite"))] {
            let link = folder.path().join(name);
            symlink(target, &link).unwrap();
            assert!(refusal(&link).contains("is a symbolic link"));
        }
        assert!(!folder.path().join("new.sqlite").exists());
        let elsewhere = tempfile::tempdir().unwrap();
        let link = elsewhere.path().join("folder");
        symlink(folder.path(), &link).unwrap();
        let store = SqliteChangeStore::open(link.join("changes.sqlite")).unwrap();
        assert_eq!(store.latest(&change().payout_id).unwrap(), Some(change()));
    }

    #[test]
    fn a_folder_in_which_everybody_may_replace_files_is_refused() {
        let (folder, path) = store();
        set_rights(folder.path(), 0o777);
        assert!(refusal(&path).contains("chmod o-w "));
        let new = refusal(&folder.path().join("new.sqlite"));
        assert!(new.contains("mkdir -m 700") && !folder.path().join("new.sqlite").exists(), "{new}");
        // As /tmp is: files are replaced by their own users only. And as a volume of a group is.
        for rights in [0o1777, 0o2770, 0o755] {
            set_rights(folder.path(), rights);
            assert!(SqliteChangeStore::open(&path).is_ok(), "{rights:o}");
        }
    }

    /// Only root may give a file away; whoever else runs this sees what a file of root's is.
    #[test]
    fn a_file_of_another_user_is_refused_with_what_to_do() {
        let (_folder, path) = store();
        let path = if nix::unistd::geteuid().is_root() {
            chown(&path, Some(65534), None).unwrap();
            path
        } else {
            PathBuf::from("/etc/passwd")
        };
        assert!(refusal(&path).contains("chown "));
    }
}
