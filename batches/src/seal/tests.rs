use komopay_core::{
    BankAccount, BankTransfer, CryptoAccount, CryptoTransfer, ErrorKind, Money, PayoutId, PayoutMethod, PayoutRequest,
    WalletAccount, WalletTransfer,
};
use secrecy::ExposeSecret;

use super::*;

const BOUND: [&str; 4] = ["payroll-11", "row-1", "KB-1", "fingerprint"];
const PLAIN: &[u8] = b"Siti Rahmawati 0123456789";

fn text() -> String {
    Keys::generate().unwrap()
}

fn keys(texts: &[&str]) -> Keys {
    Keys::parse(&texts.join(",")).unwrap()
}

fn to(method: impl Into<PayoutMethod>) -> PayoutRequest {
    PayoutRequest::new(Money::new("250000", "IDR").unwrap(), method)
}

fn bank(number: &str) -> PayoutRequest {
    to(BankTransfer::new("IDR_014", BankAccount::new("Siti Rahmawati", number)))
}

fn wallet(number: Option<&str>, phone: Option<&str>) -> PayoutRequest {
    let account = WalletAccount { name: Some("Siti".to_owned()), number: number.map(str::to_owned) };
    let mut wallet = WalletTransfer::new(account);
    wallet.phone_number = phone.map(str::to_owned);
    to(wallet)
}

fn id(id: &str) -> PayoutId {
    PayoutId::new(id).unwrap()
}

fn digest_of(mut digest: Digest, items: &[(&str, &str, &str)]) -> Digest {
    for (payout, key, fingerprint) in items {
        digest.push(&id(payout), key, fingerprint).unwrap();
    }
    digest
}

fn fixed() -> Vec<u8> {
    (100..132).map(|byte: u8| byte.wrapping_mul(7)).collect()
}

/// Worked out apart from this crate, but for what is sealed. Were one of them another, no journal could be read.
#[test]
fn the_forms_never_change() {
    let keys = Keys::parse(&data_encoding::BASE64.encode(&fixed())).unwrap();
    let request = bank("0123456789");
    assert_eq!(
        keys.fingerprint(&request).unwrap(),
        "30a3b0e8:2:dd39c4d386d0b32d215327428633e209fedaa610711608251dafa9958f3be9"
    );
    assert_eq!(keys.payee_hashes(&request).unwrap(), ["30a3b0e8:5e7ecbf8bc4caf11287f6c921f459db0"]);
    let items = [("KB-1", "row-1", "f1"), ("KB-2", "row-2", "f2")];
    assert_eq!(
        digest_of(keys.digest("payroll-11", "{}").unwrap(), &items).finish(),
        "kb1:30a3b0e8:23ef55a9228eb5361bf40e5687dedde253f02a9ae97f26b7ea59a67687efecc0"
    );
    let bytes = "ARWFCi9NMwdBIEDr57na71WiCXOynh3IS7+tqjzQJDVnUof6WkwCnpvsjgeuxBEcb3myphAQVfdrD2YwGEv6S11W";
    let bytes = data_encoding::BASE64.decode(bytes.as_bytes()).unwrap();
    let sealed = Sealed { key_id: "30a3b0e8".to_owned(), bytes };
    assert_eq!(keys.open(&sealed, &BOUND).unwrap().expose_secret(), PLAIN);
}

#[test]
fn a_key_may_be_written_in_base64_or_in_hexadecimal_digits() {
    let bytes = fixed();
    let encoded = [
        data_encoding::BASE64.encode(&bytes),
        data_encoding::BASE64_NOPAD.encode(&bytes),
        data_encoding::BASE64URL.encode(&bytes),
        data_encoding::BASE64URL_NOPAD.encode(&bytes),
        data_encoding::HEXLOWER.encode(&bytes),
        data_encoding::HEXUPPER.encode(&bytes),
        format!("  {}\n", data_encoding::BASE64.encode(&bytes)),
    ];
    for text in &encoded {
        assert_eq!(Keys::parse(text).unwrap().ids().collect::<Vec<_>>(), ["30a3b0e8"], "{text}");
    }
    let other = text();
    for separator in [",", " ", ", ", "\n", "\t,\r\n"] {
        assert_eq!(Keys::parse(&format!("{}{separator}{other}", encoded[0])).unwrap().ids().count(), 2);
    }
}

#[test]
fn what_is_no_key_is_refused_and_never_repeated() {
    let good = text();
    let zeros = data_encoding::BASE64.encode(&[0; 32]);
    let twice = format!("{good} {good}");
    let mut cut = good.clone();
    cut.truncate(40);
    let second = format!("{good}, hunter2-hunter2");
    for (text, says) in [
        ("", "is empty"),
        (" ,\n", "is empty"),
        ("hunter2-hunter2", "the key is not 32 bytes"),
        (&cut, "the key is not 32 bytes"),
        (&format!("{good}A"), "the key is not 32 bytes"),
        (&format!("{good}="), "the key is not 32 bytes"),
        (&"g".repeat(64), "the key is not 32 bytes"),
        (&second, "key 2 of 2 is not 32 bytes"),
        (&twice, "key 2 of 2 is there twice"),
        (&zeros, "not made at random"),
        (&"00112233".repeat(8), "not made at random"),
    ] {
        let error = Keys::parse(text).unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::Configuration, Some("journal_key")), "{text}");
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(says), "{shown}");
        let is_repeated = |part: &str| part.len() > 4 && shown.contains(part);
        assert!(!text.split([' ', ',']).any(is_repeated), "{shown}");
    }
}

#[test]
fn keys_show_their_ids_only() {
    let text = text();
    let keys = keys(&[&text]);
    let shown = format!("{keys:?} {:?}", keys.seal(PLAIN, &BOUND).unwrap());
    assert!(shown.contains(keys.ids().next().unwrap()), "{shown}");
    assert!(!shown.contains(&text[..8]) && shown.len() < 80, "{shown}");
    assert_ne!(Keys::generate().unwrap(), text);
}

#[test]
fn what_is_sealed_opens_for_what_it_is_bound_to_and_for_nothing_else() {
    let keys = keys(&[&text()]);
    let sealed = keys.seal(PLAIN, &BOUND).unwrap();
    assert_eq!(keys.open(&sealed, &BOUND).unwrap().expose_secret(), PLAIN);
    assert!(!sealed.bytes.windows(4).any(|window| window == b"Siti"));
    // The same text is another one each time.
    assert_ne!(keys.seal(PLAIN, &BOUND).unwrap(), sealed);
    assert_eq!(keys.open(&keys.seal(b"", &[]).unwrap(), &[]).unwrap().expose_secret(), b"");

    for bound_to in [
        &["payroll-12", "row-1", "KB-1", "fingerprint"][..],
        &["payroll-11", "row-1", "KB-2", "fingerprint"],
        &["payroll-11", "row-1", "KB-1"],
        &["payroll-11", "row-1", "KB-1", "fingerprint", ""],
        &["payroll-11r", "ow-1", "KB-1", "fingerprint"],
        &["payroll-11row-1KB-1fingerprint"],
        &[],
    ] {
        let error = keys.open(&sealed, bound_to).unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::Configuration, Some("journal")), "{bound_to:?}");
        assert!(!format!("{error:?}").contains("Siti"));
    }
}

#[test]
fn not_one_bit_of_what_is_sealed_can_be_changed() {
    let keys = keys(&[&text()]);
    let sealed = keys.seal(PLAIN, &BOUND).unwrap();
    for at in 0..sealed.bytes.len() {
        for bit in 0..8 {
            let mut changed = sealed.clone();
            changed.bytes[at] ^= 1 << bit;
            assert_eq!(keys.open(&changed, &BOUND).unwrap_err().field(), Some("journal"), "byte {at}, bit {bit}");
        }
        let cut = Sealed { bytes: sealed.bytes[..at].to_vec(), ..sealed.clone() };
        assert!(keys.open(&cut, &BOUND).is_err(), "{at}");
    }
}

#[test]
fn after_a_rotation_the_new_key_seals_and_both_open() {
    let (old, new) = (text(), text());
    let (before, after) = (keys(&[&old]), keys(&[&new, &old]));
    let (first, second) = (before.seal(PLAIN, &BOUND).unwrap(), after.seal(PLAIN, &BOUND).unwrap());
    assert_ne!(first.key_id, second.key_id);
    for sealed in [&first, &second] {
        assert_eq!(after.open(sealed, &BOUND).unwrap().expose_secret(), PLAIN);
    }
    // A body is no other key's by another name.
    let renamed = Sealed { key_id: second.key_id.clone(), ..first };
    assert_eq!(after.open(&renamed, &BOUND).unwrap_err().field(), Some("journal"));

    let error = before.open(&second, &BOUND).unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::Configuration, Some("journal_key")));
    assert!(error.message().contains(&format!("missing here: {}", second.key_id)), "{error}");
}

#[test]
fn every_key_that_is_missing_is_named() {
    let keys = keys(&[&text()]);
    let own = keys.ids().next().unwrap().to_owned();
    keys.require([own.as_str()]).unwrap();
    let error = keys.require(["bbbbbbbb", own.as_str(), "aaaaaaaa", "bbbbbbbb"]).unwrap_err();
    let says = format!("missing here: aaaaaaaa, bbbbbbbb (here are {own})");
    assert!(error.message().contains(&says), "{error}");
}

#[test]
fn a_fingerprint_matches_its_request_under_any_key_of_the_ring() {
    let (old, new) = (text(), text());
    let (before, after) = (keys(&[&old]), keys(&[&new, &old]));
    let stored = before.fingerprint(&bank("0123456789")).unwrap();
    assert_ne!(stored, after.fingerprint(&bank("0123456789")).unwrap());
    for keys in [&before, &after] {
        assert!(keys.matches(&stored, &bank("0123456789")).unwrap());
        assert!(!keys.matches(&stored, &bank("0123456788")).unwrap());
    }
    let error = keys(&[&new]).matches(&stored, &bank("0123456789")).unwrap_err();
    assert_eq!(error.field(), Some("journal_key"));
    assert!(error.message().contains(&stored[..8]), "{error}");
    for damaged in ["", "2:549f", "nothex00:2:549f", &stored[1..]] {
        let error = after.matches(damaged, &bank("0123456789")).unwrap_err();
        assert_eq!(error.field(), Some("journal"), "{damaged}");
    }
}

#[test]
fn a_digest_is_of_every_part_of_every_item_and_of_its_batch() {
    let keys = keys(&[&text()]);
    let items = [("KB-1", "a", "f1"), ("KB-2", "b", "f2")];
    let digest = |batch, items: &[_]| digest_of(keys.digest(batch, "{}").unwrap(), items).finish();
    let stored = digest("B", &items);
    assert!(stored.starts_with(&format!("kb1:{}:", keys.ids().next().unwrap())), "{stored}");
    assert_eq!(stored.len(), 4 + 9 + 64);
    assert_eq!(digest("B", &items), stored);
    for other in [
        digest("C", &items),
        digest("B", &items[..1]),
        digest("B", &[]),
        digest("B", &[("KB-1", "a", "f1"), ("KB-3", "b", "f2")]),
        digest("B", &[("KB-1", "a", "f1"), ("KB-2", "c", "f2")]),
        digest("B", &[("KB-1", "a", "f1"), ("KB-2", "b", "f3")]),
        digest("B", &[("KB-1", "a", "f1"), ("KB-2", "bf", "2")]),
        digest("B", &[("KB-1", "a", "f1"), ("KB-2", "b", "f2"), ("KB-3", "c", "f3")]),
    ] {
        assert_ne!(other, stored);
        let again = digest_of(keys.digest_again(&other, "B", "{}").unwrap(), &items);
        assert!(!again.is(&other));
    }
}

#[test]
fn a_digest_takes_its_items_in_one_order_only() {
    let keys = keys(&[&text()]);
    for next in ["KB-2", "KB-1", "KB-10", "A"] {
        let mut digest = digest_of(keys.digest("B", "{}").unwrap(), &[("KB-2", "a", "f")]);
        let error = digest.push(&id(next), "b", "f").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal, "{next}");
    }
}

#[test]
fn a_digest_outlives_a_rotation_for_as_long_as_its_key_is_there() {
    let (old, new) = (text(), text());
    let (before, after) = (keys(&[&old]), keys(&[&new, &old]));
    let fingerprint = before.fingerprint(&bank("0123456789")).unwrap();
    let items = [("KB-1", "a", fingerprint.as_str())];
    let stored = digest_of(before.digest("B", "{}").unwrap(), &items).finish();
    assert!(digest_of(after.digest_again(&stored, "B", "{}").unwrap(), &items).is(&stored));
    assert_ne!(digest_of(after.digest("B", "{}").unwrap(), &items).finish(), stored);
    let error = keys(&[&new]).digest_again(&stored, "B", "{}").err().unwrap();
    assert_eq!(error.field(), Some("journal_key"));
    for damaged in ["", "kb1:", "kb2:00000000:ab", &stored[1..], "kb1:zz:00"] {
        assert_eq!(after.digest_again(damaged, "B", "{}").err().unwrap().field(), Some("journal"), "{damaged}");
    }
    for cut in [&stored[..stored.len() - 2], &stored.to_uppercase(), &format!("{stored}00")] {
        assert!(!digest_of(after.digest_again(&stored, "B", "{}").unwrap(), &items).is(cut), "{cut}");
    }
}

#[test]
fn a_payee_is_known_again_however_the_account_is_spelled_and_under_every_key() {
    let (old, new) = (text(), text());
    let (before, after) = (keys(&[&old]), keys(&[&new, &old]));
    let hash = |request: &PayoutRequest| after.payee_hashes(request).unwrap();
    let stored = before.payee_hashes(&bank("0123456789")).unwrap();
    assert_eq!((stored.len(), stored[0].len()), (1, 8 + 1 + 32));
    let known = hash(&bank("0123456789"));
    assert_eq!((known.len(), &known[1]), (2, &stored[0]));
    assert!(known[0].starts_with(after.ids().next().unwrap()));

    assert_eq!(hash(&bank("0123-4567 89")), known);
    assert_ne!(hash(&bank("123456789")), known);
    let mut other_amount = bank("0123456789");
    other_amount.money = Money::new("1", "IDR").unwrap();
    assert_eq!(hash(&other_amount), known);
    assert_ne!(hash(&to(BankTransfer::new("IDR_008", BankAccount::new("Siti", "0123456789")))), known);
    assert_ne!(hash(&to(CryptoTransfer::new("IDR_014", CryptoAccount::new("0123456789")))), known);

    assert_eq!(hash(&wallet(Some("Siti@provider"), None)), hash(&wallet(Some("siti@provider"), Some("+62812"))));
    assert_ne!(hash(&wallet(Some("si.ti@provider"), None)), hash(&wallet(Some("siti@provider"), None)));
    assert_eq!(hash(&wallet(None, Some("+62 812-345"))), hash(&wallet(None, Some("+62812345"))));
    assert!(hash(&wallet(None, None)).is_empty() && hash(&wallet(Some(" - "), None)).is_empty());
}
