//! The programs that a README shows. They are compiled as they stand.

use std::fs;

use crate::failure::{Failure, Outcome};
use crate::workspace::Workspace;

/// What stands in a README between the fences of this language, in order; each with its lines of `import` apart.
pub(crate) fn programs(workspace: &Workspace, readme: &str, language: &str) -> Outcome<Vec<(String, String)>> {
    let path = workspace.root().join(readme);
    let text = fs::read_to_string(&path).map_err(Failure::while_doing(path.display()))?;
    let programs: Vec<_> = text.split(&format!("```{language}\n")).skip(1).filter_map(program).collect();
    if programs.is_empty() {
        Err(Failure::new(format!("{readme} shows no program in {language}")))
    } else {
        Ok(programs)
    }
}

fn program(rest: &str) -> Option<(String, String)> {
    let (shown, _) = rest.split_once("```")?;
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
}
