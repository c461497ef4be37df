//! The site of `docs/`: built into the build folder, with every warning an error and every link checked.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::kotlin;
use crate::setup::{self, Tool};
use crate::tools::Python;
use crate::venv::Venv;
use crate::workspace::Workspace;

/// What builds the site, pinned with all that it brings along.
const REQUIREMENTS: &str = "docs/site/requirements.txt";

/// `cargo xtask docs`: what it needs, and then the site.
pub(crate) fn run(workspace: &Workspace, api: bool) -> Outcome {
    setup::require(workspace, &[Tool::Git, Tool::Python])?;
    let site = workspace.folder("site");
    check(workspace, api)?;
    println!("\nThe site is {}", site.join("index.html").display());
    Ok(())
}

/// Builds the site and follows its links. With `api`, those references are in it that take minutes.
pub(crate) fn check(workspace: &Workspace, api: bool) -> Outcome {
    let venv = Venv::fresh(workspace, &Python::find()?, "venv-site")?;
    venv.install(workspace, Path::new(REQUIREMENTS))?;
    let site = workspace.folder("site");
    let build = venv.python(workspace).args("-m mkdocs build --strict --site-dir").arg(&site);
    // Not quietly, with which warnings are not counted. Its theme would tell of itself at each run.
    build.env("NO_MKDOCS_2_WARNING", "1").run()?;
    if api {
        rust(workspace, &site.join("api/rust"))?;
        jvm(workspace, &site.join("api/jvm"))?;
    }
    venv.python(workspace).arg("docs/site/check.py").arg(&site).run()
}

/// The pages of rustdoc, as the checks of the Rust crates build them.
fn rust(workspace: &Workspace, folder: &Path) -> Outcome {
    Program::cargo(workspace).args("doc --locked --workspace --no-deps").run()?;
    fs::create_dir_all(folder).map_err(Failure::while_doing(folder.display()))?;
    copy(&workspace.target().join("doc"), folder)
}

/// Those of Dokka, if the checks of the jar have built them.
fn jvm(workspace: &Workspace, folder: &Path) -> Outcome {
    let jar = kotlin::documentation(workspace);
    if !jar.exists() {
        println!("without the pages of the JVM: `cargo xtask test kotlin` builds {}", jar.display());
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(Failure::while_doing(folder.display()))?;
    Program::new(workspace, "jar").inside(folder).args("--extract --file").arg(jar).run()
}

fn copy(from: &Path, to: &Path) -> Outcome {
    let failed = |path: &Path| Failure::while_doing(format!("cannot copy {}", path.display()));
    for entry in fs::read_dir(from).map_err(failed(from))? {
        let path: PathBuf = entry.map_err(failed(from))?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            fs::create_dir_all(&target).map_err(failed(&target))?;
            copy(&path, &target)?;
        } else {
            fs::copy(&path, &target).map_err(failed(&path))?;
        }
    }
    Ok(())
}
