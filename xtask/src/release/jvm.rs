//! What is released for the JVM, in the layout of Maven Central: each artifact with its POM, its sources, its
//! documentation and the sums of them. They are built twice, and must be the same to the byte.

use std::collections::BTreeMap;
use std::env::consts;
use std::fs;
use std::path::{Path, PathBuf};

use super::pom;
use super::zig::Zig;
use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::files;
use crate::kotlin::{Kotlin, PLATFORMS};
use crate::licenses;
use crate::setup::{self, Tool};
use crate::version;
use crate::workspace::Workspace;

/// The artifacts, and below which folder of the checkout each is. None comes before what it needs.
const ARTIFACTS: [(&str, &str); 6] = [
    ("komopay-sdk", "."),
    ("komopay-jackson", "jackson"),
    ("komopay-ktor", "ktor"),
    ("komopay-spring-boot", "spring-boot"),
    ("komopay-opentelemetry", "opentelemetry"),
    ("komopay-test", "test-kit"),
];

/// Those that hold what was made from Rust: the end of its name, and so the licences of its crates, too.
const NATIVE: [(&str, &str); 2] = [("komopay-sdk", "komopay_ffi"), ("komopay-test", "komopay-sandbox")];

/// What belongs to an artifact: how its name ends, and how the name of one thing in it ends.
const JARS: [(&str, &str); 3] = [(".jar", ".class"), ("-sources.jar", ".kt"), ("-javadoc.jar", "index.html")];

/// Where the Maven repository is in the folder of a release.
pub(crate) const REPOSITORY: &str = "maven";

/// Builds the artifacts as a Maven repository below this folder, and looks into them. Gives jars and POMs.
pub(super) fn stage(workspace: &Workspace, zig: &Zig, into: &Path) -> Outcome<Vec<PathBuf>> {
    setup::require(workspace, &[Tool::Compiler, Tool::Jdk, Tool::Maven])?;
    let built = workspace.folder("release-jvm");
    // Beside the folders of the builds, each of which has one of its own that is called `maven`.
    let (repository, again) = (into.join(REPOSITORY), built.join("repository"));
    let library = format!("{}komopay_ffi{}", consts::DLL_PREFIX, consts::DLL_SUFFIX);
    let library = zig.build(workspace, "komopay-ffi", &library)?;
    let gateway = zig.build(workspace, "komopay-sandbox", "komopay-sandbox")?;
    // The folders of the two builds differ, so that no name of theirs is in what they build.
    for (folder, repository) in [(built.join("first"), &repository), (built.join("again"), &again)] {
        files::remove_folder(&folder)?;
        let kotlin = Kotlin::below(workspace, folder);
        kotlin.prepare_release(&library)?;
        kotlin.prepare_gateway(&gateway)?;
        deploy(&kotlin, repository)?;
    }
    compare(&repository, &again)?;
    let version = version::current(workspace)?;
    let mut packages = Vec::new();
    for (artifact, _) in ARTIFACTS {
        packages.extend(check(workspace, &repository.join("id/komopay").join(artifact).join(&version), artifact)?);
    }
    println!(
        "Not done: Maven Central wants a signature of each file (`gpg --armor --detach-sign`), by a person's key."
    );
    Ok(packages)
}

/// Builds all artifacts, and deploys them into this folder.
fn deploy(kotlin: &Kotlin<'_>, repository: &Path) -> Outcome {
    files::remove_folder(repository)?;
    for (_, folder) in ARTIFACTS {
        let maven = kotlin.maven(&format!("bindings-kotlin/{folder}/pom.xml"));
        let maven = maven.args("--quiet --activate-profiles documented -Dmaven.test.skip=true deploy");
        maven.arg(format!("-DaltDeploymentRepository=staged::{}", files::address(repository))).run()?;
    }
    // Maven Central writes the lists of versions itself, and they tell when they were written.
    let lists = |name: &Path| name.file_name().is_some_and(|it| it.to_string_lossy().starts_with("maven-metadata.xml"));
    for (_, list) in listed(repository)?.into_iter().filter(|(name, _)| lists(name)) {
        files::remove(&list)?;
    }
    Ok(())
}

fn listed(folder: &Path) -> Outcome<BTreeMap<PathBuf, PathBuf>> {
    files::list(folder).map_err(Failure::while_doing(format!("cannot read {}", folder.display())))
}

/// Whether two builds gave the same files.
fn compare(one: &Path, other: &Path) -> Outcome {
    let (mut ones, mut others) = (listed(one)?, listed(other)?);
    let names: Vec<PathBuf> = ones.keys().chain(others.keys()).cloned().collect();
    let content = |path: Option<PathBuf>| path.and_then(|path| fs::read(path).ok());
    let differ = |name: &PathBuf| content(ones.remove(name)) != content(others.remove(name));
    let different: Vec<PathBuf> = names.into_iter().filter(differ).collect();
    if different.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "built twice, these are not the same in {} and {}: {different:?}",
        one.display(),
        other.display()
    )))
}

/// Whether an artifact is whole. Gives its jars and its POM.
fn check(workspace: &Workspace, folder: &Path, artifact: &str) -> Outcome<Vec<PathBuf>> {
    let version = folder.file_name().unwrap_or_default().to_string_lossy();
    let file = |end: &str| folder.join(format!("{artifact}-{version}{end}"));
    let native = NATIVE.iter().find(|(its, _)| *its == artifact).map(|(_, program)| *program);
    let mut packages = Vec::new();
    for (end, wanted) in JARS {
        let list = Program::new(workspace, "jar").args("--list --file").arg(file(end)).output()?;
        let holds = |end: &str| list.lines().any(|name| name.ends_with(end));
        let mut missing: Vec<&str> = [wanted].into_iter().filter(|end| !holds(end)).collect();
        if end != "-javadoc.jar" {
            let licenses = if native.is_some() { &licenses::FILES[..] } else { &licenses::OWN };
            missing.extend(licenses.iter().filter(|name| !holds(&format!("META-INF/licenses/{name}"))));
        }
        if !missing.is_empty() {
            return Err(Failure::new(format!(
                "{missing:?} is missing in {}, which holds:\n{list}",
                file(end).display()
            )));
        }
        if let Some(program) = native.filter(|_| end == ".jar") {
            println!("{artifact}, its part from Rust: {}", platforms(&list, program)?);
        }
        packages.push(file(end));
    }
    let text = fs::read_to_string(file(".pom")).map_err(Failure::while_doing(file(".pom").display()))?;
    let gaps = pom::gaps(&text)?;
    if !gaps.is_empty() {
        return Err(Failure::new(format!("the POM of {artifact} does not tell {gaps:?}")));
    }
    packages.push(file(".pom"));
    let sum = |package: &PathBuf, sum: &str| PathBuf::from(format!("{}.{sum}", package.display()));
    let sums = packages.iter().flat_map(|package| ["md5", "sha1"].map(|kind| sum(package, kind)));
    match sums.into_iter().find(|sum| !sum.exists()) {
        Some(missing) => Err(Failure::new(format!("{} is missing", missing.display()))),
        None => Ok(packages),
    }
}

/// For which platforms a jar holds this program or library; it must for this one.
fn platforms(list: &str, program: &str) -> Outcome<String> {
    let holds = |folder: &str| {
        let is_it = |name: &str| name.rsplit('/').next().is_some_and(|name| name.contains(program));
        list.lines().any(|name| name.contains(&format!("{folder}/")) && is_it(name))
    };
    let own = PLATFORMS.iter().find(|(os, arch, _)| (*os, *arch) == (consts::OS, consts::ARCH));
    if !own.is_some_and(|(_, _, folder)| holds(folder)) {
        return Err(Failure::new(format!("there is no {program} for this platform in:\n{list}")));
    }
    let (here, missing): (Vec<&str>, Vec<&str>) = PLATFORMS.iter().map(|(_, _, it)| *it).partition(|it| holds(it));
    let here = here.join(", ");
    Ok(if missing.is_empty() { here } else { format!("{here}; not built here: {}", missing.join(", ")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_built_here_is_named() {
        let own = PLATFORMS.iter().find(|(os, arch, _)| (*os, *arch) == (consts::OS, consts::ARCH)).unwrap().2;
        let told = platforms(&format!("{own}/\n{own}/libkomopay_ffi.so\n"), "komopay_ffi").unwrap();
        assert!(told.starts_with(&format!("{own}; not built here: ")), "{told}");
        assert_eq!(told.matches(", ").count(), 2, "{told}");
        assert!(platforms(&format!("{own}/README\n"), "komopay_ffi").is_err());
    }

    #[test]
    fn builds_differ_by_a_byte_and_by_a_file() {
        let root = std::env::temp_dir().join(format!("komopay-builds-{}", std::process::id()));
        let (one, other) = (root.join("one"), root.join("other"));
        for folder in [&one, &other] {
            fs::create_dir_all(folder).unwrap();
            fs::write(folder.join("a"), "a").unwrap();
        }
        assert_eq!(compare(&one, &other), Ok(()));
        fs::write(other.join("b"), "b").unwrap();
        assert!(compare(&one, &other).unwrap_err().to_string().contains("\"b\""));
        fs::write(one.join("b"), "c").unwrap();
        assert!(compare(&one, &other).unwrap_err().to_string().contains("\"b\""));
        fs::remove_dir_all(root).unwrap();
    }
}
