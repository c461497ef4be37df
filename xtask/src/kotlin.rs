//! The Kotlin side: the native library and the code generated for it, and Maven, which builds, tests and installs the
//! jar. Everything goes below the build folder, Maven's own store of artifacts too.

use std::env::consts;
use std::fs;
use std::path::{Path, PathBuf};

use crate::canary::Canaries;
use crate::command::Program;
use crate::conformance::Conformance;
use crate::documents::Shown;
use crate::failure::{Failure, Outcome};
use crate::gateway::{self, Gateway, MERCHANT_CODE, SECRET};
use crate::report::Report;
use crate::setup::{self, Missing, Tool};
use crate::surface::{self, Language};
use crate::tally::Tally;
use crate::tools::Python;
use crate::venv::{Profile, Venv};
use crate::workspace::Workspace;
use crate::{demo, documents, files, kotlin_code, ledger, licenses, suite};

/// The payout that the server of the hand-off lets the app make.
const HANDED_OFF: [&str; 3] = ["APP-223344", "10000", "IDR"];

/// Where the generator's own code goes, besides what it writes with `UniFFI`.
const OPERATIONS: &str = "id/komopay/ffi/Operations.kt";

/// The folders of the jar where JNA looks for the library, by system and processor.
pub(crate) const PLATFORMS: [(&str, &str, &str); 4] = [
    ("linux", "x86_64", "linux-x86-64"),
    ("linux", "aarch64", "linux-aarch64"),
    ("macos", "aarch64", "darwin-aarch64"),
    ("windows", "x86_64", "win32-x86-64"),
];

/// The examples that make the documented payout, in Kotlin and in Java.
pub(crate) const QUICKSTART: &str = "example.QuickstartKt";
pub(crate) const JAVA_QUICKSTART: &str = "example.JavaQuickstart";

/// The library as Maven knows it.
pub(crate) struct Kotlin<'a> {
    workspace: &'a Workspace,
    folder: PathBuf,
}

impl<'a> Kotlin<'a> {
    fn new(workspace: &'a Workspace) -> Self {
        Self::below(workspace, workspace.folder("kotlin"))
    }

    /// It, built in this folder.
    pub(crate) fn below(workspace: &'a Workspace, folder: PathBuf) -> Self {
        Self { workspace, folder }
    }

    /// Lays all of it ready as it is published, with this library, but for this machine only.
    pub(crate) fn prepare_release(&self, library: &Path) -> Outcome {
        self.prepare("")?;
        // What the code was generated from was no release.
        let folder = self.folder.join("native").join(platform(consts::OS, consts::ARCH)?);
        let name = library.file_name().unwrap_or_default();
        fs::copy(library, folder.join(name)).map(drop).map_err(Failure::while_doing("cannot copy the library"))
    }

    /// Builds the native library with these features besides the generator's, and lays it and the code ready for Maven.
    fn prepare(&self, features: &str) -> Outcome {
        let platform = platform(consts::OS, consts::ARCH)?;
        let cargo = Program::cargo(self.workspace).args("build --locked --package komopay-ffi --features");
        cargo.arg(format!("bindgen{features}")).run()?;
        let built = self.workspace.target().join("debug");
        let library = format!("{}komopay_ffi{}", consts::DLL_PREFIX, consts::DLL_SUFFIX);

        let (generated, native) = (self.folder.join("generated"), self.folder.join("native"));
        for folder in [&generated, &native] {
            // What an earlier build left here would go into the jar.
            files::remove_folder(folder)?;
        }
        let generator = built.join(format!("komopay-bindgen{}", consts::EXE_SUFFIX));
        Program::new(self.workspace, &generator)
            .args("generate --no-format --config uniffi.toml --language kotlin --out-dir")
            .arg(&generated)
            .arg(built.join(&library))
            .run()?;
        let operations = Program::new(self.workspace, generator).arg("operations").output()?;
        fs::write(generated.join(OPERATIONS), operations).map_err(Failure::while_doing(OPERATIONS))?;
        kotlin_code::mend(&generated)?;
        self.pack(&built.join(&library), &native.join(platform))
    }

    /// Lays the gateway's program ready for the jar of the test kit.
    pub(crate) fn prepare_gateway(&self, program: &Path) -> Outcome {
        let folder = self.folder.join("gateway");
        files::remove_folder(&folder)?;
        self.pack(program, &folder.join(platform(consts::OS, consts::ARCH)?))
    }

    /// Copies what was built into this folder, without its debug information.
    fn pack(&self, from: &Path, folder: &Path) -> Outcome {
        fs::create_dir_all(folder).map_err(Failure::while_doing(format!("cannot make {}", folder.display())))?;
        let to = folder.join(from.file_name().unwrap_or_default());
        if cfg!(windows) {
            // It is in a file of its own there.
            return fs::copy(from, &to)
                .map(drop)
                .map_err(Failure::while_doing(format!("cannot copy to {}", to.display())));
        }
        Program::new(self.workspace, "strip").arg("-S").arg("-o").arg(to).arg(from).run()
    }

    /// Maven, on a project of the checkout.
    pub(crate) fn maven(&self, project: &str) -> Program {
        Program::new(self.workspace, if cfg!(windows) { "mvn.cmd" } else { "mvn" })
            .args("--batch-mode --no-transfer-progress -Dstyle.color=never")
            // It ends before what the JVM's second compiler does for it pays off.
            .env("MAVEN_OPTS", "-XX:TieredStopAtLevel=1")
            .arg(property("maven.repo.local", &self.workspace.folder("maven")))
            .arg(property("komopay.build", &self.folder))
            .arg("--file")
            .arg(project)
    }

    fn sdk(&self) -> Program {
        self.maven("bindings-kotlin/pom.xml")
    }

    fn examples(&self) -> Program {
        self.maven("bindings-kotlin/examples/pom.xml")
    }

    /// Runs the tests that a project builds in this folder with the gateway's program, searches all that they wrote,
    /// and counts the process models among them: a class of tests each.
    fn test(&self, maven: Program, project: &str, tally: &mut Tally) -> Outcome {
        let reports = self.folder.join(project).join("surefire-reports");
        files::remove_folder(&reports)?;
        let maven = maven.env("KOMOPAY_SANDBOX_BIN", gateway::build(self.workspace)?);
        suite::tests(self.workspace, maven, tally)?;
        let models = search(self.workspace, &reports)?
            .iter()
            .filter(|name| name.starts_with("TEST-id.komopay.processes.") && name.ends_with("Test.xml"))
            .count();
        if models > 0 {
            tally.read(&format!("proven: {models} process models of the JVM"));
        }
        Ok(())
    }

    /// A program among the tests, which have the library as it was compiled.
    fn test_program(&self, class: &str, options: &str) -> Outcome<Program> {
        self.java(&["maven/classes", "maven/test-classes"], "test-classpath", class, options)
    }

    /// An example, which has the library as the jar that was installed.
    fn example(&self, class: &str) -> Outcome<Program> {
        self.java(&["examples/classes"], "examples-classpath", class, "")
    }

    fn jar(&self) -> PathBuf {
        self.folder.join("maven").join(format!("komopay-sdk-{}.jar", env!("CARGO_PKG_VERSION")))
    }

    /// Whether whoever reads the library in an editor finds its sources, the generated ones too, and its documentation.
    fn check_documentation(&self) -> Outcome {
        let opened = self.folder.join("opened");
        files::remove_folder(&opened)?;
        fs::create_dir_all(&opened).map_err(Failure::while_doing(opened.display()))?;
        let wanted = [("sources", "AsyncClient.kt"), ("sources", "Values.kt"), ("javadoc", "AsyncClient.html")];
        for (kind, name) in wanted {
            let jar = self.jar().with_file_name(format!("komopay-sdk-{}-{kind}.jar", env!("CARGO_PKG_VERSION")));
            let name = format!("id/komopay/{name}");
            let extract = Program::new(self.workspace, "jar").inside(&opened).args("--extract --file").arg(jar);
            extract.arg(&name).run()?;
            let text = fs::read_to_string(opened.join(&name)).map_err(Failure::while_doing(name.clone()))?;
            // What the documentation of a client says, and that of a payout.
            if !["no further attempt", "The platform"].iter().any(|words| text.contains(words)) {
                return Err(Failure::new(format!("{name} of the {kind} does not say what its source does")));
            }
        }
        Ok(())
    }

    fn java(&self, folders: &[&str], list: &str, class: &str, options: &str) -> Outcome<Program> {
        let list = self.folder.join(list);
        let jars =
            fs::read_to_string(&list).map_err(Failure::while_doing(format!("cannot read {}", list.display())))?;
        let folders = folders.iter().map(|folder| self.folder.join(folder).into_os_string());
        let path = folders
            .chain([jars.trim().into()])
            .collect::<Vec<_>>()
            .join(if cfg!(windows) { ";" } else { ":" }.as_ref());
        // Not as an argument, which would be printed, and it is long.
        Ok(Program::new(self.workspace, "java").args(options).env("CLASSPATH", path).arg(class))
    }
}

/// The contestants of the JVM in `cargo xtask bench`, with the jar as it would be published, but for this machine only.
pub(crate) struct Contestants<'a>(Kotlin<'a>);

impl<'a> Contestants<'a> {
    pub(crate) fn build(workspace: &'a Workspace) -> Outcome<Self> {
        setup::require(workspace, &[Tool::Compiler, Tool::Jdk, Tool::Maven])?;
        let kotlin = Kotlin::new(workspace);
        kotlin.prepare_release(&Self::library(workspace)?)?;
        kotlin.sdk().args("--quiet -Dmaven.test.skip=true install").run()?;
        kotlin.maven("bench/jvm/pom.xml").args("--quiet compile").run()?;
        Ok(Self(kotlin))
    }

    /// Builds the native library as it would be published, and says where it is.
    fn library(workspace: &Workspace) -> Outcome<PathBuf> {
        Self::library_with(workspace, "")
    }

    fn library_with(workspace: &Workspace, features: &str) -> Outcome<PathBuf> {
        Program::cargo(workspace).args("build --locked --release --package komopay-ffi").args(features).run()?;
        let name = format!("{}komopay_ffi{}", consts::DLL_PREFIX, consts::DLL_SUFFIX);
        Ok(workspace.target().join("release").join(name))
    }

    /// What runs one of them.
    pub(crate) fn program(&self) -> Outcome<Program> {
        self.0.java(&["bench/classes"], "bench-classpath", "id.komopay.bench.MainKt", "")
    }

    /// A process that makes a first payout: against this URL, with this file of authorities; without them, nothing.
    pub(crate) fn cold(&self) -> Outcome<Program> {
        self.0.java(&["bench/classes"], "bench-classpath", "id.komopay.bench.ColdKt", "")
    }

    /// Builds the native library with neither SQLite nor the JVM's own border, and says where it is.
    pub(crate) fn plain_library(&self) -> Outcome<PathBuf> {
        Self::library_with(self.0.workspace, "--no-default-features")
    }

    /// Jar and native library.
    pub(crate) fn files(&self) -> Outcome<[PathBuf; 2]> {
        Ok([self.0.jar(), Self::library(self.0.workspace)?])
    }
}

fn property(name: &str, value: &Path) -> String {
    format!("-D{name}={}", value.display())
}

/// The folder of the jar where JNA looks for the library on this machine. The published jar has all of them.
fn platform(os: &str, arch: &str) -> Outcome<&'static str> {
    let found = PLATFORMS.iter().find(|(its_os, its_arch, _)| (*its_os, *its_arch) == (os, arch));
    let missing = || Failure::new(format!("the Kotlin library is not built for {os} on {arch}"));
    found.map(|(_, _, folder)| *folder).ok_or_else(missing)
}

/// Every check of the Kotlin library.
pub(crate) fn check(workspace: &Workspace, missing: &Missing, conformance: &Conformance, report: &Report) -> Outcome {
    if let Some(why) = missing.of(&[Tool::Compiler, Tool::Jdk, Tool::Maven]) {
        report.not_run("Kotlin", &why);
        return Ok(());
    }
    let kotlin = Kotlin::new(workspace);
    report.check("Kotlin library", |_| kotlin.prepare(",provoked-panics"))?;
    report.check("Kotlin tests", |tally| {
        let calls = workspace.folder("kotlin-calls.jsonl");
        files::remove(&calls)?;
        let install = kotlin.sdk().args("--activate-profiles documented install");
        kotlin.test(install.env("KOMOPAY_SANDBOX_RECORD", &calls), "maven", tally)?;
        gateway::validate(workspace, &calls)
    })?;
    report.check("Kotlin jar", |_| {
        licenses::check_archive(Program::new(workspace, "jar").args("--list --file").arg(kotlin.jar()))?;
        kotlin.check_documentation()
    })?;
    report.check("Kotlin conformance", |tally| {
        conformance.play(workspace, "kotlin", &kotlin.test_program("id.komopay.conformance.RunnerKt", "")?, tally)?;
        let blocking = kotlin.test_program("id.komopay.conformance.RunnerKt", "")?.arg("--blocking");
        conformance.play(workspace, "kotlin-blocking", &blocking, tally)
    })?;
    if cfg!(target_os = "linux") {
        report.check("Kotlin memory", |_| {
            // A heap that is there from the start, and a compiler that needs little: what grows is not theirs.
            let options = "-Xms48m -Xmx48m -XX:+AlwaysPreTouch -XX:+UseSerialGC -XX:TieredStopAtLevel=1";
            kotlin
                .test_program("id.komopay.MemoryKt", options)?
                .env("KOMOPAY_SANDBOX_BIN", gateway::build(workspace)?)
                .run()
        })?;
    }
    report.check("Kotlin demo, from the installed jar", |_| {
        // It is the jar of the tests, whose calls can be made to panic; `demo` builds the one without that.
        kotlin.examples().arg("compile").run()?;
        pay(&kotlin, QUICKSTART)?;
        pay(&kotlin, JAVA_QUICKSTART)?;
        payroll(&kotlin)
    })?;
    report.check("Kotlin test kit", |tally| {
        kotlin.prepare_gateway(&gateway::build(workspace)?)?;
        kotlin.test(kotlin.maven("bindings-kotlin/test-kit/pom.xml").arg("install"), "test-kit", tally)
    })?;
    report.check("Kotlin traces and metrics", |tally| {
        kotlin.test(kotlin.maven("bindings-kotlin/opentelemetry/pom.xml").arg("install"), "opentelemetry", tally)
    })?;
    report.check("Kotlin callbacks, with Ktor and Spring Boot", |tally| callbacks(&kotlin, tally))?;
    match missing.of(&[Tool::Python]) {
        None => report.check("hand-off to an app", |_| hand_off(&kotlin, &Python::find()?))?,
        Some(why) => report.not_run("hand-off to an app", &why),
    }
    report.check("Kotlin surface", |_| surface::check(workspace, Language::Kotlin))
}

/// Builds the library, and only runs creates in JVMs that are interrupted, nested, redeployed and shut down.
pub(crate) fn processes(workspace: &Workspace, tally: &mut Tally) -> Outcome {
    setup::require(workspace, &[Tool::Compiler, Tool::Jdk, Tool::Maven])?;
    let kotlin = Kotlin::new(workspace);
    kotlin.prepare(",provoked-panics")?;
    kotlin.test(kotlin.sdk().args("test -Dgroups=process-model"), "maven", tally)
}

/// Installs the adapters, and lets the sandbox call the examples that use them.
fn callbacks(kotlin: &Kotlin<'_>, tally: &mut Tally) -> Outcome {
    let workspace = kotlin.workspace;
    kotlin.maven("bindings-kotlin/jackson/pom.xml").arg("install").run()?;
    for adapter in ["ktor", "spring-boot"] {
        kotlin.maven(&format!("bindings-kotlin/{adapter}/pom.xml")).arg("install").run()?;
        kotlin.maven(&format!("bindings-kotlin/examples/{adapter}/pom.xml")).arg("compile").run()?;
    }
    write_documents(kotlin)?;
    for versions in ["", "--activate-profiles oldest"] {
        kotlin.maven("bindings-kotlin/callback-tests/apps/pom.xml").args(versions).arg("compile").run()?;
    }
    let readme = kotlin.folder.join("readme");
    let jars = fs::read_to_string(kotlin.folder.join("apps/newest/spring-boot/classpath"))
        .map_err(Failure::while_doing("the class path of the application"))?;
    // Not as an argument, which would be printed, and it is long.
    let javac = Program::new(workspace, "javac").env("CLASSPATH", jars.trim()).arg("-d").arg(readme.join("classes"));
    javac.arg(readme.join("Readme.java")).run()?;
    let calls = workspace.folder("kotlin-callback-calls.jsonl");
    files::remove(&calls)?;
    let maven = kotlin.maven("bindings-kotlin/callback-tests/pom.xml").arg("test");
    kotlin.test(maven.env("KOMOPAY_SANDBOX_RECORD", &calls), "callback-tests", tally)?;
    gateway::validate(workspace, &calls)
}

/// Where the jar of the documentation is, once the checks have built it.
pub(crate) fn documentation(workspace: &Workspace) -> PathBuf {
    Kotlin::new(workspace).jar().with_file_name(format!("komopay-sdk-{}-javadoc.jar", env!("CARGO_PKG_VERSION")))
}

/// Lays ready what documents show: for the application with Ktor, which is compiled with it, and for `javac`.
fn write_documents(kotlin: &Kotlin<'_>) -> Outcome {
    let folder = kotlin.folder.join("readme");
    files::remove_folder(&folder)?;
    fs::create_dir_all(folder.join("kotlin")).map_err(Failure::while_doing(folder.display()))?;
    let write =
        |name: &str, code: String| fs::write(folder.join(name), code).map_err(Failure::while_doing(name.to_owned()));
    let shown = documents::programs(kotlin.workspace, "kotlin")?;
    for (number, Shown { document, imports, body }) in shown.into_iter().enumerate() {
        let function = format!("suspend fun io.ktor.server.application.Application.shown{number}() {{\n{body}\n}}\n");
        write(&format!("kotlin/Readme{number}.kt"), format!("// {document}\npackage readme\n{imports}\n{function}"))?;
    }
    let shown = documents::programs(kotlin.workspace, "java")?;
    let (imports, bodies): (Vec<_>, Vec<_>) = shown.into_iter().map(|shown| (shown.imports, shown.body)).unzip();
    let orders = "interface Orders { void update(String id, id.komopay.Payout payout); }\nOrders orders;";
    write("Readme.java", format!("{}\nclass Readme {{\n{orders}\n{}\n}}\n", imports.join("\n"), bodies.join("\n")))
}

/// Searches everything that the tests wrote. Gives the names of the files.
fn search(workspace: &Workspace, reports: &Path) -> Outcome<Vec<String>> {
    let canaries = Canaries::read(workspace)?;
    let failed = |error| Failure::while_doing(format!("cannot read {}", reports.display()))(error);
    let mut names = Vec::new();
    for entry in fs::read_dir(reports).map_err(failed)? {
        let file = entry.map_err(failed)?;
        canaries.search(&file.path())?;
        names.push(file.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}

/// Builds and installs the jar, without what only tests need, and pays with it.
pub(crate) fn demo(workspace: &Workspace, example: &str) -> Outcome {
    let kotlin = Kotlin::new(workspace);
    demo::say(1, "The jar is built and installed into a Maven repository of its own (the first build takes minutes)");
    kotlin.prepare("")?;
    kotlin.sdk().args("--quiet -Dmaven.test.skip=true install").run()?;
    kotlin.examples().args("--quiet compile").run()?;
    pay(&kotlin, example)
}

fn pay(kotlin: &Kotlin<'_>, class: &str) -> Outcome {
    let example = kotlin.example(class)?;
    demo::pay_by(kotlin.workspace, |gateway| {
        example
            .env("KOMOPAY_BASE_URL", gateway.base_url())
            .env("KOMOPAY_MERCHANT_CODE", MERCHANT_CODE)
            .env("KOMOPAY_SECRET", SECRET)
    })
}

/// Pays twenty at once, with futures, and looks whether each was paid once.
fn payroll(kotlin: &Kotlin<'_>) -> Outcome {
    let gateway = Gateway::start(kotlin.workspace)?;
    let example = kotlin.example("example.AsyncPayroll")?;
    example
        .env("KOMOPAY_BASE_URL", gateway.base_url())
        .env("KOMOPAY_MERCHANT_CODE", MERCHANT_CODE)
        .env("KOMOPAY_SECRET", SECRET)
        .run()?;
    ledger::check_each_paid_once(&ledger::read(&gateway)?, 20)?;
    gateway.stop()
}

/// A server in Python issues a token for one payout; an app in Kotlin makes the payout with it, and can do nothing
/// else.
fn hand_off(kotlin: &Kotlin<'_>, python: &Python) -> Outcome {
    let workspace = kotlin.workspace;
    let venv = Venv::fresh(workspace, python, "venv-hand-off")?;
    venv.install_builder(workspace)?;
    venv.install_wheel(workspace, Profile::Test)?;
    let gateway = Gateway::start(workspace)?;
    let server = venv
        .python(workspace)
        .arg("bindings-python/examples/issue_token.py")
        .env("KOMOPAY_BASE_URL", gateway.base_url())
        .env("KOMOPAY_MERCHANT_CODE", MERCHANT_CODE)
        .env("KOMOPAY_SECRET", SECRET);
    // The token goes from one to the other, and nowhere else.
    let token = HANDED_OFF.iter().fold(server, Program::arg).output()?;
    let app =
        kotlin.example("example.AppKt")?.env("KOMOPAY_BASE_URL", gateway.base_url()).env("KOMOPAY_TOKEN", token.trim());
    let canaries = Canaries::read(workspace)?;
    let mut seen = 0;
    HANDED_OFF.iter().fold(app, Program::arg).run_reading(|line| {
        println!("   {line}");
        seen += canaries.count_in([line]);
    })?;
    if seen > 0 {
        return Err(Failure::new(format!("{seen} lines of the app's output show the token")));
    }
    let [payout_id, ..] = HANDED_OFF;
    ledger::check_paid_once(&ledger::read(&gateway)?, payout_id)?;
    gateway.stop()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_goes_where_jna_looks_for_it_and_for_no_other_machine() {
        assert_eq!(platform("linux", "x86_64").unwrap(), "linux-x86-64");
        assert_eq!(platform("macos", "aarch64").unwrap(), "darwin-aarch64");
        assert!(platform("macos", "x86_64").unwrap_err().to_string().contains("macos on x86_64"));
    }
}
