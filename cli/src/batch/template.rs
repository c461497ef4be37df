//! What needs no journal: the header of a file, and a new key.

use clap::Args;
use komopay_batches::{Keys, csv_template};
use komopay_core::{MethodCode, Result};
use serde_json::json;

use crate::exit::Exit;
use crate::output::Output;

/// The header of a CSV file.
#[derive(Args)]
pub struct Template {
    /// The columns that payouts by this method may have, such as `BANK_TRANSFER`; else all.
    #[arg(long, value_name = "CODE")]
    method: Option<String>,
}

impl Template {
    pub fn run(self, output: Output) -> Exit {
        let header = csv_template(self.method.as_deref().map(MethodCode::from).as_ref());
        let columns: Vec<&str> = header.trim_end().split(',').collect();
        output.show(&json!({"columns": columns}), || header.clone());
        Exit::Done
    }
}

/// A new key for a journal.
pub fn key(output: Output) -> Result<Exit> {
    let key = Keys::generate()?;
    output.show(&json!({"key": key}), || key.clone());
    Ok(Exit::Done)
}
