//! Whose the files of a store are. What is read back from them is believed, so nobody else may write them, or put others in
//! their place: each is an ordinary file of this user, without rights for others, in a folder that not everybody may change.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::Path;

/// Makes the file, if there is none, for its owner only; `SQLite` makes those beside it alike. One that is there is never
/// opened here: closing it would drop the locks of all that this process has open of it.
pub(super) fn make(path: &Path) -> std::io::Result<()> {
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
#[cfg(unix)]
pub(super) fn resolve(path: &Path) -> std::io::Result<std::path::PathBuf> {
    let name = path.file_name().ok_or(ErrorKind::IsADirectory)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(folder.canonicalize()?.join(name))
}

#[cfg(not(unix))]
pub(super) use elsewhere::{check, check_folder, resolve};
#[cfg(unix)]
pub(super) use unix::{check, check_folder};

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

    /// Refuses a folder in which everybody may put another file in the place of this one: what was recorded would be gone,
    /// or a write-ahead log of somebody's would be read. In one like `/tmp`, each can do so with their own files only.
    pub fn check_folder(path: &Path) -> Result<(), String> {
        let Some(folder) = path.parent() else { return Ok(()) };
        let metadata = folder.metadata().map_err(|error| format!("{}: {error}", folder.display()))?;
        let rights = metadata.mode();
        if rights & OTHERS_WRITE != 0 && rights & STICKY == 0 {
            let (folder, rights) = (folder.display(), rights & 0o7777);
            return Err(format!(
                "everybody may replace files in {folder} (mode {rights:o}). Make a folder of its own for the store, with \
                 `mkdir -m 700`, or take the right away: chmod o-w {folder}"
            ));
        }
        if rights & GROUP_WRITE != 0 && rights & STICKY == 0 {
            warn(path, "its group may replace it in its folder");
        } else if ![0, geteuid().as_raw()].contains(&metadata.uid()) {
            warn(path, "the owner of its folder may replace it there");
        }
        Ok(())
    }

    /// Refuses the file, or one beside it, that others could have written. Gives what tells it from another of its name.
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
            return Err(format!("{path} is no ordinary file"));
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
                "the store of changes {}: {why}. What is in it is believed, so only the application may be who does. Else \
                 take the rights away: chmod g= for the file, g-w for its folder",
                path.display()
            );
        }
    }
}
