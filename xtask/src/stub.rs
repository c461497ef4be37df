//! The stub of Python's native module, as type checkers and editors read it: generated from the Rust code, which has
//! the signatures and the documentation, and committed, so that a checkout is complete without a build.

use std::fs;

use crate::codes;
use crate::failure::{Failure, Outcome};
use crate::tools::Python;
use crate::venv::{Profile, Venv};
use crate::workspace::Workspace;

const FILE: &str = "bindings-python/python/komopay/_native.pyi";

/// What annotations that are written as texts need, which the generator does not read.
const IMPORTS: &str = "# Written by `cargo xtask stub`, from the Rust code.\n\nfrom komopay._settings import Settings\n\
                       from komopay.batches._rows import Rows, SupportsRead, SupportsWrite\n\
                       from collections.abc import Iterator\n\
                       from typing_extensions import Unpack\n";

/// The operators of money, and what they take besides it. The generator says `object`, since Python asks the other side
/// of an operation that one side does not know; type checkers do so as well, by what each side says that it takes.
const OPERATORS: [(&str, &str); 8] = [
    ("__add__(self, other", "Money"),
    ("__sub__(self, other", "Money"),
    ("__rsub__(self, other", "Money"),
    ("__lt__(self, other", "Money"),
    ("__le__(self, other", "Money"),
    ("__gt__(self, other", "Money"),
    ("__ge__(self, other", "Money"),
    // `sum` begins with 0, which typeshed knows as an int.
    ("__radd__(self, start", "int"),
];

/// Writes it anew, and the codes, which it names.
pub(crate) fn write(workspace: &Workspace) -> Outcome {
    codes::write(workspace)?;
    let venv = Venv::fresh(workspace, &Python::find()?, "venv-stub")?;
    venv.install_builder(workspace)?;
    venv.install_wheel(workspace, Profile::Test)?;
    let stub = generate(workspace, &venv)?;
    fs::write(workspace.root().join(FILE), stub).map_err(Failure::while_doing(format!("cannot write {FILE}")))
}

/// Holds them against the code.
pub(crate) fn check(workspace: &Workspace, venv: &Venv) -> Outcome {
    codes::check(workspace)?;
    let committed =
        fs::read_to_string(workspace.root().join(FILE)).map_err(Failure::while_doing(format!("cannot read {FILE}")))?;
    if generate(workspace, venv)? == committed {
        return Ok(());
    }
    Err(Failure::new(format!("{FILE} is not what the code says: run `cargo xtask stub`")))
}

/// Generates it, with the defaults of the package that is installed.
fn generate(workspace: &Workspace, venv: &Venv) -> Outcome<String> {
    let file = venv.generate_stub(workspace)?;
    venv.python(workspace).arg("xtask/src/stub.py").arg(&file).run()?;
    let stub = fs::read_to_string(&file).map_err(Failure::while_doing(format!("cannot read {}", file.display())))?;
    let stub = stub.replacen("\nfrom ", &format!("\n{IMPORTS}from "), 1);
    OPERATORS.iter().try_fold(stub, |stub, (operator, taken)| {
        let generated = format!("{operator}: object, /)");
        if stub.matches(&generated).count() == 1 {
            Ok(stub.replacen(&generated, &format!("{operator}: {taken}, /)"), 1))
        } else {
            Err(Failure::new(format!("the stub does not have one {generated} any more")))
        }
    })
}
