//! What a README tells a newcomer to do, as steps that can be taken.

use std::fs;

use crate::failure::{Failure, Outcome};
use crate::workspace::Workspace;

/// What stands before a block that is to be saved as a file, whose name follows.
const SAVED: &str = "ave this as `";

/// One thing to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Type this, and see these lines.
    Run { command: String, shown: Vec<String> },
    /// Save this text as a file of this name.
    Save { name: String, text: String },
}

/// The section that leads to a first payout.
pub(crate) const BEGINNING: &str = "From nothing to a first payout";

/// The steps of a section of a page.
pub(crate) fn steps(workspace: &Workspace, page: &str, section: &str) -> Outcome<Vec<Step>> {
    let text = fs::read_to_string(workspace.root().join(page)).map_err(Failure::while_doing(page))?;
    let steps = told(&text, section);
    if steps.is_empty() { Err(Failure::new(format!("{page} tells nothing to do in `{section}`"))) } else { Ok(steps) }
}

fn told(page: &str, section: &str) -> Vec<Step> {
    let begun = page.split(&format!("\n## {section}\n")).nth(1).unwrap_or_default();
    let text = begun.split("\n## ").next().unwrap_or_default();
    let (mut steps, mut prose) = (Vec::new(), "");
    for (at, part) in text.split("```").enumerate() {
        if at % 2 == 0 {
            prose = part;
            continue;
        }
        let (language, block) = part.split_once('\n').unwrap_or_default();
        if language == "console" {
            steps.extend(commands(block));
        } else if let Some(name) = prose.rsplit_once(SAVED).and_then(|(_, rest)| rest.split('`').next()) {
            steps.push(Step::Save { name: name.to_owned(), text: block.to_owned() });
        }
    }
    steps
}

/// What stands behind each `$`, with the lines that follow it.
fn commands(block: &str) -> Vec<Step> {
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command.to_owned(), Vec::new())),
            (None, Some((_, shown))) => shown.push(line.to_owned()),
            (None, None) => {}
        }
    }
    commands.into_iter().map(|(command, shown)| Step::Run { command, shown }).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn each_readme_leads_a_newcomer_from_a_command_to_what_it_shows() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for (page, file, last, seen) in [
            ("bindings-python/README.md", "first.py", "env/bin/python first.py", "SUCCESS"),
            ("bindings-kotlin/README.md", "pom.xml", "mvn --quiet compile exec:java", "SUCCESS 100 IDR"),
        ] {
            let steps = told(&fs::read_to_string(root.join(page)).unwrap(), BEGINNING);
            assert!(steps.iter().any(|step| matches!(step, Step::Save { name, .. } if name == file)), "{steps:?}");
            let Some(Step::Run { command, shown }) = steps.last() else { panic!("{steps:?}") };
            assert_eq!((command.as_str(), shown.as_slice()), (last, &[seen.to_owned()][..]));
        }
    }

    #[test]
    fn the_steps_are_the_commands_and_files_of_one_section() {
        let page = "# a\n\n```console\n$ not this\n```\n\n## Begin\n\nFirst:\n\n```console\n$ one\n$ two three\n\
                    shown\n```\n\nSave this as `a.py`, and run it:\n\n```python\nimport a\n```\n\nOr so:\n\n\
                    ```python\nelse\n```\n\n## After\n\n```console\n$ nor this\n```\n";
        let run = |command: &str, shown: &[&str]| Step::Run {
            command: command.to_owned(),
            shown: shown.iter().map(ToString::to_string).collect(),
        };
        let save = Step::Save { name: "a.py".to_owned(), text: "import a\n".to_owned() };
        assert_eq!(told(page, "Begin"), [run("one", &[]), run("two three", &["shown"]), save]);
        assert!(told(page, "Missing").is_empty());
    }
}
