//! Files and folders that shall not be there.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

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
