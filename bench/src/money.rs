//! Amounts as merchants write them, made into money.

use std::error::Error;
use std::hint::black_box;

use komopay_core::Money;

use crate::stretch::Stretch;

const AMOUNTS: [(&str, &str); 4] = [("10000", "IDR"), ("42.05", "USD"), ("1234567.89", "USD"), ("0.00012345", "BTC")];

pub(crate) fn run(calls: usize) -> Result<(), Box<dyn Error>> {
    let stretch = Stretch::begin();
    for (amount, currency) in AMOUNTS.iter().cycle().take(calls) {
        black_box(Money::new(black_box(*amount), black_box(*currency))?);
    }
    println!("{}", stretch.end(calls));
    Ok(())
}
