//! `payout create`, `payout get` and `payout wait`.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use clap::{Args, Subcommand};
use komopay_batches::{Columns, JsonLines, RowRead};
use komopay_core::{Client, Error, Payout, PayoutAccepted, PayoutId, PayoutRequest, PayoutStatus, Result};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::client::ClientArguments;
use crate::data;
use crate::exit::Exit;
use crate::output::{Output, plain, say, table};
use crate::signals::Signals;

/// The longest request that is read, in bytes.
const LONGEST: u64 = 64 * 1024;

/// What is done with one payout.
#[derive(Subcommand)]
pub enum PayoutCommand {
    /// Make a payout, exactly once. 0: the platform took it, which is not yet that the money arrived
    Create(Create),
    /// Read a payout, whatever its status
    Get(Get),
    /// Wait until a payout is final. 0: the money arrived; 7: it did not; 6: that is not decided yet
    Wait(Wait),
}

/// `payout create`.
#[derive(Args)]
pub struct Create {
    /// The payout's id, for ever. Store it before the first call.
    id: String,
    /// A file with the request, or `-` for standard input: one JSON object with the names that `batch template` shows,
    /// such as `{"amount": "10000", "currency": "IDR", "operator_code": "BNK_000", "account_name": "Test account",
    /// "account_number": "11223344"}`. Options would show the payee to other users of this machine.
    #[arg(long, value_name = "FILE")]
    request: PathBuf,
    /// This id may have been sent before: after exit code 3, after a crash, in a job that is run again.
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    client: ClientArguments,
}

/// `payout get`.
#[derive(Args)]
pub struct Get {
    /// The payout's id.
    id: String,
    #[command(flatten)]
    client: ClientArguments,
}

/// `payout wait`.
#[derive(Args)]
pub struct Wait {
    /// The payout's id.
    id: String,
    /// For how many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    r#for: u64,
    #[command(flatten)]
    client: ClientArguments,
}

impl PayoutCommand {
    pub async fn run(self, output: Output) -> Result<Exit> {
        match self {
            Self::Create(create) => create.run(output).await,
            Self::Get(get) => {
                let id = PayoutId::new(get.id)?;
                let payout = get.client.client()?.get_payout(&id).await?;
                show(output, &payout);
                Ok(Exit::Done)
            }
            Self::Wait(wait) => wait.run(output).await,
        }
    }
}

impl Create {
    async fn run(self, output: Output) -> Result<Exit> {
        let id = PayoutId::new(self.id)?;
        let request = match read_request(&id, &self.request)? {
            Ok(request) => request,
            Err(problems) => {
                output.show(&json!({"payout_id": id.as_str(), "problems": problems}), String::new);
                for problem in problems {
                    output.note(format_args!("komopay: the request, {}", said(&problem)));
                }
                return Ok(Exit::BadInput);
            }
        };
        let client = self.client.client()?;
        let signals = Signals::listen()?;
        let accepted = create(&client, &id, &request, self.resume, signals).await?;
        show_accepted(output, &accepted);
        Ok(Exit::Done)
    }
}

/// Makes the payout. The first Ctrl-C waits for its end all the same, the second leaves it.
async fn create(
    client: &Client,
    id: &PayoutId,
    request: &PayoutRequest,
    resume: bool,
    mut signals: Signals,
) -> Result<PayoutAccepted> {
    let mut call = pin!(client.create_payout(id, request, resume));
    tokio::select! {
        biased;
        result = &mut call => return result,
        () = signals.next() => {}
    }
    say(format_args!("komopay: payout {id} is on its way, and is waited for; Ctrl-C again leaves it"));
    tokio::select! {
        biased;
        result = &mut call => result,
        () = signals.next() => Err(Error::lost_create(id, "Ctrl-C ended the waiting; run it again with --resume")),
    }
}

impl Wait {
    async fn run(self, output: Output) -> Result<Exit> {
        let id = PayoutId::new(self.id)?;
        let client = self.client.client()?;
        let mut signals = Signals::listen()?;
        let payout = tokio::select! {
            payout = client.wait_for_payout(&id, Duration::from_secs(self.r#for)) => payout?,
            () = signals.next() => {
                output.show(&json!({"payout_id": id.as_str(), "interrupted": true}), String::new);
                output.note(format_args!("komopay: payout {id} is not waited for any more; the same command goes on"));
                return Ok(Exit::Unfinished);
            }
        };
        show(output, &payout);
        Ok(if payout.status == PayoutStatus::Success { Exit::Done } else { Exit::NotPaid })
    }
}

/// Reads the request of a payout, or what is wrong with it.
fn read_request(id: &PayoutId, file: &Path) -> Result<std::result::Result<PayoutRequest, Vec<Value>>> {
    let unreadable = |error: std::io::Error| {
        Error::setting("request", format_args!("cannot be read of {}: {error}", file.display()))
    };
    let mut text = String::new();
    if file.as_os_str() == "-" {
        std::io::stdin().lock().take(LONGEST).read_to_string(&mut text).map_err(unreadable)?;
    } else {
        std::fs::File::open(file).map_err(unreadable)?.take(LONGEST).read_to_string(&mut text).map_err(unreadable)?;
    }
    // Its error may quote the text.
    let refused = |_| Error::invalid("request", "is no JSON object of at most 64 KiB");
    let object: &RawValue = serde_json::from_str(&text).map_err(refused)?;
    let Some(fields) = object.get().strip_prefix('{') else {
        return Err(Error::invalid("request", "is no JSON object"));
    };
    // One row of a batch, which knows the names. JSON has no line break in a text.
    let comma = if fields.trim() == "}" { "" } else { "," };
    let line = format!(r#"{{"id":"{id}","payout_id":"{id}"{comma}{fields}"#).replace(['\n', '\r'], " ");
    let mut rows = JsonLines::new(std::io::Cursor::new(line), "one-payout", Columns::default())?;
    match rows.next().transpose()? {
        Some(RowRead::Item(item)) => Ok(Ok(item.request)),
        Some(RowRead::Bad(problems)) => Ok(Err(problems
            .iter()
            .map(|problem| json!({"field": problem.field, "problem": problem.problem}))
            .collect())),
        None => Err(Error::invalid("request", "is empty")),
    }
}

fn said(problem: &Value) -> String {
    let text = |name: &str| problem.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("field").is_empty() {
        text("problem").to_owned()
    } else {
        format!("{}: {}", text("field"), text("problem"))
    }
}

fn show_accepted(output: Output, accepted: &PayoutAccepted) {
    output.show(&json!({"accepted": data::accepted(accepted)}), || {
        let mut rows = vec![row("accepted", accepted.payout_id.as_str()), row("money", &accepted.money.to_string())];
        rows.extend(accepted.payment_id.as_deref().map(|id| row("payment id", id)));
        rows.extend(accepted.reference.as_deref().map(|reference| row("reference", reference)));
        if accepted.recovered {
            rows.push(row("recovered", "found by reading it; the platform does not repeat the payee"));
        }
        rows.extend(accepted.payout.as_ref().map(|payout| row("status", payout.status.as_str())));
        table(&rows)
    });
}

fn show(output: Output, payout: &Payout) {
    output.show(&json!({"payout": data::payout(payout)}), || {
        let mut rows = vec![
            row("payout", payout.payout_id.as_str()),
            row("status", payout.status.as_str()),
            row("money", &payout.money.to_string()),
            row("method", payout.method_code.as_str()),
        ];
        rows.extend(payout.fee.as_ref().map(|fee| row("fee", &fee.to_string())));
        rows.extend(payout.payment_id.as_deref().map(|id| row("payment id", id)));
        rows.extend(payout.reference.as_deref().map(|reference| row("reference", reference)));
        rows.extend(payout.created_at.map(|time| row("created", &time.to_string())));
        rows.extend(payout.processed_at.map(|time| row("processed", &time.to_string())));
        if let Some(reason) = &payout.failure_reason {
            rows.push(row("reason", reason.code.as_str()));
            rows.extend(reason.message.as_deref().map(|message| row("", message)));
        }
        table(&rows)
    });
}

fn row(name: &str, value: &str) -> Vec<String> {
    vec![name.to_owned(), plain(value)]
}
