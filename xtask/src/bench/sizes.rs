//! What has to be carried: wheel, jar, libraries.

use std::fs;
use std::path::Path;

use super::place::Place;
use super::results::{MB, Results};
use crate::failure::{Failure, Outcome};

pub(super) fn measure(place: &Place, results: &mut Results) -> Outcome {
    results.add("Python: wheel", MB, megabytes(&place.wheel)?);
    let largest = "import sys, zipfile; print(max(i.file_size for i in zipfile.ZipFile(sys.argv[1]).infolist()))";
    let bytes = place.python().arg("-c").arg(largest).arg(&place.wheel).output()?;
    let bytes: f64 =
        bytes.trim().parse().map_err(Failure::while_doing("cannot read how large the wheel's library is"))?;
    results.add("Python: library in the wheel", MB, bytes / 1e6);
    let [jar, library] = place.jvm.files()?;
    results.add("JVM: jar, with this machine's library", MB, megabytes(&jar)?);
    results.add("JVM: library in the jar", MB, megabytes(&library)?);
    // The last one: it takes the place of the one in the jar.
    results.add("phones: library, as built for this machine", MB, megabytes(&place.jvm.plain_library()?)?);
    if !cfg!(target_os = "macos") {
        println!(
            "   the XCFramework is not built here, which takes macOS: what stands for it is the library for phones"
        );
    }
    println!("   no Android library is built here, which takes its NDK: the library for phones stands for it, too");
    Ok(())
}

/// In millions of bytes.
fn megabytes(file: &Path) -> Outcome<f64> {
    let size = fs::metadata(file).map_err(Failure::while_doing(format!("cannot look at {}", file.display())))?.len();
    Ok(f64::from(u32::try_from(size).unwrap_or(u32::MAX)) / 1e6)
}
