//! Files and folders: which there are, those that shall not be there, and those that were just made.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};

pub(crate) fn remove(file: &Path) -> Outcome {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Failure::new(format!("cannot remove {}: {error}", file.display())))
        }
        _ => Ok(()),
    }
}

pub(crate) fn remove_folder(folder: &Path) -> Outcome {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Failure::new(format!("cannot remove {}: {error}", folder.display())))
        }
        _ => Ok(()),
    }
}

/// The files below a folder by their paths in it, without hidden ones.
pub(crate) fn list(folder: &Path) -> io::Result<BTreeMap<PathBuf, PathBuf>> {
    let mut files = BTreeMap::new();
    add(folder, Path::new(""), &mut files)?;
    Ok(files)
}

fn add(folder: &Path, path: &Path, files: &mut BTreeMap<PathBuf, PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = path.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            _ if entry.file_name().to_string_lossy().starts_with('.') => {}
            true => add(&entry.path(), &path, files)?,
            false => drop(files.insert(path, entry.path())),
        }
    }
    Ok(())
}

/// Writes a file, and makes its folder where there is none.
pub(crate) fn write(file: &Path, text: &str) -> Outcome {
    let failed = |error| Failure::while_doing(format!("cannot write {}", file.display()))(error);
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    fs::write(file, text).map_err(failed)
}

/// The address of a folder.
pub(crate) fn address(folder: &Path) -> String {
    format!("file://{}{}", if cfg!(windows) { "/" } else { "" }, folder.display().to_string().replace('\\', "/"))
}

/// Makes a folder that holds nothing.
pub(crate) fn empty_folder(folder: &Path) -> Outcome {
    remove_folder(folder)?;
    fs::create_dir_all(folder).map_err(Failure::while_doing(format!("cannot make {}", folder.display())))
}

/// What a program leaves in a folder that was not there before: one file, or one folder.
pub(crate) fn new(folder: &Path, make: impl FnOnce(&Path) -> Outcome) -> Outcome<PathBuf> {
    let entries = || -> Outcome<BTreeSet<PathBuf>> {
        let failed = |error| Failure::while_doing(format!("cannot read {}", folder.display()))(error);
        fs::read_dir(folder).map_err(failed)?.map(|entry| Ok(entry.map_err(failed)?.path())).collect()
    };
    let before = entries()?;
    make(folder)?;
    let after = entries()?;
    let mut new = after.difference(&before);
    match (new.next(), new.next()) {
        (Some(file), None) => Ok(file.clone()),
        _ => Err(Failure::new(format!("one new file was to be in {}, which holds {after:?}", folder.display()))),
    }
}
