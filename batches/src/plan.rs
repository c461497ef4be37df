//! What a batch would do, before it does anything: its totals, and whether the platform would take it.
//!
//! A plan is made while the rows are read, and holds sums and extremes only. What the platform offers is asked once for
//! all of them.

mod findings;
mod offered;
mod totals;

use komopay_core::{Balance, Client, PaymentOptionFilter, PaymentTypeCode, Result};

use crate::input::{ItemDraft, RowProblem, RowRead};

pub use findings::{PlanProblem, PlanProblemKind, PlanWarning, PlanWarningKind};
pub use totals::{ControlTotals, CurrencyTotal, GroupTotal, Totals};

/// How many problems of rows a plan holds.
const PROBLEMS_KEPT: usize = 100;

/// What a batch would do, and what speaks against it.
///
/// ```
/// use komopay_batches::{Columns, ControlTotals, CsvRows, Plan, Rows};
/// use komopay_core::Money;
///
/// let file = "id,amount,currency,operator_code,account_name,account_number,shoe size\n\
///             EMP-1,250000,IDR,IDR_014,Siti Rahmawati,0123456789,38\n\
///             EMP-2,1E+05,IDR,IDR_014,Budi Santoso,0123456780,43\n";
/// let mut rows = CsvRows::new(file.as_bytes(), "payroll-2026-11", Columns::default(), ',')?;
/// let mut plan = Plan::new("payroll-2026-11", rows.unused_columns());
/// for row in &mut rows {
///     plan.add(&row?)?;
/// }
/// plan.compare(&ControlTotals { count: Some(2), sums: vec![Money::new("350000", "IDR")?] })?;
/// assert_eq!((plan.rows(), plan.items(), plan.bad_rows), (2, 1, 1));
/// assert_eq!(plan.problems[0].text, "the count is 1, and was to be 2; 1 more row is bad, and was not counted");
/// assert_eq!(plan.unused_columns, ["shoe size"]);
/// # Ok::<(), komopay_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The batch.
    pub batch_id: String,
    /// Count and sums of the items: the rows that can be sent.
    pub totals: Totals,
    /// How many rows cannot be sent as they are.
    pub bad_rows: u64,
    /// What is wrong with them, in their order: the first 100. The journal holds all.
    pub row_problems: Vec<RowProblem>,
    /// What is wrong with the batch as a whole.
    pub problems: Vec<PlanProblem>,
    /// What a person should know, and answer.
    pub warnings: Vec<PlanWarning>,
    /// The columns that nothing is taken from.
    pub unused_columns: Vec<String>,
}

impl Plan {
    /// The plan of a batch without rows.
    #[must_use]
    pub fn new(batch_id: &str, unused_columns: &[String]) -> Self {
        Self {
            batch_id: batch_id.to_owned(),
            totals: Totals::default(),
            bad_rows: 0,
            row_problems: Vec::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
            unused_columns: unused_columns.to_vec(),
        }
    }

    /// Adds a row, good or bad.
    ///
    /// # Errors
    /// As [`Plan::add_item`].
    pub fn add(&mut self, row: &RowRead) -> Result<()> {
        match row {
            RowRead::Item(item) => self.add_item(item),
            RowRead::Bad(problems) => {
                self.add_bad(problems);
                Ok(())
            }
        }
    }

    /// Adds an item to the totals.
    ///
    /// # Errors
    /// `invalid_request`, naming `money.amount`, if the sum has more digits than can be kept exactly, or
    /// `money.currency`, if there are more than 100 currencies: nobody pays in so many.
    pub fn add_item(&mut self, item: &ItemDraft) -> Result<()> {
        self.totals.add(item.row, &item.request)
    }

    /// Adds a row that cannot be sent, for these reasons.
    pub fn add_bad(&mut self, problems: &[RowProblem]) {
        self.bad_rows += 1;
        let room = PROBLEMS_KEPT.saturating_sub(self.row_problems.len());
        self.row_problems.extend(problems.iter().take(room).cloned());
    }

    /// How many items there are: rows that can be sent.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.totals.count()
    }

    /// How many rows there are, good and bad.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.items() + self.bad_rows
    }

    /// Compares the totals with what the maker of the batch says that they are. Each difference is a problem.
    ///
    /// # Errors
    /// `invalid_request`, naming `control_totals`, if a currency is there twice.
    pub fn compare(&mut self, said: &ControlTotals) -> Result<()> {
        let found = said.differences(&self.totals, self.bad_rows)?;
        self.problems.extend(found);
        Ok(())
    }

    /// Asks the platform what it offers and what the merchant has, with one call each, and adds what does not fit: a
    /// method or operator that is not offered and an amount outside its limits are problems, a balance that is too
    /// small is a warning.
    ///
    /// # Errors
    /// Those of [`Client::payment_options`] and [`Client::balances`].
    pub async fn check(&mut self, client: &Client) -> Result<()> {
        let currencies: Vec<String> = self.totals.currencies().map(|total| total.sum.currency().to_owned()).collect();
        if currencies.is_empty() {
            return Ok(());
        }
        let filter = PaymentOptionFilter {
            type_code: Some(PaymentTypeCode::Payout),
            currencies: currencies.clone(),
            ..PaymentOptionFilter::default()
        };
        let options = client.payment_options(&filter).await?;
        let balances = client.balances(&currencies).await?;
        for group in self.totals.groups() {
            self.problems.extend(offered::problems(group, &options));
        }
        let others = self.totals.others();
        if others > 0 {
            let text = format!(
                "there are more than {} combinations of currency, method, operator and segment: whether the {others} \
                 payouts of the others can be made was not looked up",
                totals::MOST_GROUPS
            );
            self.warnings.push(PlanWarning { kind: PlanWarningKind::NotChecked, text, row: None });
        }
        for total in self.totals.currencies() {
            self.warnings.extend(too_little(total, &balances)?);
        }
        Ok(())
    }
}

/// The warning that what can be spent does not cover this, if it does not.
fn too_little(total: &CurrencyTotal, balances: &[Balance]) -> Result<Option<PlanWarning>> {
    let sum = &total.sum;
    let of_currency = |balance: &&Balance| balance.available.currency() == sum.currency();
    let text = match balances.iter().find(of_currency).map(|balance| &balance.available) {
        None => format!("there is no balance in {}; the payouts need {sum} and fees", sum.currency()),
        Some(available) if sum.checked_cmp(available)?.is_gt() => {
            let short = sum.checked_sub(available)?;
            format!("the payouts need {sum} and fees, and {available} can be spent: {short} and fees are missing")
        }
        Some(_) => return Ok(None),
    };
    Ok(Some(PlanWarning { kind: PlanWarningKind::Balance, text, row: None }))
}
