//! In Debians with their own Java and Maven, with artifacts from a Maven repository in a folder.

use std::path::Path;

use super::arrival::{Arrival, Place};
use crate::debian::Debian;
use crate::failure::Outcome;
use crate::files;
use crate::release::REPOSITORY;
use crate::workspace::Workspace;

/// What is read.
const PAGE: &str = "bindings-kotlin/README.md";

/// The systems to begin in. Debian 11 is the oldest that the archive still has.
const SYSTEMS: [(&str, &str); 2] = [("Debian 12, Kotlin", "bookworm"), ("Debian 11, Kotlin", "bullseye")];

/// Lets a newcomer begin in both.
pub(super) fn arrive(workspace: &Workspace, packages: &Path) -> Outcome<Vec<Arrival>> {
    SYSTEMS.into_iter().map(|(name, suite)| begin(workspace, packages, name, suite)).collect()
}

fn begin(workspace: &Workspace, packages: &Path, name: &'static str, suite: &str) -> Outcome<Arrival> {
    let debian = Debian::made(workspace, [&format!("newcomer-{suite}"), suite, ""], |_| Ok(()))?;
    let debian = debian.copy(workspace, workspace.folder("newcomer"))?;
    // Maven asks its own index, which is not in a folder.
    debian.trust_as_here(workspace)?;
    let place = Place {
        workspace,
        name,
        page: PAGE,
        debian,
        packages,
        // Its compiler would stay behind.
        environment: vec!["MAVEN_OPTS=-Dkotlin.compiler.daemon=false".to_owned()],
        spared: None,
    };
    place.save(".m2/settings.xml", &settings_with(&packages.join(REPOSITORY)))?;
    let of = "dpkg-query --showformat '${Package} ${Version}' --show ";
    place.begin(&["java --version | head --lines 1", &format!("{of}maven"), &format!("{of}libc6")])
}

/// The settings of somebody who has this repository, too, and believes no artifact whose sum is another. It stands for
/// the one where they will be published.
fn settings_with(repository: &Path) -> String {
    format!(
        "<settings><profiles><profile><id>staged</id><repositories><repository><id>staged</id><url>{}</url>\
         <releases><checksumPolicy>fail</checksumPolicy></releases></repository></repositories></profile></profiles>\
         <activeProfiles><activeProfile>staged</activeProfile></activeProfiles></settings>\n",
        files::address(repository)
    )
}
