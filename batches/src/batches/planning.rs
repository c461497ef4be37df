//! From rows to a batch that may be approved.

use std::collections::HashSet;

use komopay_core::{Error, Result};

use super::{Batches, check_name};
use crate::answer::KeptMoney;
use crate::batch::BatchState;
use crate::input::{Field, RowProblem, RowRead, Rows, check_batch_id};
use crate::journal::{Changes, Finished, KeptPlan, Planning, Stored};
use crate::plan::{ControlTotals, Plan};
use crate::seal::Keys;
use crate::settings::BatchSettings;

/// How many rows are stored at a time.
const GROUP: usize = 1000;

/// How many items that were paid lately a plan tells.
const PAID_LATELY_TOLD: usize = 100;

/// A batch to be planned.
#[derive(Clone, Debug)]
pub struct NewBatch {
    /// Its id, which is never made up: the same file under the same id is the same batch. 1 to 100 letters, digits,
    /// `_`, `-` or `.`.
    pub id: String,
    /// Who makes it.
    pub maker: String,
    /// What it is paid by.
    pub settings: BatchSettings,
    /// The rows that are good are paid, even if others are not: a choice that is written down.
    pub valid_only: bool,
    /// What the maker expects the rows that are paid to add up to: all of them, or with `valid_only` the good ones.
    pub control: ControlTotals,
}

impl NewBatch {
    /// A batch of this id and maker, with default settings.
    #[must_use]
    pub fn new(id: impl Into<String>, maker: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            maker: maker.into(),
            settings: BatchSettings::default(),
            valid_only: false,
            control: ControlTotals::default(),
        }
    }
}

impl Batches {
    /// Checks every row, stores those that are good, and says what they add up to. Nothing is sent.
    ///
    /// The same rows are the same items, in whatever order: to plan a batch again is harmless. Until it was started,
    /// its contents are what the last plan says; any change of them voids an approval. After that, they stand: a row
    /// that is another one now is a problem, and is not paid.
    ///
    /// # Errors
    /// `invalid_request`, naming `batch_id` or `maker`; `configuration`, naming a setting; what keeps the input from
    /// being read; what keeps the platform from being asked for limits and balances.
    pub async fn plan(&self, new: NewBatch, rows: impl Rows + 'static) -> Result<Planned> {
        check_batch_id(&new.id)?;
        check_name("maker", &new.maker)?;
        new.settings.check(self.client.attempt_timeout())?;
        let mut planning = self.journal.plan(&new.id, &new.maker, &new.settings).await?;
        let mut plan = Plan::new(&new.id, rows.unused_columns());
        let columns = [Field::Key, Field::PayoutId].map(|field| rows.column(field).to_owned());
        let (mut rows, mut is_more) = (rows, true);
        while is_more {
            let (keys, batch) = (self.journal.keys.clone(), new.id.clone());
            // Reading, checking and sealing take the processor's time.
            let read = tokio::task::spawn_blocking(move || -> Result<_> {
                let group = Group::read(&mut rows, &keys, &batch)?;
                Ok((rows, group))
            });
            let group;
            (rows, group) = read.await.map_err(|_| Error::internal("the reader of rows ended without a result"))??;
            is_more = group.is_more;
            group.store(&mut planning, &mut plan, &columns).await?;
        }
        self.end_plan(planning, plan, &new).await
    }

    /// Looks at all rows together, and ends the plan.
    async fn end_plan(&self, planning: Planning, mut plan: Plan, new: &NewBatch) -> Result<Planned> {
        plan.compare(&new.control)?;
        plan.check(&self.client).await?;
        for lately in planning.paid_lately(new.settings.paid_lately_days, PAID_LATELY_TOLD).await? {
            plan.warnings.push(lately.warning());
        }
        let valid = plan.problems.is_empty() && plan.items() > 0 && (plan.bad_rows == 0 || new.valid_only);
        let kept = KeptPlan {
            warnings: plan.warnings.iter().map(|warning| warning.text.clone()).collect(),
            totals: plan.totals.currencies().map(|total| (total.count, KeptMoney::of(&total.sum))).collect(),
            rows_left_out: plan.bad_rows,
        };
        let Finished { state, changes } =
            planning.finish(valid, new.valid_only && plan.bad_rows > 0, &new.maker, &kept).await?;
        let digest = match state {
            BatchState::Validated | BatchState::Approved => Some(self.journal.digest(&new.id, None).await?.finish()),
            _ => None,
        };
        let Changes { inserted, changed, removed } = changes;
        Ok(Planned { plan, state, digest, inserted, changed, removed })
    }
}

/// What came of a plan.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What the rows add up to, and what is wrong with them.
    pub plan: Plan,
    /// `validated`, if it may be approved; `draft`, if rows or totals are bad; else the state that it was in before.
    pub state: BatchState,
    /// The digest of all that it would pay, payees included: what an approval is bound to. None, unless it may be
    /// approved.
    pub digest: Option<String>,
    /// How many items are new.
    pub inserted: u64,
    /// How many have other contents than before.
    pub changed: u64,
    /// How many are in the input no more.
    pub removed: u64,
}

/// Some rows, read and sealed.
struct Group {
    items: Vec<Stored>,
    bad: Vec<Vec<RowProblem>>,
    is_more: bool,
}

impl Group {
    fn read(rows: &mut impl Rows, keys: &Keys, batch: &str) -> Result<Self> {
        let mut group = Self { items: Vec::new(), bad: Vec::new(), is_more: false };
        for row in rows.by_ref() {
            match row? {
                RowRead::Item(draft) => group.items.push(Stored::of(draft, batch, keys)?),
                RowRead::Bad(problems) => group.bad.push(problems),
            }
            if group.items.len() + group.bad.len() >= GROUP {
                group.is_more = true;
                break;
            }
        }
        Ok(group)
    }

    async fn store(mut self, planning: &mut Planning, plan: &mut Plan, columns: &[String; 2]) -> Result<()> {
        let [key, payout_id] = columns;
        let found = planning.add(&self.items, [key, payout_id]).await?;
        let refused: HashSet<u64> = found.iter().map(|problem| problem.row).collect();
        for item in self.items.iter().map(Stored::draft).filter(|item| !refused.contains(&item.row)) {
            plan.add_item(item)?;
        }
        self.bad.extend(found.into_iter().map(|problem| vec![problem]));
        self.bad.iter().for_each(|problems| plan.add_bad(problems));
        planning.keep(&self.bad.concat()).await
    }
}
