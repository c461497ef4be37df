//! What can be refused before anything is sent: the limits of the contract, by the name of the field.

use std::net::IpAddr;

use unicode_general_category::{GeneralCategory, get_general_category};

use super::request::{
    BankAccount, BankTransfer, CryptoAccount, CryptoTransfer, PayoutMethod, PayoutRequest, WalletAccount,
    WalletTransfer,
};
use crate::address;
use crate::checked::check_currency;
use crate::error::{Error, Result};
use crate::mask::MASK;

const JPY_ACCOUNT_TYPES: &[&str] = &["savings", "checking", "private", "corporate", "general", "current"];
const ZAR_ACCOUNT_TYPES: &[&str] = &["savings", "current", "cheque", "transmission"];

impl PayoutRequest {
    /// Checks every limit of the contract, and the rules of single currencies (INR, JPY, ZAR).
    ///
    /// `create_payout` does this too, unless [`Config::validate`](crate::Config::validate) is off.
    ///
    /// # Errors
    /// `invalid_request`, naming the first field that cannot be sent, such as `method.account.name`.
    ///
    /// ```
    /// use komopay_core::{BankAccount, BankTransfer, Money, PayoutRequest};
    ///
    /// let bank = BankTransfer::new("IDR_014", BankAccount::new("R2D2", "0123456789"));
    /// let error = PayoutRequest::new(Money::new("10000", "IDR")?, bank).validate().unwrap_err();
    /// assert_eq!(error.field(), Some("method.account.name"));
    /// # Ok::<(), komopay_core::Error>(())
    /// ```
    pub fn validate(&self) -> Result<()> {
        self.problems().into_iter().next().map_or(Ok(()), Err)
    }

    /// All that [`PayoutRequest::validate`] refuses, in its order; a field may be there twice. For the crates around
    /// this one that check many requests at once.
    #[doc(hidden)]
    #[must_use]
    pub fn problems(&self) -> Vec<Error> {
        let Self { money, method, segment_code, exchanged_to_currency, callback_url, customer_ip } = self;
        let mut problems = Vec::new();
        let mut note = |checked: Result<()>| problems.extend(checked.err());
        note(money.check_payable());
        note(not_empty("segment_code", segment_code.as_deref()));
        if let Some(code) = exchanged_to_currency {
            note(check_currency("exchanged_to_currency", code));
        }
        if let Some(url) = callback_url {
            note(check_callback_url(url));
        }
        if customer_ip.as_ref().is_some_and(|ip| ip.parse::<IpAddr>().is_err()) {
            note(Err(Error::invalid("customer_ip", "is not an IPv4 or IPv6 address")));
        }
        match method {
            PayoutMethod::BankTransfer(bank) => check_bank(bank, money.currency(), &mut note),
            PayoutMethod::CryptoTransfer(crypto) => check_crypto(crypto, &mut note),
            PayoutMethod::WalletTransfer(wallet) => check_wallet(wallet, money.currency(), &mut note),
        }
        problems
    }
}

fn check_callback_url(url: &str) -> Result<()> {
    let refuse = |problem: &str| Err(Error::invalid("callback_url", problem));
    if url.chars().count() > 1000 {
        return refuse("is longer than 1000 characters");
    }
    match address::parse(url) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(()),
        Ok(_) => refuse("is not an http or https URL"),
        Err(problem) => refuse(problem),
    }
}

fn check_bank(bank: &BankTransfer, currency: &str, note: &mut impl FnMut(Result<()>)) {
    let BankTransfer { operator_code, account, email_address, remark: _ } = bank;
    let BankAccount { name, number, account_type, bank_code, bank_name, bank_branch, bank_city, bank_province } =
        account;
    note(check_operator(operator_code));
    note(check_name(name));
    note(not_empty("method.account.number", Some(number)));
    // The contract has no pattern for it, and would take a number as a log shows it.
    if number.starts_with(MASK) {
        note(Err(Error::invalid("method.account.number", "is masked, as a log shows it: give the whole number")));
    }
    note(not_empty("method.account.bank_code", bank_code.as_deref()));
    note(not_empty("method.account.bank_name", bank_name.as_deref()));
    note(not_empty("method.account.bank_branch", bank_branch.as_deref()));
    note(not_empty("method.account.bank_city", bank_city.as_deref()));
    note(not_empty("method.account.bank_province", bank_province.as_deref()));
    if email_address.as_ref().is_some_and(|address| !is_email(address)) {
        note(Err(Error::invalid("method.email_address", "is not an e-mail address")));
    }
    match currency {
        "JPY" => {
            note(check_account_type(account_type.as_deref(), currency, JPY_ACCOUNT_TYPES));
            note(required("method.account.bank_branch", bank_branch.as_deref(), currency));
        }
        "ZAR" => note(check_account_type(account_type.as_deref(), currency, ZAR_ACCOUNT_TYPES)),
        "INR" => {
            note(required("method.account.bank_code", bank_code.as_deref(), currency));
            if bank_code.as_ref().is_some_and(|code| !is_ifsc(code)) {
                let problem = "is not an IFSC code: 4 letters, a 0, and 6 letters or digits";
                note(Err(Error::invalid("method.account.bank_code", problem)));
            }
        }
        _ => {}
    }
}

fn check_crypto(crypto: &CryptoTransfer, note: &mut impl FnMut(Result<()>)) {
    let CryptoTransfer { operator_code, account: CryptoAccount { number }, remark: _ } = crypto;
    note(check_operator(operator_code));
    if !(1..=62).contains(&number.len()) || !number.chars().all(|c| c.is_ascii_alphanumeric()) {
        note(Err(Error::invalid("method.account.number", "must be 1 to 62 letters or digits")));
    }
}

fn check_wallet(wallet: &WalletTransfer, currency: &str, note: &mut impl FnMut(Result<()>)) {
    let WalletTransfer { operator_code, account: WalletAccount { name, number }, phone_number, remark: _ } = wallet;
    if let Some(code) = operator_code {
        note(check_operator(code));
    }
    if let Some(name) = name {
        note(check_name(name));
    }
    if number.as_ref().is_some_and(|number| !is_wallet_address(number)) {
        let problem = "must be user@provider, of letters, digits, '_', '.' and (before the @) '-', 1 to 100";
        note(Err(Error::invalid("method.account.number", problem)));
    }
    if phone_number.as_ref().is_some_and(|phone| !is_phone(phone)) {
        note(Err(Error::invalid("method.phone_number", "must be 7 to 16 digits, with a + before them or not")));
    }
    if currency == "INR" {
        note(required("method.account.name", name.as_deref(), currency));
    }
}

fn check_operator(code: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !(1..=30).contains(&code.len()) || !code.chars().all(allowed) {
        return Err(Error::invalid("method.operator_code", "must be 1 to 30 letters, digits, '_' or '-'"));
    }
    Ok(())
}

/// Letters of any script, each with any combining marks, and the punctuation that the contract lists.
fn check_name(name: &str) -> Result<()> {
    let refuse = |problem: String| {
        let text = format!("{problem}; a name is 1 to 64 letters of any script, blanks, and of {PUNCTUATION}");
        Err(Error::invalid("method.account.name", text))
    };
    let length = name.chars().count();
    if !(1..=64).contains(&length) {
        return refuse(format!("has {length} characters"));
    }
    let mut marks_may_follow = false;
    for (c, place) in name.chars().zip(1..) {
        let fits = match kind(c) {
            NameChar::Letter => {
                marks_may_follow = true;
                true
            }
            NameChar::Mark => marks_may_follow,
            NameChar::Punctuation => {
                marks_may_follow = false;
                true
            }
            NameChar::Other => false,
        };
        if !fits {
            return refuse(format!("has {} at character {place}", described(c)));
        }
    }
    Ok(())
}

/// What a character is, for an error: of a digit not which one, since it may be one of an account number.
fn described(c: char) -> String {
    use GeneralCategory as G;
    let class = match get_general_category(c) {
        G::DecimalNumber | G::LetterNumber | G::OtherNumber => return "a digit".to_owned(),
        G::NonspacingMark | G::SpacingMark | G::EnclosingMark => "a combining mark without a letter before it",
        G::Control | G::LineSeparator | G::ParagraphSeparator => "a line end or control character",
        G::SpaceSeparator => "another kind of blank",
        G::Format => "an invisible character",
        G::ConnectorPunctuation
        | G::DashPunctuation
        | G::OpenPunctuation
        | G::ClosePunctuation
        | G::InitialPunctuation
        | G::FinalPunctuation
        | G::OtherPunctuation => "a punctuation mark",
        G::MathSymbol | G::CurrencySymbol | G::ModifierSymbol | G::OtherSymbol => "a symbol",
        _ => "a character without a meaning",
    };
    format!("{class} (U+{:04X})", u32::from(c))
}

/// What the contract allows beside letters and blanks.
const PUNCTUATION: &str = r#", ; : _ ' " ! % = @ # & - . ? $ ( ) + * |"#;

enum NameChar {
    Letter,
    Mark,
    Punctuation,
    Other,
}

fn kind(c: char) -> NameChar {
    use GeneralCategory as G;
    if c.is_ascii_alphabetic() {
        return NameChar::Letter;
    }
    if PUNCTUATION.contains(c) {
        return NameChar::Punctuation;
    }
    match get_general_category(c) {
        G::UppercaseLetter | G::LowercaseLetter | G::TitlecaseLetter | G::ModifierLetter | G::OtherLetter => {
            NameChar::Letter
        }
        G::NonspacingMark | G::SpacingMark | G::EnclosingMark => NameChar::Mark,
        _ => NameChar::Other,
    }
}

fn check_account_type(given: Option<&str>, currency: &str, known: &[&str]) -> Result<()> {
    match given {
        Some(given) if known.contains(&given) => Ok(()),
        _ => {
            let problem = format!("must be one of {} for {currency}", known.join(", "));
            Err(Error::invalid("method.account.account_type", problem))
        }
    }
}

fn required(field: &str, value: Option<&str>, currency: &str) -> Result<()> {
    match value {
        Some(_) => Ok(()),
        None => Err(Error::invalid(field, format_args!("is required for {currency}"))),
    }
}

fn not_empty(field: &str, value: Option<&str>) -> Result<()> {
    match value {
        Some("") => Err(Error::invalid(field, "is empty")),
        _ => Ok(()),
    }
}

/// The contract asks for an e-mail of RFC 5322 form; only what surely is none is refused here.
fn is_email(address: &str) -> bool {
    let Some((user, host)) = address.rsplit_once('@') else { return false };
    !user.is_empty()
        && !host.is_empty()
        && !address.chars().any(char::is_control)
        && !host.contains(char::is_whitespace)
}

fn is_wallet_address(number: &str) -> bool {
    let common = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let Some((user, provider)) = number.split_once('@') else { return false };
    number.len() <= 100
        && !user.is_empty()
        && !provider.is_empty()
        && user.chars().all(|c| common(c) || c == '-')
        && provider.chars().all(common)
}

fn is_phone(phone: &str) -> bool {
    let digits = phone.strip_prefix('+').unwrap_or(phone);
    (7..=16).contains(&phone.len()) && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

fn is_ifsc(code: &str) -> bool {
    let bytes = code.as_bytes();
    let (Some(bank), Some(zero), Some(branch)) = (bytes.get(..4), bytes.get(4), bytes.get(5..)) else { return false };
    bank.iter().all(u8::is_ascii_uppercase)
        && *zero == b'0'
        && branch.len() == 6
        && branch.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::Masked;
    use crate::money::Money;

    type Change = fn(&mut PayoutRequest);

    fn bank(currency: &str) -> PayoutRequest {
        let method = BankTransfer::new("IDR_014", BankAccount::new("Siti Rahmawati", "0123456789"));
        PayoutRequest::new(Money::new("10000", currency).unwrap(), method)
    }

    fn account(request: &mut PayoutRequest) -> &mut BankAccount {
        match &mut request.method {
            PayoutMethod::BankTransfer(bank) => &mut bank.account,
            _ => panic!("a bank transfer"),
        }
    }

    fn refused(request: &PayoutRequest) -> Option<String> {
        request.validate().err().map(|error| error.field().unwrap().to_owned())
    }

    #[test]
    fn each_limit_of_a_bank_transfer_names_its_field() {
        let cases: &[(&str, Option<&str>, Change)] = &[
            ("IDR", None, |_| {}),
            ("IDR", Some("segment_code"), |r| r.segment_code = Some(String::new())),
            ("IDR", Some("exchanged_to_currency"), |r| r.exchanged_to_currency = Some(String::new())),
            ("IDR", Some("exchanged_to_currency"), |r| r.exchanged_to_currency = Some("usd".to_owned())),
            ("IDR", Some("exchanged_to_currency"), |r| r.exchanged_to_currency = Some("USD ".to_owned())),
            ("IDR", None, |r| r.exchanged_to_currency = Some("USD".to_owned())),
            ("IDR", Some("callback_url"), |r| r.callback_url = Some("https://e.com/a b".to_owned())),
            ("IDR", Some("callback_url"), |r| r.callback_url = Some("https://e.com/hook\n".to_owned())),
            ("IDR", Some("callback_url"), |r| r.callback_url = Some("https:\\\\e.com".to_owned())),
            ("IDR", Some("callback_url"), |r| r.callback_url = Some("https:e.com".to_owned())),
            ("IDR", None, |r| r.callback_url = Some("http://203.0.113.7:8080/hook".to_owned())),
            ("IDR", Some("callback_url"), |r| r.callback_url = Some("ftp://example.com".to_owned())),
            ("IDR", Some("callback_url"), |r| r.callback_url = Some("callback".to_owned())),
            ("IDR", Some("callback_url"), |r| r.callback_url = Some(format!("https://e.com/{}", "x".repeat(1000)))),
            ("IDR", None, |r| r.customer_ip = Some("2001:db8::1".to_owned())),
            ("IDR", Some("customer_ip"), |r| r.customer_ip = Some("203.0.113".to_owned())),
            ("IDR", Some("method.account.name"), |r| account(r).name = String::new()),
            ("IDR", Some("method.account.name"), |r| account(r).name = "R2D2".to_owned()),
            ("IDR", Some("method.account.name"), |r| account(r).name = "x".repeat(65)),
            ("IDR", Some("method.account.name"), |r| account(r).name = "\u{301}a".to_owned()),
            ("IDR", None, |r| account(r).name = "Jose\u{301} O'Brien-Ng, Jr. (張偉)".to_owned()),
            ("IDR", None, |r| account(r).name = "é".repeat(64)),
            ("IDR", Some("method.account.number"), |r| account(r).number = String::new()),
            ("IDR", Some("method.account.number"), |r| account(r).number = format!("{:?}", Masked(&account(r).number))),
            ("IDR", Some("method.account.bank_city"), |r| account(r).bank_city = Some(String::new())),
            ("JPY", Some("method.account.account_type"), |_| {}),
            ("JPY", Some("method.account.bank_branch"), |r| account(r).account_type = Some("savings".to_owned())),
            ("JPY", Some("method.account.account_type"), |r| account(r).account_type = Some("cheque".to_owned())),
            ("ZAR", Some("method.account.account_type"), |_| {}),
            ("ZAR", None, |r| account(r).account_type = Some("cheque".to_owned())),
            ("INR", Some("method.account.bank_code"), |_| {}),
            ("INR", Some("method.account.bank_code"), |r| account(r).bank_code = Some("HDFC1000001".to_owned())),
            ("INR", None, |r| account(r).bank_code = Some("HDFC0000001".to_owned())),
        ];
        for (n, (currency, field, change)) in cases.iter().enumerate() {
            let mut request = bank(currency);
            change(&mut request);
            assert_eq!(refused(&request).as_deref(), *field, "case {n}");
        }
        for code in ["", "a b", "ä", &"x".repeat(31)] {
            let method = BankTransfer::new(code, BankAccount::new("Siti", "1"));
            let request = PayoutRequest::new(Money::new("1", "IDR").unwrap(), method);
            assert_eq!(refused(&request).as_deref(), Some("method.operator_code"));
        }
        for (address, fine) in
            [("a@b.c", true), ("\"a b\"@c", true), ("a", false), ("@b", false), ("a@", false), ("a@b c", false)]
        {
            let mut method = BankTransfer::new("OP", BankAccount::new("Siti", "1"));
            method.email_address = Some(address.to_owned());
            let request = PayoutRequest::new(Money::new("1", "IDR").unwrap(), method);
            assert_eq!(refused(&request).is_none(), fine, "{address}");
        }
    }

    #[test]
    fn all_that_is_wrong_is_told_in_the_order_of_the_first() {
        let mut request = bank("JPY");
        request.callback_url = Some("callback".to_owned());
        request.customer_ip = Some("203.0.113".to_owned());
        account(&mut request).name = "R2D2".to_owned();
        let fields: Vec<_> = request.problems().iter().map(|error| error.field().unwrap().to_owned()).collect();
        let expected = ["callback_url", "customer_ip", "method.account.name", "method.account.account_type"];
        assert_eq!(fields, [&expected[..], &["method.account.bank_branch"]].concat());
        assert_eq!(refused(&request).as_deref(), Some("callback_url"));
        assert!(bank("IDR").problems().is_empty());
    }

    #[test]
    fn a_name_is_refused_by_the_place_and_the_class_of_its_character() {
        for (name, said) in [
            ("Ma\u{2019}ruf", "has a punctuation mark (U+2019) at character 3;"),
            ("Siti 7", "has a digit at character 6;"),
            ("\u{301}a", "has a combining mark without a letter before it (U+0301) at character 1;"),
            ("a\u{a0}b", "has another kind of blank (U+00A0) at character 2;"),
            ("a\u{200b}b", "has an invisible character (U+200B) at character 2;"),
            ("a\nb", "has a line end or control character (U+000A) at character 2;"),
            ("a\u{1f600}", "has a symbol (U+1F600) at character 2;"),
            ("", "has 0 characters;"),
            (&"x".repeat(65), "has 65 characters;"),
        ] {
            let mut request = bank("IDR");
            account(&mut request).name = name.to_owned();
            let error = request.validate().unwrap_err();
            assert_eq!(error.field(), Some("method.account.name"));
            assert!(error.message().starts_with(&format!("method.account.name: {said}")), "{error}");
        }
    }

    #[test]
    fn each_limit_of_the_wallets_names_its_field() {
        for (number, fine) in
            [("T0000Demo", true), ("", false), ("a-b", false), (&"x".repeat(62), true), (&"x".repeat(63), false)]
        {
            let request = PayoutRequest::new(
                Money::new("1.5", "USDT").unwrap(),
                CryptoTransfer::new("DEMO", CryptoAccount::new(number)),
            );
            assert_eq!(refused(&request), (!fine).then(|| "method.account.number".to_owned()), "{number}");
        }
        let wallet = |name: Option<&str>, number: Option<&str>, phone: Option<&str>, currency: &str| {
            let account = WalletAccount { name: name.map(str::to_owned), number: number.map(str::to_owned) };
            let mut method = WalletTransfer::new(account);
            method.phone_number = phone.map(str::to_owned);
            refused(&PayoutRequest::new(Money::new("1", currency).unwrap(), method))
        };
        assert_eq!(wallet(None, None, None, "IDR"), None);
        assert_eq!(wallet(None, None, None, "INR").as_deref(), Some("method.account.name"));
        assert_eq!(wallet(Some("Siti"), Some("si-ti.1@up_i"), Some("+6281234567890"), "INR"), None);
        assert_eq!(wallet(Some("S1ti"), None, None, "IDR").as_deref(), Some("method.account.name"));
        for number in ["siti", "@upi", "siti@", "si@ti@upi", "siti@up-i", &format!("{}@upi", "x".repeat(97))] {
            assert_eq!(wallet(None, Some(number), None, "IDR").as_deref(), Some("method.account.number"), "{number}");
        }
        for phone in ["123456", "+", "62-812-345", "12345678901234567", "++6281234567"] {
            assert_eq!(wallet(None, None, Some(phone), "IDR").as_deref(), Some("method.phone_number"), "{phone}");
        }
    }
}
