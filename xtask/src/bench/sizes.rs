//! What has to be carried: wheel, libraries.

use std::fs;
use std::path::Path;

use super::place::Place;
use super::results::{MB, Results};
use crate::command::Program;
use crate::failure::{Failure, Outcome};

const WHEEL: &str = "Python: wheel";
const LIBRARY: &str = "Python: library in the wheel";
const FFI: &str = "JVM and Swift: native library";

pub(super) fn measure(place: &Place, results: &mut Results) -> Outcome {
    results.add(WHEEL, MB, megabytes(&place.wheel)?);
    let largest = "import sys, zipfile; print(max(i.file_size for i in zipfile.ZipFile(sys.argv[1]).infolist()))";
    let bytes: f64 = place
        .python()
        .arg("-c")
        .arg(largest)
        .arg(&place.wheel)
        .output()?
        .trim()
        .parse()
        .map_err(Failure::while_doing("cannot read the size of the library in the wheel"))?;
    results.add(LIBRARY, MB, bytes / 1e6);
    Program::cargo(place.workspace).args("build --release --locked --package komopay-ffi").run()?;
    let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let library = place.workspace.target().join("release").join(format!("{prefix}komopay_ffi{suffix}"));
    results.add(FFI, MB, megabytes(&library)?);
    Ok(())
}

/// In millions of bytes.
fn megabytes(file: &Path) -> Outcome<f64> {
    let size = fs::metadata(file).map_err(Failure::while_doing(format!("cannot look at {}", file.display())))?.len();
    Ok(f64::from(u32::try_from(size).unwrap_or(u32::MAX)) / 1e6)
}
