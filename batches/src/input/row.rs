//! One row: its cells become a request, or all that is wrong with them is said.
//!
//! What spreadsheets and data frames do to numbers is refused here, since what they took away cannot be guessed.

use std::borrow::Cow;
use std::collections::BTreeMap;

use komopay_core::{
    BankAccount, BankTransfer, CryptoAccount, CryptoTransfer, Error, MethodCode, Money, PayoutId, PayoutMethod,
    PayoutRequest, WalletAccount, WalletTransfer,
};

use super::columns::{Columns, Field};
use super::payout_id::derived_payout_id;
use super::rows::{ItemDraft, RowProblem, RowRead};

/// The longest key, in characters.
const LONGEST_KEY: usize = 250;

/// A currency without a rule of its own, for the amount of a row whose currency is none.
const ANY_CURRENCY: &str = "XXX";

/// The cells of the fields that a row has; an empty one is an empty text. Or why a cell holds no text.
pub(super) type Cells<'a> = BTreeMap<Field, Result<Cow<'a, str>, &'static str>>;

/// Reads a row of this batch.
pub(super) fn read(row: u64, batch_id: &str, columns: &Columns, cells: &Cells<'_>) -> RowRead {
    let mut reader = Reader { row, columns, cells, problems: Vec::new() };
    let draft = reader.draft(batch_id);
    match draft {
        Some(draft) if reader.problems.is_empty() => RowRead::Item(Box::new(draft)),
        _ => RowRead::Bad(reader.problems),
    }
}

/// Why this can be no key, if it cannot.
pub(super) fn key_problem(key: &str) -> Option<&'static str> {
    if key.is_empty() {
        return Some("is empty");
    }
    if key.chars().count() > LONGEST_KEY {
        return Some("is longer than 250 characters");
    }
    text_problem(key).or_else(|| number_problem(key)).or_else(|| missing_problem(key))
}

/// Refuses a key that no row may have.
pub(crate) fn check_key(key: &str) -> Result<(), Error> {
    key_problem(key).map_or(Ok(()), |problem| Err(Error::invalid("key", problem)))
}

/// What an error about one field says of it.
pub(super) fn said(error: &Error) -> (Option<Field>, String) {
    let name = error.field().unwrap_or_default();
    let problem = error.message().strip_prefix(name).and_then(|text| text.strip_prefix(": "));
    (Field::of_request(name), problem.unwrap_or(error.message()).to_owned())
}

struct Reader<'a> {
    row: u64,
    columns: &'a Columns,
    cells: &'a Cells<'a>,
    problems: Vec<RowProblem>,
}

impl Reader<'_> {
    /// The item, if all of it can be read. Whatever cannot is in the problems.
    fn draft(&mut self, batch_id: &str) -> Option<ItemDraft> {
        let key = self.needed(Field::Key);
        let given_id = self.text(Field::PayoutId).and_then(|id| self.taken(PayoutId::new(id)));
        let money = self.money();
        let method = self.method();
        let request = PayoutRequest {
            segment_code: self.text(Field::SegmentCode),
            exchanged_to_currency: self.text(Field::ExchangedToCurrency),
            callback_url: self.text(Field::CallbackUrl),
            customer_ip: self.text(Field::CustomerIp),
            ..PayoutRequest::new(money?, method?)
        };
        for problem in request.problems() {
            self.note(&problem);
        }
        let key = key?;
        let payout_id = match given_id {
            Some(id) => id,
            None => self.taken(derived_payout_id(batch_id, &key))?,
        };
        Some(ItemDraft { key, payout_id, request, row: self.row })
    }

    fn money(&mut self) -> Option<Money> {
        let currency = self.needed(Field::Currency).filter(|code| {
            let is_code = Money::exact("1", code.as_str()).is_ok();
            if !is_code {
                // Not the core's words, which repeat what was given: it may be out of another column.
                self.bad(Field::Currency, "must be a currency code in capital letters, without blanks, such as IDR");
            }
            is_code
        });
        let amount = self.needed(Field::Amount)?;
        if let Some(problem) = amount_problem(&amount) {
            self.bad(Field::Amount, problem);
            return None;
        }
        let money = self.taken(Money::new(amount, currency.as_deref().unwrap_or(ANY_CURRENCY)));
        currency.and(money)
    }

    fn method(&mut self) -> Option<PayoutMethod> {
        let code = match self.cells.get(&Field::Method) {
            None => MethodCode::BankTransfer,
            Some(_) => MethodCode::from(self.needed(Field::Method)?.as_str()),
        };
        self.refuse_what_is_not_of(&code);
        match code {
            MethodCode::BankTransfer => self.bank().map(PayoutMethod::from),
            MethodCode::CryptoTransfer => self.crypto().map(PayoutMethod::from),
            MethodCode::WalletTransfer => Some(self.wallet().into()),
            MethodCode::Unknown(_) => {
                self.bad(Field::Method, format!("must be one of {}", MethodCode::KNOWN.join(", ")));
                None
            }
        }
    }

    fn bank(&mut self) -> Option<BankTransfer> {
        let operator_code = self.needed(Field::OperatorCode);
        let (name, number) = (self.needed(Field::AccountName), self.needed(Field::AccountNumber));
        let [account_type, bank_code, bank_name] =
            [Field::AccountType, Field::BankCode, Field::BankName].map(|field| self.text(field));
        let [bank_branch, bank_city, bank_province] =
            [Field::BankBranch, Field::BankCity, Field::BankProvince].map(|field| self.text(field));
        let [email_address, remark] = [Field::EmailAddress, Field::Remark].map(|field| self.text(field));
        let (operator_code, name, number) = (operator_code?, name?, number?);
        let account =
            BankAccount { name, number, account_type, bank_code, bank_name, bank_branch, bank_city, bank_province };
        Some(BankTransfer { operator_code, account, email_address, remark })
    }

    fn crypto(&mut self) -> Option<CryptoTransfer> {
        let (operator_code, number) = (self.needed(Field::OperatorCode), self.needed(Field::AccountNumber));
        let remark = self.text(Field::Remark);
        Some(CryptoTransfer { operator_code: operator_code?, account: CryptoAccount { number: number? }, remark })
    }

    fn wallet(&mut self) -> WalletTransfer {
        let account = WalletAccount { name: self.text(Field::AccountName), number: self.text(Field::AccountNumber) };
        WalletTransfer {
            operator_code: self.text(Field::OperatorCode),
            account,
            phone_number: self.text(Field::PhoneNumber),
            remark: self.text(Field::Remark),
        }
    }

    /// What would be left out of the payout is no part of its row: perhaps the method is the wrong one.
    fn refuse_what_is_not_of(&mut self, method: &MethodCode) {
        if matches!(method, MethodCode::Unknown(_)) {
            return;
        }
        let is_full = |cell: &Result<Cow<'_, str>, _>| !cell.as_ref().is_ok_and(|text| text.is_empty());
        for (field, _) in self.cells.iter().filter(|(field, cell)| !field.is_of(method) && is_full(cell)) {
            self.bad(*field, format!("is no part of a {}: leave it empty", method.as_str()));
        }
    }

    /// The text of a field that must have one.
    fn needed(&mut self, field: Field) -> Option<String> {
        if self.cells.get(&field).is_none_or(|cell| cell.as_ref().is_ok_and(|text| text.is_empty())) {
            self.bad(field, "is empty");
        }
        self.text(field)
    }

    /// The text of a field, if it has one that can be taken for what it looks like.
    fn text(&mut self, field: Field) -> Option<String> {
        let text = match self.cells.get(&field)? {
            Ok(text) if text.is_empty() => return None,
            Ok(text) => text,
            Err(problem) => {
                self.bad(field, *problem);
                return None;
            }
        };
        let problem = text_problem(text).or_else(|| match field {
            Field::Key => key_problem(text),
            Field::AccountNumber => number_problem(text).or_else(|| missing_problem(text)),
            Field::PayoutId | Field::Currency | Field::Method | Field::OperatorCode => prefix_problem(text),
            Field::BankCode | Field::PhoneNumber => number_problem(text),
            _ => None,
        });
        if let Some(problem) = problem {
            self.bad(field, problem);
            return None;
        }
        Some(text.clone().into_owned())
    }

    /// What was made of a field, or its problem noted.
    fn taken<T>(&mut self, made: Result<T, Error>) -> Option<T> {
        made.map_err(|error| self.note(&error)).ok()
    }

    /// Notes what an error says of a field.
    fn note(&mut self, error: &Error) {
        match said(error) {
            (Some(field), problem) => self.bad(field, problem),
            (None, problem) => self.problems.push(RowProblem { row: self.row, field: None, problem }),
        }
    }

    /// Notes the first problem of a field.
    fn bad(&mut self, field: Field, problem: impl Into<String>) {
        let name = self.columns.name(field);
        if !self.problems.iter().any(|known| known.field.as_deref() == Some(name)) {
            self.problems.push(RowProblem { row: self.row, field: Some(name.to_owned()), problem: problem.into() });
        }
    }
}

/// What no cell may have, whatever it is about.
fn text_problem(text: &str) -> Option<&'static str> {
    // A mark that is not seen is taken for a blank.
    let is_blank = |c: char| c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
    if text.starts_with(is_blank) || text.ends_with(is_blank) {
        return Some("begins or ends with a blank");
    }
    if text.contains(char::is_control) {
        return Some("has a line end or another control character");
    }
    if text.contains('\u{fffd}') {
        return Some("has a character that was lost when the file was made: save it as UTF-8");
    }
    let is_error = |rest: &str| {
        let rest = rest.trim_end_matches(['!', '?']);
        ["N/A", "REF", "VALUE", "NAME", "DIV/0", "NUM", "NULL", "SPILL", "CALC"].contains(&rest)
            || (rest.len() > 1 && rest.bytes().all(|byte| byte == b'#'))
    };
    if text.strip_prefix('#').is_some_and(is_error) {
        return Some("is an error of a spreadsheet, not a value");
    }
    None
}

/// What spreadsheets put before a text.
fn prefix_problem(text: &str) -> Option<&'static str> {
    if text.starts_with(['\'', '\u{2019}']) {
        return Some("begins with an apostrophe, which spreadsheets put before a text: remove it");
    }
    text.starts_with('=').then_some("begins with an equals sign, as a formula of a spreadsheet: give its value")
}

/// What spreadsheets and data frames make of a number that is a name. Digits may be lost by then.
fn number_problem(text: &str) -> Option<&'static str> {
    if is_scientific(text) {
        return Some("is in scientific notation, as spreadsheets shorten numbers: make its column one of text");
    }
    let is_zero = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte == b'0');
    let is_float = text.split_once(['.', ',']).is_some_and(|(whole, rest)| is_digits(whole) && is_zero(rest));
    if is_float {
        return Some("ends with .0, as a number that was made a fraction: make its column one of text");
    }
    prefix_problem(text)
}

/// What programs write for nothing.
fn missing_problem(text: &str) -> Option<&'static str> {
    let is_nothing = ["nan", "null", "none", "<na>", "n/a"].iter().any(|word| text.eq_ignore_ascii_case(word));
    is_nothing.then_some("is what a program writes for a missing value")
}

fn amount_problem(text: &str) -> Option<&'static str> {
    if text.contains(',') {
        return Some("has a comma: write no thousands separators, and a decimal point, such as 1234.50");
    }
    if text.contains(char::is_whitespace) {
        return Some("has a blank: write digits only, with a decimal point if need be, such as 1234.50");
    }
    if text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) && text.contains(['e', 'E']) {
        return Some("is in scientific notation, as spreadsheets shorten numbers: write all digits");
    }
    prefix_problem(text)
}

/// Digits, perhaps with a fraction, `E`, a sign and digits: an exponent that people write has no sign.
fn is_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return false };
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, "0"));
    let signed = exponent.strip_prefix(['+', '-']);
    // With a fraction, it is one with or without a sign.
    let power = if mantissa.len() > whole.len() { Some(signed.unwrap_or(exponent)) } else { signed };
    is_digits(whole) && is_digits(fraction) && power.is_some_and(is_digits)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
