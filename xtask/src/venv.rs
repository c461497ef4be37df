//! The Python side: a virtual environment made anew, and the wheel built and installed into it.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::tools::Python;
use crate::workspace::Workspace;

/// Pins the tools by version; also used as constraints where only some of them are needed.
const REQUIREMENTS: &str = "bindings-python/requirements-dev.txt";

/// The package that merchants pay with: its folder, and that of its wheel.
const PACKAGE: [&str; 2] = ["bindings-python", "wheels"];

/// The package of the stand-in gateway, which the tests of merchants need.
const TESTING: [&str; 2] = ["bindings-python/testing", "wheels-testing"];

/// How a wheel is built.
#[derive(Clone, Copy)]
pub(crate) enum Profile {
    /// As all other builds, for the demo.
    Dev,
    /// The same, with panics for the payouts that ask for one.
    Test,
    /// As it would be published: what is measured.
    Release,
    /// What instructions are counted of.
    Guarded,
}

impl Profile {
    fn arguments(self) -> &'static str {
        match self {
            Self::Dev => "--profile dev",
            // With what the stub is generated from, so that this builds once.
            Self::Test => "--profile dev --features provoked-panics,stubs",
            Self::Release => "--profile release --strip",
            Self::Guarded => "--profile guarded",
        }
    }
}

/// A virtual environment.
pub(crate) struct Venv {
    folder: PathBuf,
}

impl Venv {
    /// Makes it anew: what an earlier run left in this folder is gone.
    pub(crate) fn fresh(workspace: &Workspace, python: &Python, name: &str) -> Outcome<Self> {
        let folder = workspace.folder(name);
        Program::new(workspace, python.program()).args("-m venv --clear").arg(&folder).run()?;
        Ok(Self { folder })
    }

    /// One that was made before.
    pub(crate) fn made(workspace: &Workspace, name: &str) -> Self {
        Self { folder: workspace.folder(name) }
    }

    /// Installs everything that the tests need, and both wheels as they are tested, and says where those are.
    pub(crate) fn install_all(&self, workspace: &Workspace) -> Outcome<[PathBuf; 2]> {
        self.install(workspace, Path::new(REQUIREMENTS))?;
        // The package alone first, as it promises to need no other.
        let package = self.install_wheel(workspace, Profile::Test)?;
        Ok([package, self.install_one(workspace, TESTING, Profile::Dev)?])
    }

    /// Installs only what builds the wheel.
    pub(crate) fn install_builder(&self, workspace: &Workspace) -> Outcome {
        self.pip_install(workspace).arg("--constraint").arg(REQUIREMENTS).arg("maturin").run()
    }

    /// Installs the engines for jobs that the package is used with, and its wheel as it is tested.
    pub(crate) fn install_engines(&self, workspace: &Workspace) -> Outcome {
        let needed = "maturin celery redis temporalio pytest";
        self.pip_install(workspace).arg("--constraint").arg(REQUIREMENTS).args(needed).run()?;
        self.install_wheel(workspace, Profile::Test).map(|_| ())
    }

    /// Installs what a requirements file names.
    pub(crate) fn install(&self, workspace: &Workspace, requirements: &Path) -> Outcome {
        self.pip_install(workspace).arg("--requirement").arg(requirements).run()
    }

    /// Installs one package, of one version.
    pub(crate) fn install_package(&self, workspace: &Workspace, package: &str) -> Outcome {
        self.pip_install(workspace).arg(package).run()
    }

    /// A program that was installed.
    pub(crate) fn run(&self, workspace: &Workspace, name: &str) -> Program {
        Program::new(workspace, self.program(name))
    }

    /// Builds the wheel of the package that merchants pay with, installs it, and says where it is.
    pub(crate) fn install_wheel(&self, workspace: &Workspace, profile: Profile) -> Outcome<PathBuf> {
        self.install_one(workspace, PACKAGE, profile)
    }

    /// Generates the stub of the native module, from the wheel's library as it is tested.
    pub(crate) fn generate_stub(&self, workspace: &Workspace) -> Outcome<PathBuf> {
        let [package, _] = PACKAGE;
        let folder = workspace.folder("stub");
        Program::new(workspace, self.program("maturin"))
            .args("generate-stubs --locked --manifest-path")
            .arg(Path::new(package).join("Cargo.toml"))
            .args(Profile::Test.arguments())
            .arg("--interpreter")
            .arg(self.interpreter())
            .arg("--out")
            .arg(&folder)
            .run()?;
        Ok(folder.join("komopay").join("_native.pyi"))
    }

    fn install_one(&self, workspace: &Workspace, [package, wheels]: [&str; 2], profile: Profile) -> Outcome<PathBuf> {
        let wheels = workspace.folder(wheels);
        if wheels.exists() {
            fs::remove_dir_all(&wheels).map_err(Failure::while_doing(format!("cannot clear {}", wheels.display())))?;
        }
        Program::new(workspace, self.program("maturin"))
            .args("build --locked --manifest-path")
            .arg(Path::new(package).join("Cargo.toml"))
            .args(profile.arguments())
            .arg("--interpreter")
            .arg(self.interpreter())
            .arg("--out")
            .arg(&wheels)
            .run()?;
        let wheel = only_file(&wheels)?;
        // Nothing but the wheel itself, and what is installed already.
        self.pip_install(workspace).arg("--no-index").arg(&wheel).run()?;
        Ok(wheel)
    }

    /// The `PATH` with its programs before all others.
    pub(crate) fn path(&self) -> Outcome<OsString> {
        let own = self.interpreter().parent().map(Path::to_owned);
        let others = env::var_os("PATH").unwrap_or_default();
        env::join_paths(own.into_iter().chain(env::split_paths(&others)))
            .map_err(Failure::while_doing("the programs of a virtual environment cannot be on the PATH"))
    }

    /// Where the Python of this environment is.
    pub(crate) fn interpreter(&self) -> PathBuf {
        self.program("python")
    }

    /// The Python of this environment.
    pub(crate) fn python(&self, workspace: &Workspace) -> Program {
        Program::new(workspace, self.interpreter())
    }

    /// The version of the package as it is installed.
    pub(crate) fn package_version(&self, workspace: &Workspace) -> Outcome<String> {
        let question = "from importlib.metadata import version; print(version('komopay'))";
        Ok(self.python(workspace).arg("-c").arg(question).output()?.trim().to_owned())
    }

    fn pip_install(&self, workspace: &Workspace) -> Program {
        self.python(workspace).args("-m pip install --quiet --disable-pip-version-check")
    }

    fn program(&self, name: &str) -> PathBuf {
        if cfg!(windows) {
            self.folder.join("Scripts").join(format!("{name}.exe"))
        } else {
            self.folder.join("bin").join(name)
        }
    }
}

fn only_file(folder: &Path) -> Outcome<PathBuf> {
    let files: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(Failure::while_doing(format!("cannot read {}", folder.display())))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    match files.as_slice() {
        [file] => Ok(file.clone()),
        files => Err(Failure::new(format!("{} should hold one wheel, and holds {files:?}", folder.display()))),
    }
}
