//! What came of a batch, item by item.

use std::io::Write;

use jiff::Timestamp;
use komopay_core::{ErrorKind, FailureCode, MethodCode, PayoutStatus, Result, Shown};

use super::Batches;
use crate::answer::KeptMoney;
use crate::attention::Attention;
use crate::item::ItemState;
use crate::journal::{BatchEvent, BatchRecord, ItemRecord, Place};
use crate::report::{
    BalanceChange, BatchSummary, MaskedAccount, ReportEvent, ReportItem, ReportTotal, ReportTotals, ReportWriter,
};

impl Batches {
    /// Writes the report of a batch, as it stands now: what came of each item, and totals that reconcile with what was
    /// planned. It holds no name, no whole account number and nothing else of a payee.
    ///
    /// # Errors
    /// `invalid_request`, naming `batch_id`, if there is none of this id; `configuration`, naming `report`, if it
    /// cannot be written; `internal`, if the chain of its events was broken.
    pub async fn report<W: Write>(&self, batch_id: &str, mut report: ReportWriter<W>) -> Result<ReportTotals> {
        let record = self.journal.batch(batch_id).await?;
        let replaced_by = self.journal.replacements(batch_id).await?;
        let mut from = Some(Place::default());
        while let Some(place) = from {
            let page = self.journal.items(batch_id, &place).await?;
            for item in &page.items {
                report.item(&self.shown(batch_id, item, replaced_by.get(&item.key).cloned()))?;
            }
            from = page.next;
        }
        let summary = self.summary(&record, self.journal.events(batch_id).await?).await?;
        report.finish(&summary)
    }

    /// The items of a batch as a report shows them, in the order of their keys: those behind the key `after` (all, if
    /// it is empty), of one state or of all, up to 2,048 at a time. None is told twice, whatever happens meanwhile.
    ///
    /// # Errors
    /// `invalid_request`, naming `batch_id`, if there is none of this id; `unavailable`, naming `journal`.
    pub async fn items(&self, batch_id: &str, state: Option<ItemState>, after: &str) -> Result<Vec<ReportItem>> {
        self.journal.batch(batch_id).await?;
        let page = self.journal.items_after(batch_id, after, state).await?;
        Ok(page.into_iter().map(|(item, replaced_by)| self.shown(batch_id, &item, replaced_by)).collect())
    }

    fn shown(&self, batch_id: &str, item: &ItemRecord, replaced_by: Option<String>) -> ReportItem {
        let method = MethodCode::from(item.method.as_str());
        let mut shown = ReportItem::new(&item.key, item.payout_id.clone(), item.state, item.money.clone(), method);
        let answer = &item.answer;
        shown.payment_id.clone_from(&answer.payment_id);
        shown.row = u64::try_from(item.line).ok().filter(|line| *line > 0);
        shown.operator.clone_from(&item.operator);
        // Whoever makes a report need not have the keys.
        let request = item.request(&self.journal.keys, batch_id).ok();
        shown.account = request.as_ref().and_then(MaskedAccount::of_request);
        shown.fee = answer.fee.as_ref().and_then(|fee| fee.money().ok());
        shown.platform_status = answer.status.as_deref().map(PayoutStatus::from);
        shown.failure = answer.failure.as_deref().map(FailureCode::from);
        shown.reasons.clone_from(&answer.reasons);
        let of_name = |name: &str| ErrorKind::ALL.into_iter().find(|kind| kind.as_str() == name);
        shown.error_kind = answer.error.as_deref().and_then(of_name);
        shown.attention = answer.attention.as_deref().and_then(Attention::parse);
        shown.why = item.why.as_deref().map(|why| Shown(why).to_string());
        shown.replaces.clone_from(&item.replaces);
        shown.replaced_by = replaced_by;
        shown.attempts = answer.attempts;
        shown.updated_at = Timestamp::from_microsecond(item.changed_at).ok();
        shown
    }

    async fn summary(&self, record: &BatchRecord, events: Vec<BatchEvent>) -> Result<BatchSummary> {
        let mut summary = BatchSummary::new(&record.id, record.state);
        summary.maker = Some(record.maker.clone());
        summary.approver.clone_from(&record.approver);
        summary.digest.clone_from(&record.digest);
        summary.created_at = Timestamp::from_microsecond(record.created_at).ok();
        summary.reported_at = Timestamp::from_microsecond(self.journal.now().await?).ok();
        let totals = record.plan.totals.iter().map(|(count, sum)| Ok(ReportTotal { count: *count, sum: sum.money()? }));
        summary.planned = if record.is_open { None } else { Some(totals.collect::<Result<_>>()?) };
        summary.rows_left_out = record.plan.rows_left_out;
        let now =
            if record.balances.is_empty() { Vec::new() } else { self.client.balances(&[]).await.unwrap_or_default() };
        for before in record.balances.iter().map(KeptMoney::money) {
            let before = before?;
            let after = now.iter().find(|balance| balance.balance.currency() == before.currency());
            summary.balances.extend(after.map(|after| BalanceChange { before, after: after.balance.clone() }));
        }
        summary.events = events
            .into_iter()
            .map(|BatchEvent { number: _, at, who, what, why, details }| ReportEvent { at, what, who, why, details })
            .collect();
        Ok(summary)
    }
}
