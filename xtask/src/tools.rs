//! The Python that the tasks use, and why if none will do.

use std::ffi::OsString;
use std::process::{Command, Stdio};

use crate::failure::{Failure, Outcome};

/// The oldest Python that the package supports.
const OLDEST_PYTHON: (u32, u32) = (3, 10);

/// `python3` first: it is what a person means. Then by version, for systems whose `python3` is old.
const PYTHONS: [&str; 7] = ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10", "python"];

const INSTALL_PYTHON: &str = "\
    Debian, Ubuntu   sudo apt install python3 python3-venv\n  \
    Fedora           sudo dnf install python3\n  \
    macOS            brew install python\n  \
    Windows          winget install Python.Python.3.13";

/// A Python that can make virtual environments.
pub(crate) struct Python {
    program: OsString,
    version: String,
}

impl Python {
    /// The first one on the `PATH` that will do.
    pub(crate) fn find() -> Outcome<Self> {
        let found: Vec<Candidate> = PYTHONS.iter().filter_map(|name| ask(name)).collect();
        choose(found).map(|Candidate { program, version, .. }| Self {
            program: program.into(),
            version: format!("{}.{}.{}", version.0, version.1, version.2),
        })
    }

    /// Whether it has the headers that an extension is compiled with.
    pub(crate) fn has_headers(&self) -> bool {
        let question = "import pathlib, sysconfig, sys; \
            sys.exit(not pathlib.Path(sysconfig.get_path('include'), 'Python.h').exists())";
        let mut asked = Command::new(&self.program);
        let status = asked.args(["-c", question]).stdin(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }

    pub(crate) fn program(&self) -> &OsString {
        &self.program
    }

    pub(crate) fn version(&self) -> &str {
        &self.version
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Candidate {
    program: &'static str,
    version: (u32, u32, u32),
    /// Whether it has `venv` and `ensurepip`, which Debian ships apart from Python.
    venv: bool,
}

fn ask(program: &'static str) -> Option<Candidate> {
    let question = "import importlib.util as u, sys; \
        print(*sys.version_info[:3], all(u.find_spec(m) for m in ('venv', 'ensurepip')))";
    let output = Command::new(program).args(["-c", question]).stdin(Stdio::null()).output().ok()?;
    let answer = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    let mut words = answer.split_whitespace();
    let mut number = || words.next()?.parse().ok();
    let version = (number()?, number()?, number()?);
    Some(Candidate { program, version, venv: words.next()? == "True" })
}

fn choose(found: Vec<Candidate>) -> Outcome<Candidate> {
    let (major, minor) = OLDEST_PYTHON;
    let Some(first) = found.first().copied() else {
        return Err(Failure::new(format!(
            "Python {major}.{minor} or newer is needed, and no python3 is on the PATH. Install it:\n\n  \
             {INSTALL_PYTHON}"
        )));
    };
    let new_enough = |candidate: &Candidate| (candidate.version.0, candidate.version.1) >= OLDEST_PYTHON;
    let Candidate { version: (a, b, c), program, .. } = first;
    let Some(usable) = found.iter().copied().find(new_enough) else {
        return Err(Failure::new(format!(
            "Python {major}.{minor} or newer is needed; {program} is Python {a}.{b}.{c}. Install a newer one:\n\n  \
             {INSTALL_PYTHON}"
        )));
    };
    found.into_iter().find(|candidate| new_enough(candidate) && candidate.venv).ok_or_else(|| {
        let Candidate { version: (a, b, c), program, .. } = usable;
        Failure::new(format!(
            "{program} (Python {a}.{b}.{c}) cannot make virtual environments: its module `venv` or `ensurepip` is \
             missing. Install it:\n\n  \
             Debian, Ubuntu   sudo apt install python{a}.{b}-venv\n  \
             elsewhere        a Python from https://www.python.org/downloads/ has both"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn python(program: &'static str, version: (u32, u32, u32), venv: bool) -> Candidate {
        Candidate { program, version, venv }
    }

    fn complaint(found: Vec<Candidate>) -> String {
        choose(found).unwrap_err().to_string()
    }

    #[test]
    fn the_first_python_that_will_do_is_chosen() {
        let good = python("python3.12", (3, 12, 1), true);
        let found = vec![python("python3", (3, 9, 2), true), python("python3.13", (3, 13, 0), false), good];
        assert_eq!(choose(found).unwrap(), good);
    }

    #[test]
    fn a_missing_python_is_named_with_its_installer() {
        assert!(complaint(vec![]).contains("apt install python3 python3-venv"));
    }

    #[test]
    fn an_old_python_is_named_with_its_version() {
        assert!(complaint(vec![python("python3", (3, 9, 2), true)]).contains("python3 is Python 3.9.2"));
    }

    #[test]
    fn a_python_without_venv_is_told_the_package_of_its_own_version() {
        let found = vec![python("python3", (3, 9, 2), true), python("python3.11", (3, 11, 2), false)];
        assert!(complaint(found).contains("apt install python3.11-venv"));
    }
}
