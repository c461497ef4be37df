//! With Swift, and the package in a folder beside the newcomer's own, both outside of the checkout.

use crate::failure::{Failure, Outcome};
use crate::gateway::{Gateway, MERCHANT_CODE, SECRET};
use crate::swift::{self, Package, README, Toolchain};
use crate::workspace::Workspace;
use crate::{documents, files, ledger};

/// The payout of the program.
const PAYOUT_ID: &str = "TST-223344";

/// Pays as the README of Swift says. Where there is no Swift, that is said.
pub(super) fn pay(workspace: &Workspace) -> Outcome {
    let toolchain = match Toolchain::find(workspace)? {
        Ok(toolchain) => toolchain,
        Err(why) => {
            println!("not done: {why}");
            return Ok(());
        }
    };
    println!("\n== a newcomer with Swift");
    let package = Package::assemble(workspace, &toolchain, "bindgen")?;
    let project = swift::project(workspace)?;
    package.copy(&project.with_file_name("KomoPay"))?;
    let gateway = Gateway::start(workspace)?;
    files::write(&project.join("Sources/FirstPayout/main.swift"), &program(workspace, &gateway)?)?;
    package.run(&project).run()?;
    ledger::check_paid_once(&ledger::read(&gateway)?, PAYOUT_ID)?;
    gateway.stop()
}

/// The first program that the page shows, to be run against a gateway. The address of KomoPay's sandbox is called so
/// there.
fn program(workspace: &Workspace, gateway: &Gateway) -> Outcome<String> {
    let shown = documents::programs(workspace, "swift")?.into_iter().find(|it| it.document == README);
    let shown = shown.ok_or_else(|| Failure::new(format!("{README} shows no program in Swift")))?;
    let own = format!("\"{}\"", gateway.base_url());
    let values = [("sandboxUrl()", &*own), ("YOUR_MERCHANT_CODE", MERCHANT_CODE), ("YOUR_SECRET", SECRET)];
    values.iter().try_fold(format!("{}\n{}\n", shown.imports, shown.body), |program, (name, value)| {
        if program.contains(name) {
            return Ok(program.replace(name, value));
        }
        Err(Failure::new(format!("the program of {README} does not name {name} any more")))
    })
}
