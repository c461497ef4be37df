//! The programs of PostgreSQL, and as whom they run.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::{User, geteuid};
use tempfile::TempDir;

/// The user whose the processes are, if they cannot be root's.
fn user() -> Option<User> {
    let named = |name| User::from_name(name).ok().flatten();
    geteuid().is_root().then(|| named("postgres").or_else(|| named("nobody")).expect("a user who is not root"))
}

/// A new folder of that user's. Others may enter it, since a client asks for the socket in it.
pub fn folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix("komopay-pg-").tempdir().unwrap();
    give(folder.path());
    folder
}

/// Gives a file to that user.
pub fn give(path: &Path) {
    if let Some(user) = user() {
        chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
    }
}

/// A program of PostgreSQL, or one that comes with it, to be run as that user.
pub fn program(name: &str) -> Command {
    let mut command = Command::new(find(name));
    if let Some(user) = user() {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    // As whoever starts it cannot set it otherwise.
    command.current_dir("/").env("LC_ALL", "C").env_remove("PGPASSWORD").env_remove("PGSSLMODE");
    command
}

/// Where it is: Debian keeps versions beside one another, and the programs of servers where only root looks.
fn find(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    folders.sort();
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let others = std::env::split_paths(&paths).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    let mut all = folders.into_iter().rev().map(|(_, folder)| folder).chain(others);
    all.find_map(|folder| Some(folder.join(name)).filter(|program| program.is_file()))
        .unwrap_or_else(|| panic!("{name} is not installed: cargo xtask setup"))
}

/// Runs it, and gives what it prints.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", command.get_program().display());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The processes that this one has started.
pub fn children(of: u32) -> Vec<i32> {
    let listed = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output();
    let listed = listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let parents = listed.lines().filter_map(|line| line.trim().split_once(char::is_whitespace));
    let parents: Vec<(i32, u32)> =
        parents.filter_map(|(id, parent)| Some((id.parse().ok()?, parent.trim().parse().ok()?))).collect();
    parents.into_iter().filter(|(_, parent)| *parent == of).map(|(id, _)| id).collect()
}
