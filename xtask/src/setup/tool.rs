//! What a machine needs, by name, and what of it is missing.

use std::fmt;

/// Something that must be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    /// Tells which files are ours.
    Git,
    /// Compiles SQLite, and links.
    Compiler,
    /// Checks the format.
    Rustfmt,
    /// Lints.
    Clippy,
    /// With which virtual environments are made.
    Python,
    /// Python's headers: uWSGI, which a process model is, is compiled.
    PythonHeaders,
    /// Compiles for the JVM.
    Jdk,
    /// Builds and tests for it.
    Maven,
    /// Celery's tasks go through it.
    Redis,
    /// Keeps journals and changes for many hosts, with a pooler before it.
    Postgres,
    /// Makes hosts of one machine: network namespaces, and cables between them.
    Namespaces,
    /// Reads the unit of a worker.
    Systemd,
    /// Shows the gateway's page.
    Chromium,
    /// Sets the wall clock of one process.
    Faketime,
    /// Counts instructions.
    Valgrind,
    /// Makes a system that has Swift.
    Debootstrap,
    /// Builds and tests the Swift package.
    Swift,
}

impl Tool {
    /// What it is, and what a person looks for if nothing here installs it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Git => "git",
            Self::Compiler => "a C compiler (cc)",
            Self::Rustfmt => "rustfmt",
            Self::Clippy => "clippy",
            Self::Python => "Python 3.10 or newer, with venv",
            Self::PythonHeaders => "Python's headers",
            Self::Jdk => "a JDK, 11 or newer",
            Self::Maven => "Maven",
            Self::Redis => "redis-server",
            Self::Postgres => "PostgreSQL's server and pgbouncer",
            Self::Namespaces => "ip, unshare and nsenter, and the right to make network namespaces (root)",
            Self::Systemd => "systemd-analyze",
            Self::Chromium => "chromium, or google-chrome",
            Self::Faketime => "libfaketime",
            Self::Valgrind => "valgrind",
            Self::Debootstrap => "debootstrap",
            Self::Swift => "Swift (https://www.swift.org/install/)",
        }
    }

    /// The component of the Rust toolchain that it is, by rustup's name.
    pub(crate) fn component(self) -> Option<&'static str> {
        match self {
            Self::Rustfmt => Some("rustfmt"),
            Self::Clippy => Some("clippy"),
            _ => None,
        }
    }
}

/// What is missing, after all that could be installed was.
#[derive(Default)]
pub(crate) struct Missing {
    pub(super) tools: Vec<Tool>,
    pub(super) line: String,
}

impl Missing {
    /// Why something that needs these cannot be run; nothing, if it can.
    pub(crate) fn of(&self, needed: &[Tool]) -> Option<String> {
        let missing: Vec<_> = self.tools.iter().filter(|tool| needed.contains(tool)).map(|tool| tool.name()).collect();
        let verb = if missing.len() == 1 { "is" } else { "are" };
        (!missing.is_empty()).then(|| format!("{} {verb} missing", missing.join(", ")))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tools.is_empty()
    }
}

/// All of it, and how it is installed.
impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. Install it:\n\n  {}\n", self.of(&self.tools).unwrap_or_default(), self.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_run_says_what_it_lacks() {
        let missing = Missing { tools: vec![Tool::Jdk, Tool::Maven, Tool::Redis], line: "install them".to_owned() };
        assert_eq!(
            missing.of(&[Tool::Jdk, Tool::Maven, Tool::Python]).unwrap(),
            "a JDK, 11 or newer, Maven are missing"
        );
        assert_eq!(missing.of(&[Tool::Redis]).unwrap(), "redis-server is missing");
        assert_eq!(missing.of(&[Tool::Git]), None);
        assert!(missing.to_string().ends_with("Install it:\n\n  install them\n"));
    }
}
