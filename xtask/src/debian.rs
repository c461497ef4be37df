//! Small Debians, made by debootstrap in the cache: for what this machine has not, or what must not be on it. Only root
//! makes them, on Linux.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::files::{empty_folder, remove_folder};
use crate::workspace::Workspace;

/// A Debian in a folder.
pub(crate) struct Debian {
    root: PathBuf,
}

impl Debian {
    /// Whether this user may make one.
    pub(crate) fn may_be_made(workspace: &Workspace) -> bool {
        cfg!(target_os = "linux") && Program::new(workspace, "id").arg("-u").output().is_ok_and(|id| id == "0\n")
    }

    /// Whether the one of this name is there.
    pub(crate) fn is_made(workspace: &Workspace, name: &str) -> bool {
        workspace.cache().join(name).exists()
    }

    /// The one of this name in the cache. Where there is none, it is made of these packages, with commas between them,
    /// and finished. Only a whole one gets its name.
    pub(crate) fn made(
        workspace: &Workspace,
        [name, suite, packages]: [&str; 3],
        finish: impl FnOnce(&Self) -> Outcome,
    ) -> Outcome<Self> {
        let root = workspace.cache().join(name);
        if root.exists() {
            return Ok(Self { root });
        }
        if Program::new(workspace, "debootstrap").arg("--version").output().is_err() {
            return Err(Failure::new("debootstrap is missing. Install it: apt-get install --yes debootstrap"));
        }
        let unfinished = Self { root: root.with_extension("unfinished") };
        empty_folder(&unfinished.root)?;
        let debootstrap = namespace(workspace).args("debootstrap --variant=minbase");
        let debootstrap = if packages.is_empty() { debootstrap } else { debootstrap.arg("--include").arg(packages) };
        debootstrap.arg(suite).arg(&unfinished.root).run()?;
        finish(&unfinished)?;
        fs::rename(&unfinished.root, &root).map_err(Failure::while_doing(format!("cannot make {}", root.display())))?;
        Ok(Self { root })
    }

    /// A copy that may be spoilt, in place of what is in this folder.
    pub(crate) fn copy(&self, workspace: &Workspace, to: PathBuf) -> Outcome<Self> {
        remove_folder(&to)?;
        Program::new(workspace, "cp").args("--archive --reflink=auto").arg(&self.root).arg(&to).run()?;
        Ok(Self { root: to })
    }

    /// Lets it trust whom this machine trusts by its own choice, as soon as it trusts anybody: a proxy that reads along
    /// has an authority of its own.
    pub(crate) fn trust_as_here(&self, workspace: &Workspace) -> Outcome {
        const AUTHORITIES: &str = "/usr/local/share/ca-certificates";
        if !Path::new(AUTHORITIES).exists() {
            return Ok(());
        }
        let share = self.path("/usr/local/share");
        Program::new(workspace, "cp").args("--recursive").arg(AUTHORITIES).arg(share).run()
    }

    /// Removes it.
    pub(crate) fn remove(self) -> Outcome {
        remove_folder(&self.root)
    }

    /// Where one of its files is for us.
    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.root.join(inside.trim_start_matches('/'))
    }

    /// A program of it, or one of ours in the folder that it is shown, to be run in this folder of it.
    pub(crate) fn program(
        &self,
        workspace: &Workspace,
        shown: &Path,
        folder: &Path,
        program: impl AsRef<OsStr>,
    ) -> Program {
        let inside = workspace.root().join("xtask").join("src").join("inside.sh");
        namespace(workspace).arg("sh").arg(inside).arg(&self.root).arg(shown).arg(folder).arg(program)
    }
}

/// Nothing that a program mounts stays mounted.
fn namespace(workspace: &Workspace) -> Program {
    Program::new(workspace, "unshare").args("--mount --propagation private")
}
