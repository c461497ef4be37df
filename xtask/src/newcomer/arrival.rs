//! A newcomer in a Debian of its own.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::command::Program;
use crate::debian::Debian;
use crate::failure::{Failure, Outcome};
use crate::files;
use crate::readme::{BEGINNING, Step, steps};
use crate::workspace::Workspace;

/// What Maven writes at its end, whoever reads it.
const RESET: &str = "\u{1b}[0m";

/// Where a newcomer begins, and with what.
pub(super) struct Place<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) name: &'static str,
    pub(super) page: &'static str,
    /// It is spoilt by what is done in it.
    pub(super) debian: Debian,
    pub(super) packages: &'a Path,
    /// Variables of the environment.
    pub(super) environment: Vec<String>,
    /// How commands begin that are for who has not what is there already.
    pub(super) spared: Option<&'static str>,
}

/// What came of it.
pub(crate) struct Arrival {
    pub(crate) place: &'static str,
    /// What was there, and what was chosen.
    pub(crate) with: String,
    pub(crate) time: Duration,
    /// What was typed and seen, with the time of each step.
    pub(crate) transcript: String,
}

impl Place<'_> {
    /// Does all that the page tells, and asks then what it was done with.
    pub(super) fn begin(self, questions: &[&str]) -> Outcome<Arrival> {
        println!("\n== a newcomer in {}", self.name);
        let (mut transcript, start) = (String::new(), Instant::now());
        for step in steps(self.workspace, self.page, BEGINNING)? {
            match step {
                Step::Run { command, .. } if self.spared.is_some_and(|begun| command.starts_with(begun)) => {}
                Step::Run { command, shown } => self.take(&command, &shown, &mut transcript)?,
                Step::Save { name, text } => self.save(&name, &text)?,
            }
        }
        let time = start.elapsed();
        let answers: Outcome<Vec<_>> =
            questions.iter().map(|it| Ok(self.inside(it).output()?.trim().to_owned())).collect();
        let with = answers?.join(", ");
        self.debian.remove()?;
        println!("   {} with {with}: {:.1} s", self.name, time.as_secs_f64());
        Ok(Arrival { place: self.name, with, time, transcript })
    }

    /// Writes a file of the newcomer's.
    pub(super) fn save(&self, name: &str, text: &str) -> Outcome {
        files::write(&self.debian.path("/root").join(name), text)
    }

    fn inside(&self, command: &str) -> Program {
        let home = Path::new("/root");
        let program = self.debian.program(self.workspace, self.packages, home, "env").arg("--ignore-environment");
        let program = program.args("PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8");
        let program = self.environment.iter().fold(program.arg("DEBIAN_FRONTEND=noninteractive"), Program::arg);
        program.args("sh -c").arg(format!("exec 2>&1; {command}"))
    }

    /// Takes a step, and writes down how it went.
    fn take(&self, command: &str, shown: &[String], transcript: &mut String) -> Outcome {
        let (mut seen, start) = (Vec::new(), Instant::now());
        let ended = self.inside(command).run_reading(|line| {
            let text = line.replace(RESET, "");
            if text == line || !text.is_empty() {
                seen.push(text);
            }
        });
        let seconds = start.elapsed().as_secs_f64();
        let _ = writeln!(transcript, "$ {command}\n{}\n[{seconds:.1} s]", seen.join("\n"));
        ended.map_err(|failure| Failure::new(format!("{failure}\n{transcript}")))?;
        if shown.is_empty() || seen == shown {
            return Ok(());
        }
        Err(Failure::new(format!("{} says that `{command}` shows {shown:?}, and it shows {seen:?}", self.page)))
    }
}
