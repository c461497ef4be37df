//! The steps of the demo that are the same in every language.

use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::gateway::Gateway;
use crate::ledger;
use crate::workspace::Workspace;

/// The payout that the example makes.
const PAYOUT_ID: &str = "TST-223344";

/// Makes the payout with a program of any language, and shows what came of it.
pub(crate) fn pay_by(workspace: &Workspace, example: impl FnOnce(&Gateway) -> Program) -> Outcome {
    say(2, "The sandbox starts: a stand-in for the gateway, on this machine");
    let gateway = Gateway::start(workspace)?;
    println!("   it listens on {}", gateway.base_url());

    say(3, "The payout is made and followed until it is final");
    example(&gateway).run_reading(|line| println!("   {line}")).map_err(|failure| {
        Failure::new(format!("{failure}. What the gateway wrote meanwhile:\n\n{}", gateway.log()))
    })?;

    say(4, "The gateway's ledger: what was really done with the money");
    let lines = ledger::read(&gateway)?;
    for line in &lines {
        println!("   {line}");
    }
    ledger::check_paid_once(&lines, PAYOUT_ID)?;
    println!("   one line when the gateway took it, one when the money had left: paid exactly once");

    gateway.stop()?;
    say(5, "The gateway has stopped");
    Ok(())
}

pub(crate) fn say(number: u32, what: &str) {
    println!("\n{number}. {what}");
}
