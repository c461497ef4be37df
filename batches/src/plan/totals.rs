//! Counts and exact sums, made while rows are read: memory grows with the kinds of rows, never with their number.

use std::collections::BTreeMap;

use komopay_core::{Error, MethodCode, Money, PayoutRequest, Result};

use super::findings::{PlanProblem, PlanProblemKind};

/// How many currencies are told apart. More are no currencies.
const MOST_CURRENCIES: usize = 100;

/// How many groups are told apart.
pub(super) const MOST_GROUPS: usize = 1000;

/// What a batch comes to.
///
/// ```
/// use komopay_batches::Totals;
/// use komopay_core::{BankAccount, BankTransfer, Money, PayoutRequest};
///
/// let mut totals = Totals::default();
/// for (row, amount) in [(2, "0.10"), (3, "0.20")] {
///     let bank = BankTransfer::new("BNK_000", BankAccount::new("Siti Rahmawati", "0123456789"));
///     totals.add(row, &PayoutRequest::new(Money::new(amount, "USD")?, bank))?;
/// }
/// let usd = totals.currencies().next().unwrap();
/// assert_eq!((usd.count, usd.sum.to_string().as_str()), (2, "0.30 USD"));
/// # Ok::<(), komopay_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    currencies: BTreeMap<String, CurrencyTotal>,
    groups: BTreeMap<GroupKey, GroupTotal>,
    others: u64,
}

/// Currency, method, operator, segment.
type GroupKey = (String, String, Option<String>, Option<String>);

/// What a batch pays in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrencyTotal {
    /// How many payouts.
    pub count: u64,
    /// Their exact sum, without fees.
    pub sum: Money,
}

/// What a batch pays in one currency by one method through one operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupTotal {
    /// The method.
    pub method: MethodCode,
    /// The operator; none, where the platform is to choose.
    pub operator_code: Option<String>,
    /// The customers' segment.
    pub segment_code: Option<String>,
    /// How many payouts.
    pub count: u64,
    /// Their exact sum, without fees.
    pub sum: Money,
    /// The smallest amount, and the first row that has it.
    pub least: (Money, u64),
    /// The largest amount, and the first row that has it.
    pub most: (Money, u64),
}

impl Totals {
    /// Adds the payout of a row.
    ///
    /// # Errors
    /// `invalid_request`, naming `money.amount`, if a sum has more digits than can be kept exactly, or
    /// `money.currency`, if there are more than 100 currencies.
    pub fn add(&mut self, row: u64, request: &PayoutRequest) -> Result<()> {
        let money = &request.money;
        let (currencies, code) = (self.currencies.len(), money.currency());
        if let Some(total) = self.currencies.get_mut(code) {
            total.sum = total.sum.checked_add(money)?;
            total.count += 1;
        } else if currencies < MOST_CURRENCIES {
            self.currencies.insert(code.to_owned(), CurrencyTotal { count: 1, sum: money.clone() });
        } else {
            let problem = format!("there are more than {MOST_CURRENCIES} currencies: is the column the right one?");
            return Err(Error::invalid("money.currency", problem));
        }
        self.add_to_group(row, request)
    }

    fn add_to_group(&mut self, row: u64, request: &PayoutRequest) -> Result<()> {
        let PayoutRequest { money, method, segment_code, .. } = request;
        let (code, operator_code) = (method.code(), method.operator_code());
        let key = (
            money.currency().to_owned(),
            code.as_str().to_owned(),
            operator_code.map(str::to_owned),
            segment_code.clone(),
        );
        let groups = self.groups.len();
        if let Some(group) = self.groups.get_mut(&key) {
            group.sum = group.sum.checked_add(money)?;
            group.count += 1;
            if money.checked_cmp(&group.least.0)?.is_lt() {
                group.least = (money.clone(), row);
            }
            if money.checked_cmp(&group.most.0)?.is_gt() {
                group.most = (money.clone(), row);
            }
        } else if groups < MOST_GROUPS {
            let group = GroupTotal {
                method: code,
                operator_code: operator_code.map(str::to_owned),
                segment_code: segment_code.clone(),
                count: 1,
                sum: money.clone(),
                least: (money.clone(), row),
                most: (money.clone(), row),
            };
            self.groups.insert(key, group);
        } else {
            self.others += 1;
        }
        Ok(())
    }

    /// How many payouts, in all currencies.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.currencies.values().map(|total| total.count).sum()
    }

    /// By currency, in the order of their codes.
    pub fn currencies(&self) -> impl Iterator<Item = &CurrencyTotal> {
        self.currencies.values()
    }

    /// By currency, method, operator and segment, in this order: the first thousand kinds that came.
    pub fn groups(&self) -> impl Iterator<Item = &GroupTotal> {
        self.groups.values()
    }

    /// How many payouts are in none of the groups. They are in the totals of their currencies.
    #[must_use]
    pub fn others(&self) -> u64 {
        self.others
    }
}

/// What the maker of a batch says that it comes to, known from elsewhere than the input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ControlTotals {
    /// How many payouts there are.
    pub count: Option<u64>,
    /// What they come to, by currency; if there is one, every currency of the batch has to be there.
    pub sums: Vec<Money>,
}

impl ControlTotals {
    /// Where the totals are not these.
    pub(super) fn differences(&self, totals: &Totals, bad_rows: u64) -> Result<Vec<PlanProblem>> {
        let mut problems = Vec::new();
        let mut differs = |kind, text: String| {
            let bad = match bad_rows {
                0 => String::new(),
                1 => "; 1 more row is bad, and was not counted".to_owned(),
                more => format!("; {more} more rows are bad, and were not counted"),
            };
            problems.push(PlanProblem { kind, text: text + &bad, row: None });
        };
        let found = totals.count();
        if let Some(count) = self.count.filter(|count| *count != found) {
            differs(PlanProblemKind::Count, format!("the count is {found}, and was to be {count}"));
        }
        let mut said: BTreeMap<&str, &Money> = BTreeMap::new();
        for sum in &self.sums {
            let currency = sum.currency();
            if said.insert(currency, sum).is_some() {
                return Err(Error::invalid("control_totals", format!("{currency} is there twice")));
            }
            match totals.currencies.get(currency).map(|total| &total.sum) {
                Some(found) if found == sum => {}
                Some(found) => differs(PlanProblemKind::Sum, format!("the sum is {found}, and was to be {sum}")),
                None if sum.is_zero() => {}
                None => differs(PlanProblemKind::Sum, format!("there is nothing in {currency}, and was to be {sum}")),
            }
        }
        if !self.sums.is_empty() {
            for total in totals.currencies().filter(|total| !said.contains_key(total.sum.currency())) {
                differs(PlanProblemKind::Sum, format!("the sum is {}, and was not expected", total.sum));
            }
        }
        Ok(problems)
    }
}
