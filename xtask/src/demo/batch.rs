//! The demo of a batch: a file is planned, approved and paid by the command line, whose worker dies in the middle.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::say;
use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::gateway::{self, Gateway, MERCHANT_CODE, SECRET};
use crate::ledger;
use crate::workspace::Workspace;

const ROWS: usize = 1000;
const BATCH: &str = "payroll-2026-11";

/// After so many creates, the worker kills itself.
const CRASH_AT: usize = 500;

/// What the command line ends with: docs/batches.md.
const AWAITS_APPROVAL: i32 = 4;
const GOES_ON: i32 = 6;

/// As far as the clocks go on instead of waiting: beyond the end of what the dead worker may have sent.
const LATER: Duration = Duration::from_secs(300);

/// Pays a thousand rows; ends well only if the ledger is the file.
pub(super) fn run(workspace: &Workspace) -> Outcome {
    say(1, "The command line and the sandbox are built (the first build takes minutes)");
    let program = gateway::build_program(workspace, "komopay")?;
    let gateway = Gateway::start(workspace)?;
    println!("   the sandbox listens on {}", gateway.base_url());
    let folder = workspace.folder("demo-batch");
    // What an earlier demo left is another gateway's.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(Failure::while_doing("cannot make a folder for the demo"))?;
    let file = folder.join("payroll.csv");
    fs::write(&file, rows()).map_err(Failure::while_doing("cannot write payroll.csv"))?;
    let key = Program::new(workspace, &program).args("batch key").output()?;
    let komopay = || command(workspace, &program, &gateway, &folder, key.trim());

    say(2, "A payroll of 1,000 rows is planned, approved by another than its maker, and started");
    let plan = komopay().args("batch plan").arg(BATCH).arg(&file).args("--by siti --count 1000 --json");
    let plan = answer(plan, &[AWAITS_APPROVAL])?;
    let plan: Value = serde_json::from_str(&plan).map_err(Failure::while_doing("cannot read the plan"))?;
    let digest = plan.get("digest").and_then(Value::as_str);
    let digest = digest.ok_or_else(|| Failure::new(format!("the plan has no digest: {plan}")))?;
    println!("   its digest: {digest}");
    let approve = komopay().args("batch approve").arg(BATCH).args("--by budi --digest").arg(digest);
    answer(approve.args("--why demo"), &[0, GOES_ON])?;
    answer(komopay().args("batch start").arg(BATCH).args("--by budi"), &[0, GOES_ON])?;

    say(3, "A worker pays it, and is killed after its 500th create");
    let crash = format!("SIGKILL:AfterSend:{CRASH_AT}");
    // It ends by a signal, without a code.
    answer(komopay().args("batch work").arg(BATCH).env("KOMOPAY_STEP", crash), &[])?;
    println!("   the gateway has executed {} payouts", executed(&gateway)?.len());

    say(4, "The same command again. Instead of waiting, the clocks of gateway and journal are put on by five minutes");
    ledger::advance(&gateway, LATER)?;
    let work = komopay().args("batch work").arg(BATCH).env("KOMOPAY_JOURNAL_CLOCK", LATER.as_secs().to_string());
    work.run_reading(|line| println!("   {line}"))?;

    say(5, "The gateway's ledger beside the file");
    let paid = executed(&gateway)?;
    let mut ids = paid.clone();
    ids.sort_unstable();
    ids.dedup();
    if (paid.len(), ids.len()) != (ROWS, ROWS) {
        return Err(Failure::new(format!("{} payouts were executed, of {} ids", paid.len(), ids.len())));
    }
    println!("   {ROWS} rows, {} payouts executed, {} ids: each exactly once", paid.len(), ids.len());
    let report = folder.join("report.html");
    komopay().args("batch report").arg(BATCH).arg("--html").arg(&report).output()?;
    println!("   the report for people: {}", report.display());
    gateway.stop()
}

/// Runs a command that ends with one of these codes, or by a signal if there are none, and gives what it printed.
fn answer(program: Program, codes: &[i32]) -> Outcome<String> {
    let output = program.into_command().output().map_err(Failure::while_doing("cannot run the command line"))?;
    let ended = output.status.code();
    if ended.map_or(codes.is_empty(), |code| codes.contains(&code)) {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Failure::new(format!("the command line ended with {}: {said}", output.status)))
}

fn command(workspace: &Workspace, program: &Path, gateway: &Gateway, folder: &Path, key: &str) -> Program {
    Program::new(workspace, program)
        .env("KOMOPAY_BASE_URL", gateway.base_url())
        .env("KOMOPAY_MERCHANT_CODE", MERCHANT_CODE)
        .env("KOMOPAY_SECRET", SECRET)
        .env("KOMOPAY_JOURNAL", folder.join("payroll.sqlite"))
        .env("KOMOPAY_JOURNAL_KEY", key)
}

/// The ids of the creates that the gateway has executed.
fn executed(gateway: &Gateway) -> Outcome<Vec<String>> {
    let lines = ledger::read(gateway)?.into_iter();
    Ok(lines.filter(|line| line.kind == "executed").map(|line| line.payout_id).collect())
}

fn rows() -> String {
    let mut file = "id,amount,currency,operator_code,account_name,account_number".to_owned();
    for row in 0..ROWS {
        let (amount, account) = (10_000 + row, 11_223_344 + row);
        // Writing to a text cannot fail.
        let _ = write!(file, "\nEMP-{row},{amount},IDR,BNK_000,Test account,{account}");
    }
    file
}
