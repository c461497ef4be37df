//! The Swift side: a toolchain, the package with the code generated for it, built and run outside the checkout.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::command::Program;
use crate::conformance::Conformance;
use crate::debian::Debian;
use crate::documents::Shown;
use crate::failure::{Failure, Outcome};
use crate::gateway::{self, Gateway, MERCHANT_CODE, SECRET};
use crate::readme::{Step, steps};
use crate::report::Report;
use crate::surface::{self, Language};
use crate::workspace::Workspace;
use crate::{demo, documents, files, suite, swift_code};

/// What its users read first.
pub(crate) const README: &str = "bindings-swift/README.md";

/// The system that has Swift as a package, and what of it a build needs.
const SUITE: &str = "trixie";
const PACKAGES: &str = "ca-certificates,libc6-dev,libstdc++-14-dev,swiftlang";

/// Swift, from the `PATH` or from a system of its own.
pub(crate) struct Toolchain {
    /// That system.
    system: Option<Debian>,
}

impl Toolchain {
    /// The one on the `PATH`; else, for root, one that is made in the cache. Or why there is none.
    pub(crate) fn find(workspace: &Workspace) -> Outcome<Result<Self, String>> {
        if is_installed() {
            return Ok(Ok(Self { system: None }));
        }
        let missing = "Swift is missing. Install it: https://www.swift.org/install/";
        if !Debian::may_be_made(workspace) {
            return Ok(Err(missing.to_owned()));
        }
        if !Debian::is_made(workspace, SUITE) {
            if !answers("debootstrap", "") {
                return Ok(Err(format!("{missing}. Or, as root on Debian: apt install debootstrap")));
            }
            println!("Swift is missing: Debian {SUITE} with Swift is installed in the cache (3.2 GB)");
        }
        Ok(Ok(Self { system: Some(Debian::made(workspace, [SUITE, SUITE, PACKAGES], |_| Ok(()))?) }))
    }

    /// A program of the toolchain, or one that it built, in this folder of the build folder.
    fn program(&self, workspace: &Workspace, program: impl AsRef<OsStr>, folder: &Path) -> Program {
        match &self.system {
            None => Program::new(workspace, program).inside(folder),
            Some(system) => system.program(workspace, workspace.target(), folder, program),
        }
    }
}

/// Whether Swift is on the `PATH`: `OpenStack` has a program of this name, too.
fn is_installed() -> bool {
    answers("swift", "Swift version")
}

/// Whether Swift is there, or a system that has it may be made.
pub(crate) fn can_be_had(workspace: &Workspace) -> bool {
    is_installed() || Debian::may_be_made(workspace)
}

/// Whether a system that has Swift is to be made.
pub(crate) fn needs_debootstrap(workspace: &Workspace) -> bool {
    !is_installed() && Debian::may_be_made(workspace) && !Debian::is_made(workspace, SUITE)
}

/// Whether there is this program, and it says these words of its version.
fn answers(program: &str, words: &str) -> bool {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output();
    output.is_ok_and(|output| output.status.success() && String::from_utf8_lossy(&output.stdout).contains(words))
}

/// The package as it is built: the files of the checkout, and the generated ones.
pub(crate) struct Package<'a> {
    workspace: &'a Workspace,
    toolchain: &'a Toolchain,
    folder: PathBuf,
}

impl<'a> Package<'a> {
    /// Builds the native half with these features, generates the code for it, and puts the package together.
    pub(crate) fn assemble(workspace: &'a Workspace, toolchain: &'a Toolchain, features: &str) -> Outcome<Self> {
        let cargo = Program::cargo(workspace).args("build --locked --package komopay-ffi --features");
        cargo.arg(features).run()?;
        let own = workspace.folder("swift");
        let (generated, folder) = (own.join("generated"), own.join("package"));
        let built = workspace.target().join("debug");
        Program::new(workspace, built.join("komopay-bindgen"))
            .args("generate --no-format --config uniffi.toml --language swift --out-dir")
            .arg(&generated)
            .arg(built.join(format!("{}komopay_ffi{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)))
            .run()?;
        swift_code::mend(&generated.join("KomoPay.swift"))?;
        let failed = |error| Failure::while_doing(format!("cannot assemble {}", folder.display()))(error);
        let mut files = files::list(&workspace.root().join("bindings-swift")).map_err(failed)?;
        for (name, place) in [("KomoPay.swift", "Sources/KomoPay"), ("KomoPayFFI.h", "Sources/KomoPayFFI")] {
            files.insert(Path::new(place).join(name), generated.join(name));
        }
        mirror(&files, &folder).map_err(failed)?;
        Ok(Self { workspace, toolchain, folder })
    }

    /// `swift build`, `swift test`: with the native half linked from where it was built.
    fn swift(&self, task: &str) -> Program {
        self.swift_with(task, "debug")
    }

    /// The same, with the native half of this profile.
    fn swift_with(&self, task: &str, profile: &str) -> Program {
        self.linked(self.program("swift").arg(task).arg("--scratch-path").arg(self.built()), profile)
    }

    fn linked(&self, swift: Program, profile: &str) -> Program {
        let library = self.workspace.target().join(profile);
        let swift = swift.arg("-Xlinker").arg(format!("-L{}", library.display()));
        swift.args("-Xlinker -rpath -Xlinker").arg(library)
    }

    /// Copies it into a folder of somebody who uses it.
    pub(crate) fn copy(&self, to: &Path) -> Outcome {
        let files = files::list(&self.folder);
        let failed = |error| Failure::while_doing(format!("cannot copy the package to {}", to.display()))(error);
        files.and_then(|files| mirror(&files, to)).map_err(failed)
    }

    /// `swift run` of a project that uses it: as the README says.
    pub(crate) fn run(&self, project: &Path) -> Program {
        self.linked(self.toolchain.program(self.workspace, "swift", project).arg("run"), "debug")
    }

    fn program(&self, program: impl AsRef<OsStr>) -> Program {
        self.toolchain.program(self.workspace, program, &self.folder)
    }

    fn built(&self) -> PathBuf {
        self.workspace.folder("swift").join("build")
    }

    /// A program of the package that was built.
    fn built_program(&self, name: &str) -> Program {
        self.program(self.built().join("debug").join(name))
    }

    /// Whether a program that uses the module would compile.
    fn check_types(&self, name: &str, code: &str) -> Outcome {
        let file = self.workspace.folder("swift").join(name);
        fs::write(&file, code).map_err(Failure::while_doing(format!("cannot write {}", file.display())))?;
        let types = self.program("swiftc").args("-typecheck -swift-version 6 -I Sources/KomoPayFFI -I");
        types.arg(self.built().join("debug").join("Modules")).arg(&file).output().map(drop)
    }

    /// Lets the compiler list what users of the module see.
    fn list_symbols(&self) -> Outcome {
        let folder = self.workspace.folder("swift").join("symbols");
        fs::create_dir_all(&folder).map_err(Failure::while_doing(format!("cannot make {}", folder.display())))?;
        let list = self.program("swiftc").args("-module-name KomoPay -swift-version 5 -I Sources/KomoPayFFI");
        let list = list.args("-emit-module -emit-module-path").arg(folder.join("KomoPay.swiftmodule"));
        let list = list.args("-emit-symbol-graph -symbol-graph-minimum-access-level public -emit-symbol-graph-dir");
        self.sources()?.iter().fold(list.arg(&folder), Program::arg).run()
    }

    /// The sources of the module, generated and written.
    fn sources(&self) -> Outcome<Vec<PathBuf>> {
        let folder = self.folder.join("Sources").join("KomoPay");
        let failed = |error| Failure::while_doing(format!("cannot read {}", folder.display()))(error);
        fs::read_dir(&folder).map_err(failed)?.map(|entry| Ok(entry.map_err(failed)?.path())).collect()
    }
}

/// Makes a folder hold exactly these files. What is the same is left alone, so that only changes are compiled.
fn mirror(files: &BTreeMap<PathBuf, PathBuf>, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let old = files::list(folder)?;
    for gone in old.iter().filter(|(path, _)| !files.contains_key(*path)) {
        fs::remove_file(gone.1)?;
    }
    for (path, from) in files {
        let (content, to) = (fs::read(from)?, folder.join(path));
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        if !fs::read(&to).is_ok_and(|same| same == content) {
            fs::write(&to, content)?;
        }
    }
    Ok(())
}

/// Every check of the Swift package.
pub(crate) fn check(workspace: &Workspace, conformance: &Conformance, report: &Report) -> Outcome {
    let in_the_check = |failure| Failure::new(format!("Swift toolchain: {failure}"));
    let toolchain = match Toolchain::find(workspace).map_err(in_the_check)? {
        Ok(toolchain) => toolchain,
        Err(why) => {
            report.not_run("Swift", &why);
            return Ok(());
        }
    };
    report.check("Swift toolchain", |_| {
        toolchain.program(workspace, "swift", workspace.target()).arg("--version").run()
    })?;
    let mut assembled = None;
    report.check("Swift package", |_| {
        let package = Package::assemble(workspace, &toolchain, "bindgen,provoked-panics")?;
        // In Swift 6 mode, which knows data races, the compiler can only check it.
        let types =
            package.program("swiftc").args("-typecheck -swift-version 6 -warnings-as-errors -module-name KomoPay");
        package.sources()?.iter().fold(types.args("-I Sources/KomoPayFFI"), Program::arg).run()?;
        package.swift("build").args("--build-tests -Xswiftc -warnings-as-errors").run()?;
        package.list_symbols()?;
        assembled = Some(package);
        Ok(())
    })?;
    let Some(package) = assembled else { return Ok(()) };
    report.check("Swift documents", |_| {
        for Shown { document, imports, body } in documents::programs(workspace, "swift")? {
            package.check_types("Shown.swift", &format!("// {document}\n{imports}\n{body}\n"))?;
        }
        let project = project(workspace)?;
        toolchain.program(workspace, "swift", &project).args("package dump-package").output()?;
        match package.check_types("Double.swift", "import KomoPay\n_ = try Money(42.05, \"USD\")\n") {
            Err(refused) if refused.to_string().contains("Money(42.05") => Ok(()),
            other => Err(Failure::new(format!("money of a Double must not compile: {other:?}"))),
        }
    })?;
    report.check("Swift tests", |tally| {
        let (sandbox, calls) = (gateway::build(workspace)?, workspace.folder("swift-calls.jsonl"));
        files::remove(&calls)?;
        // What XCTest and the tests write to either output is searched.
        let program = package.swift("test").args("--skip-build --disable-swift-testing -Xswiftc -warnings-as-errors");
        let both = Program::new(workspace, "sh").args("-c").arg(r#"exec "$0" "$@" 2>&1"#).followed_by(&program);
        let both = both.env("KOMOPAY_SANDBOX_BIN", sandbox).env("KOMOPAY_SANDBOX_RECORD", &calls);
        suite::tests(workspace, both, tally)?;
        gateway::validate(workspace, &calls)
    })?;
    report.check("Swift conformance", |tally| {
        conformance.play(workspace, "swift", &package.built_program("komopay-conformance"), tally)
    })?;
    report.check("Swift surface", |_| surface::check(workspace, Language::Swift))?;
    report.check("Swift demo", |_| pay(&package))
}

/// A package that uses this one, as the README tells to save it.
pub(crate) fn project(workspace: &Workspace) -> Outcome<PathBuf> {
    let home = workspace.folder("newcomer");
    files::empty_folder(&home)?;
    let project = home.join("project");
    for step in steps(workspace, README, "Using it")? {
        if let Step::Save { name, text } = step {
            files::write(&project.join(name), &text)?;
        }
    }
    Ok(project)
}

/// The contestants of Swift in `cargo xtask bench`, as they would be published.
pub(crate) struct Contestants<'a> {
    workspace: &'a Workspace,
    toolchain: Toolchain,
    program: PathBuf,
}

impl<'a> Contestants<'a> {
    /// Builds them. None, where there is no Swift.
    pub(crate) fn build(workspace: &'a Workspace) -> Outcome<Option<Self>> {
        let toolchain = match Toolchain::find(workspace)? {
            Ok(toolchain) => toolchain,
            Err(why) => {
                println!("not measured: {why}");
                return Ok(None);
            }
        };
        let package = Package::assemble(workspace, &toolchain, "bindgen")?;
        Program::cargo(workspace).args("build --locked --release --package komopay-ffi").run()?;
        let build = package.swift_with("build", "release");
        build.args("--configuration release --product komopay-contestant").run()?;
        let program = package.built().join("release").join("komopay-contestant");
        Ok(Some(Self { workspace, toolchain, program }))
    }

    /// What runs one of them.
    pub(crate) fn program(&self) -> Program {
        self.toolchain.program(self.workspace, &self.program, self.workspace.target())
    }
}

/// Builds the package as its users do, and pays with it.
pub(crate) fn demo(workspace: &Workspace) -> Outcome {
    demo::say(1, "The Swift package is built (the first build takes minutes)");
    let toolchain = Toolchain::find(workspace)?.map_err(Failure::new)?;
    let package = Package::assemble(workspace, &toolchain, "bindgen")?;
    package.swift("build").args("--product komopay-quickstart").run()?;
    pay(&package)
}

fn pay(package: &Package<'_>) -> Outcome {
    let quickstart = |gateway: &Gateway| {
        package
            .built_program("komopay-quickstart")
            .env("KOMOPAY_BASE_URL", gateway.base_url())
            .env("KOMOPAY_MERCHANT_CODE", MERCHANT_CODE)
            .env("KOMOPAY_SECRET", SECRET)
    };
    demo::pay_by(package.workspace, quickstart)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_of_the_same_name_that_says_something_else_is_not_the_compiler() {
        assert!(answers("cargo", "cargo 1."));
        assert!(!answers("cargo", "Swift version") && !answers("no-such-program", ""));
    }

    #[test]
    fn a_mirror_holds_the_given_files_and_leaves_the_same_ones_alone() {
        let folder = std::env::temp_dir().join(format!("komopay-mirror-{}", std::process::id()));
        let (from, to) = (folder.join("from"), folder.join("to"));
        for (path, text) in [("from/a/same", "1"), ("from/new", "2"), ("to/a/same", "1"), ("to/gone", "3")] {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let before = fs::metadata(to.join("a/same")).unwrap().modified().unwrap();
        let files = files::list(&from).unwrap();
        mirror(&files, &to).unwrap();

        assert_eq!(fs::read_to_string(to.join("new")).unwrap(), "2");
        assert!(!to.join("gone").exists());
        assert_eq!(fs::metadata(to.join("a/same")).unwrap().modified().unwrap(), before);
        fs::remove_dir_all(folder).unwrap();
    }
}
