//! Channels: one operator of one payout option each, and which of them would take a payment now.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use crate::platform::catalogue::{Catalogue, Condition, Direction, OptionOperator, PaymentOption, SEGMENTS};

/// A way for money to go.
#[derive(Clone, Copy)]
pub(crate) struct Channel<'a> {
    /// The option's place in the catalogue.
    pub(crate) index: usize,
    pub(crate) option: &'a PaymentOption,
    pub(crate) operator: &'a OptionOperator,
}

/// What a channel has to take.
pub(crate) struct Payment<'a> {
    pub(crate) amount: Decimal,
    pub(crate) segment: Option<&'a str>,
    /// What the options have taken today.
    pub(crate) taken: &'a TakenToday,
}

/// Why none of the channels takes a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    NotActive,
    NotOpened,
    NotForSegment,
    Faulty,
    OperatorOff,
    Amount,
    DailyLimit,
}

type Passes = fn(&Channel<'_>, &Payment<'_>) -> bool;

/// The hurdles, in the order in which they are taken.
const HURDLES: [(Obstacle, Passes); 7] = [
    (Obstacle::NotActive, |channel, _| channel.option.is_available),
    (Obstacle::NotOpened, |channel, _| channel.option.condition != Condition::Closed),
    (Obstacle::NotForSegment, serves_segment),
    (Obstacle::Faulty, |channel, _| channel.option.condition != Condition::Faulty),
    (Obstacle::OperatorOff, |channel, _| channel.operator.is_available),
    (Obstacle::Amount, |channel, payment| channel.operator.limits.allow(payment.amount)),
    (Obstacle::DailyLimit, has_room_today),
];

/// All payout channels in a currency, whatever state they are in.
pub(crate) fn in_currency<'a>(catalogue: &'a Catalogue, currency: &'a str) -> impl Iterator<Item = Channel<'a>> {
    let options = catalogue.options.iter().enumerate();
    let payouts = move |option: &PaymentOption| option.direction == Direction::Payout && option.currency == currency;
    options
        .filter(move |(_, option)| payouts(option))
        .flat_map(|(index, option)| option.operators.iter().map(move |operator| Channel { index, option, operator }))
}

/// Those channels that would take the payment; if none, the hurdle that the last of them failed at.
pub(crate) fn usable<'a>(mut channels: Vec<Channel<'a>>, payment: &Payment<'_>) -> Result<Vec<Channel<'a>>, Obstacle> {
    for (obstacle, passes) in HURDLES {
        channels.retain(|channel| passes(channel, payment));
        if channels.is_empty() {
            return Err(obstacle);
        }
    }
    Ok(channels)
}

fn serves_segment(channel: &Channel<'_>, payment: &Payment<'_>) -> bool {
    let exists = payment.segment.is_none_or(|segment| SEGMENTS.contains(&segment));
    exists && channel.option.segment.is_none_or(|segment| payment.segment == Some(segment))
}

fn has_room_today(channel: &Channel<'_>, payment: &Payment<'_>) -> bool {
    let taken = payment.taken.by(channel.index, today());
    // A sum that does not even fit into a number is above any limit.
    let sum = taken.checked_add(payment.amount);
    channel.option.daily_limit.is_none_or(|limit| sum.is_some_and(|sum| sum <= limit))
}

/// What each option has taken on the current day (UTC). A payout that fails later still counts.
#[derive(Default)]
pub(crate) struct TakenToday {
    day: Option<Date>,
    amounts: BTreeMap<usize, Decimal>,
}

impl TakenToday {
    fn by(&self, option: usize, day: Date) -> Decimal {
        self.amounts.get(&option).copied().filter(|_| self.day == Some(day)).unwrap_or_default()
    }

    pub(crate) fn add(&mut self, option: usize, amount: Decimal) {
        self.add_on(today(), option, amount);
    }

    fn add_on(&mut self, day: Date, option: usize, amount: Decimal) {
        if self.day != Some(day) {
            *self = Self { day: Some(day), amounts: BTreeMap::new() };
        }
        let taken = self.amounts.entry(option).or_default();
        *taken = taken.saturating_add(amount);
    }
}

fn today() -> Date {
    TimeZone::UTC.to_datetime(Timestamp::now()).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_add_up_within_a_day_and_start_again_on_the_next() {
        let (monday, tuesday) = (jiff::civil::date(2025, 1, 6), jiff::civil::date(2025, 1, 7));
        let mut taken = TakenToday::default();
        taken.add_on(monday, 3, Decimal::from(10));
        taken.add_on(monday, 3, Decimal::from(5));
        taken.add_on(monday, 4, Decimal::ONE);
        assert_eq!((taken.by(3, monday), taken.by(4, monday)), (Decimal::from(15), Decimal::ONE));
        assert_eq!((taken.by(3, tuesday), taken.by(5, monday)), (Decimal::ZERO, Decimal::ZERO));
        taken.add_on(tuesday, 3, Decimal::ONE);
        assert_eq!((taken.by(3, tuesday), taken.by(4, tuesday)), (Decimal::ONE, Decimal::ZERO));
        taken.add_on(tuesday, 3, Decimal::MAX);
        assert_eq!(taken.by(3, tuesday), Decimal::MAX);
    }
}
