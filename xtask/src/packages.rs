//! What a package says of itself on the page of an index: metadata without a gap, and links that work there.

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::tools::Python;
use crate::venv::Venv;
use crate::workspace::Workspace;

/// What an index shows of each package.
const PAGES: [&str; 2] = ["bindings-python/README.md", "bindings-python/testing/README.md"];

/// Where a file of the repository is read: what links lead there must be there.
const REPOSITORY: [&str; 2] =
    ["https://github.com/komopay/komopay-sdk/blob/main/", "https://github.com/komopay/komopay-sdk/tree/main/"];

/// What the metadata of each package must tell besides what `twine` asks for.
const FIELDS: [&str; 9] = [
    "Author",
    "Keywords",
    "License-Expression: MIT OR Apache-2.0",
    "License-File: licenses/THIRD-PARTY.txt",
    "Project-URL: Changelog",
    "Project-URL: Homepage",
    "Project-URL: Source",
    "Requires-Python: >=3.10",
    "Summary",
];

/// The programs that look at packages and workflows.
pub(crate) fn tools(workspace: &Workspace, python: &Python) -> Outcome<Venv> {
    let venv = Venv::fresh(workspace, python, "venv-packages")?;
    venv.install(workspace, Path::new("xtask/requirements.txt"))?;
    Ok(venv)
}

/// Whether wheels and sdists could be uploaded, and their pages be read.
pub(crate) fn check(workspace: &Workspace, tools: &Venv, packages: &[PathBuf]) -> Outcome {
    let twine = tools.python(workspace).args("-m twine check --strict");
    packages.iter().fold(twine, Program::arg).run()?;
    for package in packages {
        let metadata = metadata(workspace, tools, package)?;
        let is_told = |field: &&str| metadata.lines().any(|line| line.starts_with(*field));
        let missing: Vec<_> = FIELDS.into_iter().filter(|field| !is_told(field)).collect();
        if !missing.is_empty() {
            return Err(Failure::new(format!("{} does not tell {missing:?}:\n{metadata}", package.display())));
        }
    }
    PAGES.into_iter().try_for_each(|page| links(workspace, page))
}

/// The fields of a wheel or an sdist, without its page.
fn metadata(workspace: &Workspace, tools: &Venv, package: &Path) -> Outcome<String> {
    let read = "import sys, tarfile, zipfile\n\
                path = sys.argv[1]\n\
                archive = zipfile.ZipFile(path) if path.endswith('.whl') else tarfile.open(path)\n\
                names = archive.namelist() if path.endswith('.whl') else archive.getnames()\n\
                name = min((n for n in names if n.endswith(('.dist-info/METADATA', '/PKG-INFO'))), key=len)\n\
                file = archive.open(name) if path.endswith('.whl') else archive.extractfile(name)\n\
                print(file.read().decode().split('\\n\\n')[0])";
    tools.python(workspace).arg("-c").arg(read).arg(package).output()
}

/// Whether each link of a page leads somewhere from the page of an index, and to a file that is there.
fn links(workspace: &Workspace, page: &str) -> Outcome {
    let path = workspace.root().join(page);
    let text = fs::read_to_string(&path).map_err(Failure::while_doing(format!("cannot read {page}")))?;
    for target in targets(&text)? {
        let problem = if let Some(file) = REPOSITORY.iter().find_map(|place| target.strip_prefix(place)) {
            let file = file.split('#').next().unwrap_or_default();
            (!workspace.root().join(file).exists()).then_some("leads to a file that is not there")
        } else {
            let leads_somewhere = target.starts_with("https://") || target.starts_with('#');
            (!leads_somewhere).then_some("leads nowhere from the page of an index: write where it is on the web")
        };
        if let Some(problem) = problem {
            return Err(Failure::new(format!("{page}: the link to `{target}` {problem}")));
        }
    }
    Ok(())
}

/// The targets of `[text](target)` and of `[text]: target`, outside of programs.
fn targets(markdown: &str) -> Outcome<Vec<String>> {
    let failed = Failure::while_doing("the forms of a link");
    let link = Regex::new(r"\]\((?<inline>[^)\s]+)\)|(?m)^\[[^\]]+\]: (?<reference>\S+)").map_err(failed)?;
    let prose: String = markdown.split("```").step_by(2).collect();
    let target = |it: regex::Captures<'_>| Some(it.name("inline").or(it.name("reference"))?.as_str().to_owned());
    Ok(link.captures_iter(&prose).filter_map(target).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_links_of_a_page_are_those_of_its_prose() {
        let page =
            "See [a](https://a.example/x) and [b] of [the\ntop](#top).\n```python\nvalues[0](1)\n```\n\n[b]: ../b.md\n";
        assert_eq!(targets(page).unwrap(), ["https://a.example/x", "#top", "../b.md"]);
    }
}
