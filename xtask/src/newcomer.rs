//! Somebody who knows nothing but a README: what it tells is done, word for word, where nobody has been, with the
//! packages of this release in the place of an index.

mod arrival;
mod kotlin;
mod python;
mod swift;

use std::path::Path;

pub(crate) use arrival::Arrival;

use crate::failure::Outcome;
use crate::workspace::Workspace;

/// Lets a newcomer begin with these packages, in each language and everywhere.
pub(crate) fn arrive(workspace: &Workspace, packages: &Path) -> Outcome<Vec<Arrival>> {
    let mut arrivals = python::arrive(workspace, packages)?;
    arrivals.extend(kotlin::arrive(workspace, packages)?);
    swift::pay(workspace)?;
    Ok(arrivals)
}
