//! What a machine needs for the tasks, and the one place that installs it: for root, on systems with `apt-get`. For
//! whoever else all that is missing is named, in one line to paste.

mod tool;

pub(crate) use tool::{Missing, Tool};

use std::path::Path;
use std::process::{Command, Stdio};

use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::swift;
use crate::tools::Python;
use crate::workspace::Workspace;

use Tool::{
    Chromium, Clippy, Compiler, Debootstrap, Faketime, Git, Jdk, Maven, Namespaces, Postgres, Python as PythonTool,
    PythonHeaders, Redis, Rustfmt, Swift, Systemd, Valgrind,
};

/// What the Rust checks need.
pub(crate) const RUST: [Tool; 8] = [Git, Compiler, Rustfmt, Clippy, Faketime, Valgrind, Postgres, Namespaces];
/// What the Python package and its checks need. The server of Temporal that they start is a program for the JVM.
pub(crate) const PYTHON: [Tool; 12] =
    [Git, Compiler, PythonTool, PythonHeaders, Redis, Valgrind, Postgres, Namespaces, Jdk, Maven, Systemd, Chromium];
/// What the Kotlin library and its checks need: it is tried with a server in Python.
pub(crate) const KOTLIN: [Tool; 4] = [Compiler, Jdk, Maven, PythonTool];
/// What the Swift package and its checks need.
pub(crate) const SWIFT: [Tool; 3] = [Compiler, Debootstrap, Swift];
/// The oldest JDK that compiles for the JVM.
const OLDEST_JDK: u32 = 11;

/// What installs programs here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Installer {
    Apt,
    Dnf,
    Brew,
}

impl Installer {
    fn find() -> Option<Self> {
        let known = [(Self::Apt, "apt-get"), (Self::Dnf, "dnf"), (Self::Brew, "brew")];
        known.into_iter().find(|(_, program)| answers(program)).map(|(installer, _)| installer)
    }

    /// The packages of a tool; none, if it does not come as one.
    fn packages(self, tool: Tool) -> &'static str {
        match (self, tool) {
            (_, Git) => "git",
            (Self::Apt, Compiler) => "gcc libc6-dev",
            (Self::Dnf, Compiler) => "gcc",
            (Self::Apt | Self::Dnf, Rustfmt) => "rustfmt",
            (Self::Apt, Clippy) => "rust-clippy",
            (Self::Dnf, Clippy) => "clippy",
            (Self::Apt, PythonTool) => "python3 python3-venv",
            (Self::Dnf, PythonTool) => "python3",
            (Self::Brew, PythonTool | PythonHeaders) => "python",
            (Self::Apt, PythonHeaders) => "python3-dev",
            (Self::Dnf, PythonHeaders) => "python3-devel",
            (Self::Apt, Jdk) => "default-jdk-headless",
            (Self::Dnf, Jdk) => "java-latest-openjdk-devel",
            (Self::Brew, Jdk) => "openjdk",
            (_, Maven) => "maven",
            (Self::Apt, Redis) => "redis-server",
            (_, Redis) => "redis",
            // Debian's makes a cluster of its own besides, which nothing here looks at: tests start theirs elsewhere.
            (Self::Apt | Self::Brew, Postgres) => "postgresql pgbouncer",
            (Self::Dnf, Postgres) => "postgresql-server pgbouncer",
            (Self::Apt, Namespaces) => "iproute2 util-linux",
            (Self::Dnf, Namespaces) => "iproute util-linux",
            (Self::Apt | Self::Dnf, Systemd) => "systemd",
            (Self::Apt | Self::Dnf, Chromium) => "chromium",
            (Self::Apt | Self::Dnf, Faketime) => "libfaketime",
            (Self::Apt | Self::Dnf, Valgrind) => "valgrind",
            (Self::Apt | Self::Dnf, Debootstrap) => "debootstrap",
            (Self::Dnf, Swift) => "swift-lang",
            (Self::Apt | Self::Brew, Swift)
            | (
                Self::Brew,
                Compiler | Rustfmt | Clippy | Faketime | Debootstrap | Valgrind | Namespaces | Systemd | Chromium,
            ) => "",
        }
    }

    /// The words before the packages.
    fn install(self) -> &'static str {
        match self {
            Self::Apt => "apt-get install --yes --no-install-recommends",
            Self::Dnf => "dnf install --assumeyes",
            Self::Brew => "brew install",
        }
    }
}

fn is_there(tool: Tool, workspace: &Workspace) -> bool {
    let cargo = |subcommand| Program::cargo(workspace).arg(subcommand).arg("--version").output().is_ok();
    match tool {
        Git => answers("git"),
        // Others find their compiler themselves.
        Compiler => cfg!(windows) || answers("cc"),
        Rustfmt => cargo("fmt"),
        Clippy => cargo("clippy"),
        PythonTool => Python::find().is_ok(),
        PythonHeaders => Python::find().is_ok_and(|python| python.has_headers()),
        Jdk => version("javac").is_some_and(|told| is_jdk_that_will_do(&told)),
        Maven => answers(if cfg!(windows) { "mvn.cmd" } else { "mvn" }),
        // The processes of Celery are tried on Unix only.
        Redis => cfg!(windows) || answers("redis-server"),
        // The tests with a server of their own are for Unix only.
        Postgres => cfg!(windows) || has_postgres(),
        Namespaces => !cfg!(target_os = "linux") || has_namespaces(),
        Systemd => !cfg!(target_os = "linux") || answers("systemd-analyze"),
        Chromium => BROWSERS.into_iter().any(answers),
        Faketime => !cfg!(target_os = "linux") || FAKETIME.into_iter().any(has_faketime),
        Valgrind => !cfg!(target_os = "linux") || answers("valgrind"),
        Debootstrap => !swift::needs_debootstrap(workspace) || answers("debootstrap"),
        Swift => swift::can_be_had(workspace),
    }
}

/// The names of the browser: the tests of the gateway's page look for them, too.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Where systems put the library that sets the clock of one process: the tests of clocks look there, too.
const FAKETIME: [&str; 5] =
    ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib"];

fn has_faketime(folder: &str) -> bool {
    Path::new(folder).join("faketime/libfaketime.so.1").exists()
}

/// Whether network namespaces, and cables to them, can be made here: not everybody may, and not in every container.
fn has_namespaces() -> bool {
    let link = "ip link add kpprobe type veth peer name kpother";
    let made = Command::new("unshare").args(["--net", "sh", "-c", link]).stdin(Stdio::null()).output();
    answers("nsenter") && made.is_ok_and(|made| made.status.success())
}

/// Whether there are its server, which Debian keeps out of the `PATH`, and a pooler.
fn has_postgres() -> bool {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let is_debians = versions.map(|version| version.path().join("bin/initdb")).any(|program| program.exists());
    (is_debians || answers("initdb")) && (answers("pgbouncer") || answers("/usr/sbin/pgbouncer"))
}

/// Whether there is this program, and not only something of its name that says where to get it.
fn answers(program: &str) -> bool {
    version(program).is_some()
}

/// What a program says of its version.
fn version(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether this is the version of a JDK that will do, such as `javac 17.0.9`. (Java 8 has no `--version`.)
fn is_jdk_that_will_do(version: &str) -> bool {
    let number = version.split_whitespace().nth(1).unwrap_or_default();
    let major = number.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    major.parse().is_ok_and(|major: u32| major >= OLDEST_JDK)
}

/// Installs what is missing of these where that can be done unasked, and tells what is missing then.
pub(crate) fn provide(workspace: &Workspace, needed: &[Tool]) -> Missing {
    let look = || -> Vec<Tool> {
        let mut tools: Vec<Tool> = Vec::new();
        for tool in needed {
            if !tools.contains(tool) && !is_there(*tool, workspace) {
                tools.push(*tool);
            }
        }
        tools
    };
    let mut tools = look();
    if tools.is_empty() {
        return Missing::default();
    }
    let (installer, rustup) = (Installer::find(), answers("rustup"));
    if let (Some(Installer::Apt), Some(root)) = (installer, root(workspace)) {
        for command in commands(&tools, installer, rustup, root) {
            // What is missing then is told below.
            if let Err(failure) = sh(workspace, &command).run() {
                println!("{failure}");
            }
        }
        tools = look();
    }
    let line = commands(&tools, installer, rustup, "sudo ").join(" && ");
    Missing { tools, line }
}

/// Installs what is missing of these, or says what is.
pub(crate) fn require(workspace: &Workspace, needed: &[Tool]) -> Outcome {
    let missing = provide(workspace, needed);
    if missing.is_empty() { Ok(()) } else { Err(Failure::new(missing.to_string())) }
}

/// `cargo xtask setup`: everything for every task.
pub(crate) fn run(workspace: &Workspace) -> Outcome {
    require(workspace, &[&RUST[..], &PYTHON, &KOTLIN, &SWIFT].concat())?;
    println!("All that the checks need is installed.");
    Ok(())
}

fn sh(workspace: &Workspace, command: &str) -> Program {
    Program::new(workspace, "sh").arg("-c").arg(command).env("DEBIAN_FRONTEND", "noninteractive")
}

/// What lets a command be root's: nothing for root; `sudo` on a machine of CI, where nobody is asked for a password.
fn root(workspace: &Workspace) -> Option<&'static str> {
    let id = Program::new(workspace, "id").arg("-u").output().ok()?;
    if id.trim() == "0" {
        return Some("");
    }
    let is_free = || Program::new(workspace, "sudo").args("--non-interactive true").output().is_ok();
    (workspace.ci() && is_free()).then_some("sudo ")
}

/// The commands that install these.
fn commands(tools: &[Tool], installer: Option<Installer>, rustup: bool, root: &str) -> Vec<String> {
    let (mut components, mut packages, mut alone, mut others) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for tool in tools {
        let package = installer.map(|installer| installer.packages(*tool)).unwrap_or_default();
        match tool.component() {
            Some(component) if rustup => components.push(component),
            _ if package.is_empty() => others.push(tool.name()),
            // Ubuntu has it as a snap only: that it cannot be installed shall keep nothing else away.
            _ if *tool == Chromium => alone.push(package),
            _ => packages.push(package),
        }
    }
    let mut commands = Vec::new();
    if !components.is_empty() {
        commands.push(format!("rustup component add {}", components.join(" ")));
    }
    if let Some(installer) = installer.filter(|_| !(packages.is_empty() && alone.is_empty())) {
        // Homebrew is nobody's root.
        let root = if installer == Installer::Brew { "" } else { root };
        if installer == Installer::Apt {
            commands.push(format!("{root}apt-get update"));
        }
        let lines = [packages, alone].into_iter().filter(|packages| !packages.is_empty());
        commands.extend(lines.map(|packages| format!("{root}{} {}", installer.install(), packages.join(" "))));
    }
    if !others.is_empty() {
        commands.push(format!("echo 'by hand: {}'", others.join(", ")));
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_missing_is_one_line_to_paste() {
        let tools = [Clippy, PythonTool, Jdk, Maven, Faketime];
        let line = |installer, rustup| commands(&tools, installer, rustup, "sudo ").join(" && ");
        assert_eq!(
            line(Some(Installer::Apt), true),
            "rustup component add clippy && sudo apt-get update && sudo apt-get install --yes \
             --no-install-recommends python3 python3-venv default-jdk-headless maven libfaketime"
        );
        assert!(line(Some(Installer::Apt), false).contains("recommends rust-clippy python3"));
        assert_eq!(
            line(Some(Installer::Brew), true),
            "rustup component add clippy && brew install python openjdk maven && echo 'by hand: libfaketime'"
        );
        assert!(line(None, false).starts_with("echo 'by hand: clippy, Python 3.10 or newer"));
    }

    #[test]
    fn swift_is_in_the_line_where_it_is_missing() {
        assert_eq!(
            commands(&[Swift], Some(Installer::Dnf), true, "sudo "),
            ["sudo dnf install --assumeyes swift-lang"]
        );
        for installer in [Some(Installer::Apt), Some(Installer::Brew), None] {
            let [line] = &commands(&[Swift], installer, true, "sudo ")[..] else { panic!("one command") };
            assert_eq!(line, "echo 'by hand: Swift (https://www.swift.org/install/)'");
        }
    }

    #[test]
    fn a_browser_that_cannot_be_installed_keeps_nothing_else_away() {
        let install = "apt-get install --yes --no-install-recommends";
        let lines = ["apt-get update".to_owned(), format!("{install} redis-server"), format!("{install} chromium")];
        assert_eq!(commands(&[Chromium, Redis], Some(Installer::Apt), true, ""), lines);
        assert_eq!(commands(&[Chromium], Some(Installer::Apt), true, ""), [lines[0].clone(), lines[2].clone()]);
    }

    #[test]
    fn a_program_that_only_says_where_to_get_it_is_missing() {
        assert!(!answers("false"), "it starts");
        assert!(!answers("no-such-program"));
    }

    #[test]
    fn an_old_jdk_will_not_do() {
        for will_do in ["javac 11", "javac 17.0.9\n", "javac 24-ea"] {
            assert!(is_jdk_that_will_do(will_do), "{will_do}");
        }
        for old in ["javac 1.8.0_292", "javac 9.0.4", "javac 10", "", "javac", "No Java runtime present"] {
            assert!(!is_jdk_that_will_do(old), "{old}");
        }
    }

    #[test]
    fn root_needs_no_sudo() {
        let commands = commands(&[Redis], Some(Installer::Apt), true, "");
        assert_eq!(commands, ["apt-get update", "apt-get install --yes --no-install-recommends redis-server"]);
    }
}
