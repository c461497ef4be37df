//! The packages for Python: wheels for every Linux of this machine's kind, and sdists for all else.

use std::collections::{BTreeMap, BTreeSet};
use std::env::consts::ARCH;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::zig::Zig;
use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::tools::Python;
use crate::venv::Venv;
use crate::workspace::Workspace;
use crate::{files, licenses, packages};

/// The folders of their crates.
const PACKAGES: [&str; 2] = ["bindings-python", "bindings-python/testing"];

/// What a wheel runs on: the end of the target that it is built for, and the oldest libc.
const LIBCS: [[&str; 2]; 2] = [
    ["unknown-linux-gnu", "manylinux_2_17"],
    // That of Alpine 3.13, which has the first Python that will do.
    ["unknown-linux-musl", "musllinux_1_2"],
];

/// What musl calls itself. Its loader takes the name for itself, wherever it is; auditwheel knows only the one that it
/// has on Alpine.
const OF_MUSL: &str = "libc.so";

/// What auditwheel tells of a wheel.
#[derive(Debug, Deserialize)]
struct Told {
    /// What it runs on, by the symbols that it asks for.
    sym_tag: String,
    /// The libraries that it needs besides those which are everywhere.
    external_libs: BTreeMap<String, Option<String>>,
}

/// Builds all of them into a folder, and judges them.
pub(super) fn build(workspace: &Workspace, zig: &Zig, into: &Path) -> Outcome<Vec<PathBuf>> {
    let python = Python::find()?;
    let venv = zig.venv();
    let mut wheels = Vec::new();
    for [target, policy] in LIBCS {
        let target = format!("{ARCH}-{target}");
        Program::new(workspace, "rustup").args("target add").arg(&target).run()?;
        for package in PACKAGES {
            wheels.push(wheel(workspace, zig, package, &target, policy, into)?);
        }
    }
    let mut sdists = Vec::new();
    for package in PACKAGES {
        sdists.push(sdist(workspace, venv, package, into)?);
    }
    let archives = wheels.iter().map(|wheel| ("zipfile", wheel)).chain(sdists.iter().map(|sdist| ("tarfile", sdist)));
    for (module, archive) in archives {
        licenses::check_archive(venv.python(workspace).arg("-m").arg(module).arg("--list").arg(archive))?;
    }
    install_sdists(workspace, &python, venv, &sdists)?;
    let packages = [wheels, sdists].concat();
    packages::check(workspace, &packages::tools(workspace, &python)?, &packages)?;
    Ok(packages)
}

/// Whether it runs where its name says is judged by the symbols that it asks of the libc, and of Python.
fn wheel(workspace: &Workspace, zig: &Zig, package: &str, target: &str, policy: &str, into: &Path) -> Outcome<PathBuf> {
    let venv = zig.venv();
    let maturin = zig.run(workspace, "maturin").args("build --release --strip --locked --zig --target").arg(target);
    let maturin = maturin.arg("--compatibility").arg(policy).arg("--manifest-path");
    let maturin = maturin.arg(Path::new(package).join("Cargo.toml")).arg("--interpreter").arg(venv.interpreter());
    let wheel = files::new(into, |into| maturin.arg("--out").arg(into).run())?;
    // The libraries of this machine are not those that it will run with.
    let audit = venv.run(workspace, "auditwheel").args("show --json --ldpaths").arg(workspace.folder("nowhere"));
    let told = audit.arg(&wheel).output()?;
    let (tag, name) = (format!("{policy}_{ARCH}"), wheel.file_name().unwrap_or_default().to_string_lossy());
    let told: Told = serde_json::from_str(&told).map_err(Failure::while_doing(format!("auditwheel, of {name}")))?;
    let strangers: Vec<_> = told.external_libs.keys().filter(|library| *library != OF_MUSL).collect();
    if told.sym_tag != tag || !strangers.is_empty() || !name.contains(&tag) || !name.contains("-cp310-abi3-") {
        return Err(Failure::new(format!("{name} should be for CPython 3.10 or newer and {tag}, and is {told:?}")));
    }
    println!("   {name} is for {tag}, by its symbols");
    venv.run(workspace, "abi3audit").args("--strict --summary").arg(&wheel).run()?;
    Ok(wheel)
}

/// The sources, with a lock file of exactly the crates in it: maturin takes along that of the checkout, which needs
/// more, and with which cargo refuses to build.
fn sdist(workspace: &Workspace, venv: &Venv, package: &str, into: &Path) -> Outcome<PathBuf> {
    let maturin = venv.run(workspace, "maturin").arg("sdist").arg("--manifest-path");
    let maturin = maturin.arg(Path::new(package).join("Cargo.toml"));
    let sdist = files::new(into, |into| maturin.arg("--out").arg(into).run())?;
    let folder = workspace.folder("sdist");
    files::empty_folder(&folder)?;
    let sources = files::new(&folder, |folder| {
        venv.python(workspace).args("-m tarfile --extract").arg(&sdist).arg(folder).run()
    })?;
    // Without the network, it can only leave out what nothing needs.
    Program::cargo(workspace).args("metadata --offline --format-version 1").inside(&sources).output()?;
    let lock = sources.join("Cargo.lock");
    let read = |path: &Path| fs::read_to_string(path).map_err(Failure::while_doing(path.display()));
    let (ours, theirs) = (read(&workspace.root().join("Cargo.lock"))?, read(&lock)?);
    if let Some(other) = crates(&theirs).difference(&crates(&ours)).next() {
        return Err(Failure::new(format!("{} would be of another crate than the checkout: {other}", sdist.display())));
    }
    venv.python(workspace).arg("xtask/src/release/sdist.py").arg(&sdist).arg(&lock).run()?;
    files::remove_folder(&folder)?;
    Ok(sdist)
}

/// The crates of a lock file, with their versions and sums.
fn crates(lock: &str) -> BTreeSet<String> {
    let is_told = |line: &&str| ["name = ", "version = ", "checksum = "].iter().any(|field| line.starts_with(field));
    let tell = |of: &str| of.lines().filter(is_told).collect::<Vec<_>>().join(" ");
    lock.split("[[package]]\n").skip(1).map(tell).collect()
}

/// Builds each from its sources alone, as whoever has no wheel does, and imports what came of it.
fn install_sdists(workspace: &Workspace, python: &Python, builder: &Venv, sdists: &[PathBuf]) -> Outcome {
    let wheels = workspace.folder("wheels-of-sdists");
    files::remove_folder(&wheels)?;
    let build = builder.python(workspace).args("-m pip wheel --quiet --no-index --no-deps --no-build-isolation");
    let build = build.args("--config-settings").arg("build-args=--profile dev").arg("--wheel-dir").arg(&wheels);
    // Its backend looks for maturin there.
    let build = build.env("PATH", builder.path()?);
    sdists.iter().fold(build, Program::arg).run()?;
    let venv = Venv::fresh(workspace, python, "venv-sdists")?;
    let install = venv.python(workspace).args("-m pip install --quiet --no-index --find-links").arg(&wheels);
    install.arg("komopay[testing]").run()?;
    venv.python(workspace).arg("-c").arg("import komopay, komopay.testing; print(komopay.Client)").run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_told_apart_by_version_and_sum_and_not_by_what_they_need() {
        let lock = |version: &str, sum: &str, needs: &str| {
            format!(
                "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"{version}\"\nsource = \"s\"\n\
                 checksum = \"{sum}\"\ndependencies = [\n \"{needs}\",\n]\n"
            )
        };
        let told = crates(&lock("1.2.3", "f00", "b"));
        assert_eq!(told, crates(&lock("1.2.3", "f00", "c")));
        assert_ne!(told, crates(&lock("1.2.4", "f00", "b")));
        assert_ne!(told, crates(&lock("1.2.3", "bad", "b")));
    }
}
