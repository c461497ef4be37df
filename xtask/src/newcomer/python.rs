//! In several Debians, on both kinds of libc, with wheels from a folder.

use std::path::Path;

use super::arrival::{Arrival, Place};
use crate::debian::Debian;
use crate::failure::Outcome;
use crate::workspace::Workspace;

/// What is read.
const PAGE: &str = "bindings-python/README.md";

/// A system to begin in.
struct System {
    name: &'static str,
    suite: &'static str,
    /// The libc that Python runs on there, as a package.
    libc: &'static str,
    /// The Python that is there already, where the Debian has none that will do.
    python: Option<&'static str>,
}

/// Debian 11 is the oldest that the archive still has. Its own Python is 3.9.
const SYSTEMS: [System; 4] = [
    System { name: "Debian 12", suite: "bookworm", libc: "libc6", python: None },
    System { name: "Debian 13", suite: "trixie", libc: "libc6", python: None },
    System { name: "Debian 11", suite: "bullseye", libc: "libc6", python: Some("/opt/python-glibc/bin") },
    System { name: "Debian 11, on musl", suite: "bullseye", libc: "musl", python: Some("/opt/python-musl/bin") },
];

/// What Pythons of one's own are built with there.
const BUILDERS: &str = "bzip2,ca-certificates,gcc,libc6-dev,make,musl-tools,xz-utils,zlib1g-dev";

/// Which Python it was, and which wheel pip chose.
const CHOSEN: &str = "env/bin/python -c \"
import platform
from importlib.metadata import distribution
wheel = distribution('komopay').read_text('WHEEL').splitlines()
tags = [line.removeprefix('Tag: ') for line in wheel if line.startswith('Tag: ')]
print('Python', platform.python_version(), *tags)
\"";

/// Lets a newcomer begin in all of them.
pub(super) fn arrive(workspace: &Workspace, packages: &Path) -> Outcome<Vec<Arrival>> {
    SYSTEMS.iter().map(|system| begin(workspace, packages, system)).collect()
}

fn begin(workspace: &Workspace, packages: &Path, system: &System) -> Outcome<Arrival> {
    let mut environment = vec!["PIP_NO_INDEX=1".to_owned(), format!("PIP_FIND_LINKS={}", packages.display())];
    environment.extend(system.python.map(|python| format!("PATH={python}:/usr/sbin:/usr/bin:/sbin:/bin")));
    let place = Place {
        workspace,
        name: system.name,
        page: PAGE,
        debian: found(workspace, system)?.copy(workspace, workspace.folder("newcomer"))?,
        packages,
        environment,
        // It is what a Debian without a Python is told.
        spared: system.python.map(|_| "apt-get "),
    };
    let libc = format!("dpkg-query --showformat '${{Package}} ${{Version}}' --show {}", system.libc);
    place.begin(&[CHOSEN, &libc])
}

/// A Debian as it is made, with Pythons new enough where it has none.
fn found(workspace: &Workspace, system: &System) -> Outcome<Debian> {
    let (name, packages) = match system.python {
        None => (format!("newcomer-{}", system.suite), ""),
        Some(_) => (format!("newcomer-{}-pythons", system.suite), BUILDERS),
    };
    Debian::made(workspace, [&name, system.suite, packages], |debian| {
        if system.python.is_none() {
            return Ok(());
        }
        let script = workspace.root().join("xtask").join("src").join("newcomer");
        debian.program(workspace, &script, &script, "sh").arg("pythons.sh").run()
    })
}
