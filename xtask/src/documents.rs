//! The programs that documents show: the READMEs, and the pages of the site. They are compiled as they stand.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};
use crate::workspace::Workspace;

/// How a block begins that takes a file in, instead of a program of its own. That file is compiled where it stands.
const TAKEN_IN: &str = "--8<--";

/// A program in a document.
pub(crate) struct Shown {
    /// The document, from the checkout's root.
    pub(crate) document: String,
    /// Its lines of `import`.
    pub(crate) imports: String,
    /// Its other lines.
    pub(crate) body: String,
}

/// What all documents show between the fences of this language, in order.
pub(crate) fn programs(workspace: &Workspace, language: &str) -> Outcome<Vec<Shown>> {
    let mut programs = Vec::new();
    for path in documents(workspace.root())? {
        let text = fs::read_to_string(&path).map_err(Failure::while_doing(path.display()))?;
        let document = path.strip_prefix(workspace.root()).unwrap_or(&path).display().to_string();
        programs.extend(
            text.split(&format!("```{language}\n")).skip(1).filter_map(program).map(|(imports, body)| Shown {
                document: document.clone(),
                imports,
                body,
            }),
        );
    }
    if programs.is_empty() {
        Err(Failure::new(format!("no document shows a program in {language}")))
    } else {
        Ok(programs)
    }
}

/// The READMEs of the root and of its folders, and all pages.
fn documents(root: &Path) -> Outcome<Vec<PathBuf>> {
    let mut found = vec![root.join("README.md")];
    found.extend(entries(root)?.into_iter().map(|folder| folder.join("README.md")).filter(|readme| readme.exists()));
    let mut folders = vec![root.join("docs")];
    while let Some(folder) = folders.pop() {
        for path in entries(&folder)? {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn entries(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(Failure::while_doing(format!("cannot read {}", folder.display())))?;
    Ok(entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
}

fn program(rest: &str) -> Option<(String, String)> {
    let (shown, _) = rest.split_once("```")?;
    if shown.trim_start().starts_with(TAKEN_IN) {
        return None;
    }
    let (imports, body): (Vec<&str>, Vec<&str>) =
        shown.lines().partition(|line| line.trim_start().starts_with("import "));
    Some((imports.join("\n"), body.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_ends_at_its_fence_and_its_imports_stand_apart() {
        let (imports, body) = program("import a.*\n\nlet b = 1\n```\nand ```more```").unwrap();
        assert_eq!((imports.as_str(), body.as_str()), ("import a.*", "\nlet b = 1"));
        assert!(program("no end").is_none());
    }

    #[test]
    fn a_file_that_is_taken_in_is_no_program_of_the_document() {
        assert!(program("    --8<-- \"examples/App.kt\"\n    ```\n").is_none());
    }

    #[test]
    fn the_documents_are_the_readmes_and_the_pages_of_the_site() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let found = documents(root).unwrap();
        for name in ["README.md", "bindings-kotlin/README.md", "docs/callbacks-jvm.md", "docs/adr/README.md"] {
            assert!(found.contains(&root.join(name)), "{name}");
        }
    }
}
