//! Canaries: the secret, the account number and the beginnings of tokens that the tests use, and that nothing may show.

use std::fs;
use std::path::Path;

use crate::failure::{Failure, Outcome};
use crate::workspace::Workspace;

/// The texts to look for.
pub(crate) struct Canaries(Vec<String>);

impl Canaries {
    pub(crate) fn read(workspace: &Workspace) -> Outcome<Self> {
        let path = workspace.root().join("tests").join("canaries.txt");
        let text =
            fs::read_to_string(&path).map_err(Failure::while_doing(format!("cannot read {}", path.display())))?;
        Ok(Self(text.lines().map(str::to_owned).collect()))
    }

    /// How many of these lines show a canary.
    pub(crate) fn count_in<'a>(&self, lines: impl IntoIterator<Item = &'a str>) -> usize {
        let shows = |line: &&str| self.0.iter().any(|canary| line.contains(canary));
        lines.into_iter().filter(shows).count()
    }

    /// Fails if the file shows one; says how much was searched otherwise.
    pub(crate) fn search(&self, path: &Path) -> Outcome {
        let bytes = fs::read(path).map_err(Failure::while_doing(format!("cannot read {}", path.display())))?;
        let text = String::from_utf8_lossy(&bytes);
        let found = self.count_in(text.lines());
        if found > 0 {
            return Err(Failure::new(format!(
                "{found} lines of {} show a secret or an account number",
                path.display()
            )));
        }
        println!("   no secret and no account number in {} lines of logs and output", text.lines().count());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_a_canary_is_found() {
        let canaries = Canaries(vec!["secret-1".to_owned()]);
        assert_eq!(canaries.count_in(["all is well", "the secret-1 is out", ""]), 1);
    }
}
