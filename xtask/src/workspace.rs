//! Where the checkout is, and where builds go: into a cache folder of the user, never into the checkout.

use std::env;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};

/// The checkout and its build folder, which this run has for itself until it ends.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
    cache: PathBuf,
    ci: bool,
    // Two runs would replace each other's wheel, gateway and virtual environments.
    _lock: File,
}

impl Workspace {
    /// Finds the folders and waits until no other run uses them.
    pub(crate) fn open() -> Outcome<Self> {
        // Asked at run time: a build folder that two checkouts share may hold the xtask of the other one.
        let root = env::var_os("CARGO_MANIFEST_DIR")
            .and_then(|xtask| Path::new(&xtask).parent().map(Path::to_owned))
            .ok_or_else(|| Failure::new("cargo did not start this: run it as `cargo xtask`"))?;
        let variable = |name: &str| env::var_os(name).map(PathBuf::from).filter(|value| !value.as_os_str().is_empty());
        let target = target_folder(&variable)?;
        let cache = cache_folder(&variable).unwrap_or_else(|_| target.clone());
        let lock = lock(&target)?;
        let ci = env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"));
        Ok(Self { root, target, cache, ci, _lock: lock })
    }

    /// The same checkout with a build folder of its own, for what runs at the same time.
    pub(crate) fn beside(&self) -> Outcome<Self> {
        let target = self.target.join("beside");
        let lock = lock(&target)?;
        Ok(Self { root: self.root.clone(), target, cache: self.cache.clone(), ci: self.ci, _lock: lock })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Cargo's target folder for everything that xtask builds.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// A folder for what is fetched once and serves every build folder.
    pub(crate) fn cache(&self) -> &Path {
        &self.cache
    }

    /// A folder for what is not Cargo's: virtual environments, wheels, tool caches.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.target.join("xtask").join(name)
    }

    /// Whether `CI` is set: then nothing may be skipped.
    pub(crate) fn ci(&self) -> bool {
        self.ci
    }
}

fn target_folder(variable: &dyn Fn(&str) -> Option<PathBuf>) -> Outcome<PathBuf> {
    let folder =
        if let Some(chosen) = variable("CARGO_TARGET_DIR") { chosen } else { cache_folder(variable)?.join("target") };
    // Commands run in the checkout, so a relative folder would change its meaning.
    std::path::absolute(&folder).map_err(Failure::while_doing(format!("cannot use {}", folder.display())))
}

fn cache_folder(variable: &dyn Fn(&str) -> Option<PathBuf>) -> Outcome<PathBuf> {
    let cache = variable("XDG_CACHE_HOME")
        .or_else(|| variable("LOCALAPPDATA"))
        .or_else(|| variable("HOME").map(|home| home.join(".cache")))
        .ok_or_else(|| Failure::new("no folder for builds: set HOME, XDG_CACHE_HOME or CARGO_TARGET_DIR"))?;
    Ok(cache.join("komopay"))
}

fn lock(target: &Path) -> Outcome<File> {
    let own = target.join("xtask");
    fs::create_dir_all(&own).map_err(Failure::while_doing(format!("cannot make the folder {}", own.display())))?;
    let path = own.join("lock");
    let failed = |error| Failure::while_doing(format!("cannot lock {}", path.display()))(error);
    let file = File::create(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            println!("another `cargo xtask` uses the same build folder: waiting for it to end");
            file.lock().map_err(failed)?;
        }
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Outcome<PathBuf> {
        target_folder(&|name| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| PathBuf::from(value)))
    }

    #[test]
    fn builds_go_to_the_users_cache_unless_told_otherwise() {
        assert_eq!(with(&[("HOME", "/home/a")]).unwrap(), Path::new("/home/a/.cache/komopay/target"));
        let cache = with(&[("HOME", "/home/a"), ("XDG_CACHE_HOME", "/cache")]);
        assert_eq!(cache.unwrap(), Path::new("/cache/komopay/target"));
        let chosen = with(&[("HOME", "/home/a"), ("CARGO_TARGET_DIR", "/fast/target")]);
        assert_eq!(chosen.unwrap(), Path::new("/fast/target"));
        assert!(with(&[("CARGO_TARGET_DIR", "relative")]).unwrap().is_absolute());
        assert!(with(&[]).unwrap_err().to_string().contains("set HOME"));
    }
}
