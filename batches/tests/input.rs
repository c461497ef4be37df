//! What becomes of the rows of a file, good and bad.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use komopay_batches::{
    Columns, CsvRows, Field, ItemDraft, JsonLines, Requests, RowProblem, RowRead, Rows, csv_template, derived_payout_id,
};
use komopay_core::{
    BankAccount, BankTransfer, CryptoAccount, CryptoTransfer, Error, ErrorKind, MethodCode, Money, PayoutId,
    PayoutMethod, PayoutRequest, Result, WalletAccount, WalletTransfer,
};

const BATCH: &str = "payroll-2026-11";
const HEADER: &str = "id,amount,currency,operator_code,account_name,account_number";
const SITI: &str = "EMP-1,250000,IDR,IDR_014,Siti Rahmawati,0123456789";

fn csv(text: impl AsRef<[u8]>) -> Result<Vec<RowRead>> {
    CsvRows::new(text.as_ref(), BATCH, Columns::default(), ',')?.collect()
}

fn json(text: &str) -> Vec<RowRead> {
    let rows: Result<_> = JsonLines::new(text.as_bytes(), BATCH, Columns::default()).unwrap().collect();
    rows.unwrap()
}

fn items(rows: Vec<RowRead>) -> Vec<ItemDraft> {
    let item = |row| match row {
        RowRead::Item(item) => *item,
        RowRead::Bad(problems) => panic!("{problems:?}"),
    };
    rows.into_iter().map(item).collect()
}

fn problems(rows: Vec<RowRead>) -> Vec<RowProblem> {
    let bad = |row| match row {
        RowRead::Item(item) => panic!("{item:?}"),
        RowRead::Bad(problems) => problems,
    };
    rows.into_iter().flat_map(bad).collect()
}

/// The fields and problems of the only row.
fn said(rows: Vec<RowRead>) -> Vec<(String, String)> {
    assert_eq!(rows.len(), 1);
    let problems = problems(rows).into_iter();
    problems.map(|problem| (problem.field.unwrap_or_default(), problem.problem)).collect()
}

fn bank() -> PayoutRequest {
    let bank = BankTransfer::new("IDR_014", BankAccount::new("Siti Rahmawati", "0123456789"));
    PayoutRequest::new(Money::new("250000", "IDR").unwrap(), bank)
}

fn refused(made: Result<impl Sized>, kind: ErrorKind, field: &str) -> Error {
    let error = made.err().unwrap();
    assert_eq!((error.kind(), error.field()), (kind, Some(field)), "{error}");
    error
}

#[test]
fn a_row_becomes_an_item_under_an_id_that_is_derived() {
    let made = items(csv(format!("{HEADER}\n{SITI}\n")).unwrap());
    let payout_id = PayoutId::new("KB-ey7yzn4nagd6ehb5jxldztfb33").unwrap();
    assert_eq!(made, [ItemDraft { key: "EMP-1".to_owned(), payout_id, request: bank(), row: 2 }]);
}

#[test]
fn derived_ids_are_the_same_for_ever() {
    for (batch, key, id) in [
        ("payroll-2026-11", "EMP-1", "KB-ey7yzn4nagd6ehb5jxldztfb33"),
        ("payroll-2026-11", "EMP-17", "KB-jntdbsozwgjugb5fsacernfglu"),
        ("payroll-2026-1", "1EMP-1", "KB-2omf3f3lfvi7unorz2v4vxzs6c"),
        ("a", "é 張偉 😀", "KB-2je73tk5y332fsq6aoevybtamw"),
        ("a", "e\u{301}", "KB-4pf7iunwbskvzpqrb4mwuovjvf"),
    ] {
        assert_eq!(derived_payout_id(batch, key).unwrap().as_str(), id, "{batch} {key}");
    }
    for batch in ["", "a b", "é", "a\n", &"x".repeat(101)] {
        refused(derived_payout_id(batch, "1"), ErrorKind::InvalidRequest, "batch_id");
        refused(CsvRows::new(&b""[..], batch, Columns::default(), ','), ErrorKind::InvalidRequest, "batch_id");
        refused(JsonLines::new(&b""[..], batch, Columns::default()), ErrorKind::InvalidRequest, "batch_id");
        refused(Requests::new(batch, []), ErrorKind::InvalidRequest, "batch_id");
    }
    refused(derived_payout_id("a", ""), ErrorKind::InvalidRequest, "key");
}

#[test]
fn the_order_of_rows_and_columns_and_the_form_of_the_file_do_not_matter() {
    let ids = |items: Vec<ItemDraft>| -> BTreeMap<String, (PayoutId, PayoutRequest)> {
        items.into_iter().map(|item| (item.key, (item.payout_id, item.request))).collect()
    };
    let rows = |numbers: &mut dyn Iterator<Item = u32>| -> String {
        numbers.map(|n| format!("EMP-{n},250000,IDR,IDR_014,Siti Rahmawati,0123456789\n")).collect::<Vec<_>>().concat()
    };
    let expected = ids(items(csv(format!("{HEADER}\n{}", rows(&mut (0..50)))).unwrap()));
    assert_eq!(expected.len(), 50);
    assert_eq!(ids(items(csv(format!("{HEADER}\n{}", rows(&mut (0..50).rev()))).unwrap())), expected);
    let turned = |n| format!("\"0123456789\";;\"Siti Rahmawati\";IDR;\"IDR_014\";250000;EMP-{n}\r\n");
    let turned = (0..50).map(turned).collect::<Vec<_>>().concat();
    let turned = format!("\u{feff}account_number;x;account_name;currency;operator_code;amount;id\r\n{turned}");
    let turned: Result<_> = CsvRows::new(turned.as_bytes(), BATCH, Columns::default(), ';').unwrap().collect();
    assert_eq!(ids(items(turned.unwrap())), expected);
    let line = |n| {
        format!(
            "{{\"account_number\":\"0123456789\",\"id\":\"EMP-{n}\",\"amount\":250000,\"currency\":\"IDR\",\
             \"operator_code\":\"IDR_014\",\"account_name\":\"Siti Rahmawati\",\"remark\":null}}\n"
        )
    };
    assert_eq!(ids(items(json(&(0..50).map(line).collect::<Vec<_>>().concat()))), expected);
    let requests = Requests::new(BATCH, (0..50).map(|n| (format!("EMP-{n}"), None, bank()))).unwrap();
    assert_eq!(ids(items(requests.collect::<Result<_>>().unwrap())), expected);
}

/// Every field that a method has, by its name in the template, and the request that it makes.
fn whole(method: &MethodCode) -> (Vec<(Field, &'static str)>, PayoutRequest) {
    let some = |text: &str| Some(text.to_owned());
    let value = |field: &Field| match field {
        Field::Key => "K 1",
        Field::PayoutId => "TST-1",
        Field::Amount => "42.05",
        Field::Currency => "USD",
        Field::Method => ["BANK_TRANSFER", "CRYPTO_TRANSFER", "WALLET_TRANSFER"]
            .into_iter()
            .find(|code| *code == method.as_str())
            .unwrap(),
        Field::OperatorCode => "OP",
        Field::AccountName => "Jose\u{301} O'Brien",
        Field::AccountNumber if *method == MethodCode::WalletTransfer => "siti@provider",
        Field::AccountNumber => "0123456789",
        Field::AccountType => "savings",
        Field::BankCode => "0014",
        Field::BankName => "BCA",
        Field::BankBranch => "Jakarta, \"Kota\"",
        Field::BankCity => "Jakarta",
        Field::BankProvince => "DKI",
        Field::EmailAddress => "siti@example.com",
        Field::PhoneNumber => "+6281234567890",
        Field::Remark => "Invoice 1; thanks, Siti",
        Field::SegmentCode => "VIP",
        Field::ExchangedToCurrency => "IDR",
        Field::CallbackUrl => "https://shop.example.com/hook",
        Field::CustomerIp => "203.0.113.7",
    };
    let fields = Field::ALL.iter().filter(|field| field.is_of(method)).map(|field| (*field, value(field)));
    let remark = some("Invoice 1; thanks, Siti");
    let made: PayoutMethod = match method {
        MethodCode::BankTransfer => BankTransfer {
            operator_code: "OP".to_owned(),
            account: BankAccount {
                name: "Jose\u{301} O'Brien".to_owned(),
                number: "0123456789".to_owned(),
                account_type: some("savings"),
                bank_code: some("0014"),
                bank_name: some("BCA"),
                bank_branch: some("Jakarta, \"Kota\""),
                bank_city: some("Jakarta"),
                bank_province: some("DKI"),
            },
            email_address: some("siti@example.com"),
            remark,
        }
        .into(),
        MethodCode::CryptoTransfer => CryptoTransfer {
            operator_code: "OP".to_owned(),
            account: CryptoAccount { number: "0123456789".to_owned() },
            remark,
        }
        .into(),
        _ => WalletTransfer {
            operator_code: some("OP"),
            account: WalletAccount { name: some("Jose\u{301} O'Brien"), number: some("siti@provider") },
            phone_number: some("+6281234567890"),
            remark,
        }
        .into(),
    };
    let request = PayoutRequest {
        money: Money::new("42.05", "USD").unwrap(),
        method: made,
        segment_code: some("VIP"),
        exchanged_to_currency: some("IDR"),
        callback_url: some("https://shop.example.com/hook"),
        customer_ip: some("203.0.113.7"),
    };
    (fields.collect(), request)
}

const METHODS: [MethodCode; 3] = [MethodCode::BankTransfer, MethodCode::CryptoTransfer, MethodCode::WalletTransfer];

#[test]
fn every_field_of_every_method_has_its_column() {
    for method in &METHODS {
        let (fields, request) = whole(method);
        let cells: Vec<_> = fields.iter().map(|(_, text)| format!("\"{}\"", text.replace('"', "\"\""))).collect();
        let file = format!("{}{}\n", csv_template(Some(method)), cells.join(","));
        let payout_id = PayoutId::new("TST-1").unwrap();
        let expected = ItemDraft { key: "K 1".to_owned(), payout_id, request, row: 2 };
        assert_eq!(items(csv(file).unwrap()), std::slice::from_ref(&expected), "{method}");

        let pairs = fields.iter().map(|(field, text)| (field.name().to_owned(), (*text).into()));
        let line = serde_json::Value::Object(pairs.collect()).to_string();
        assert_eq!(items(json(&line)), [ItemDraft { row: 1, ..expected.clone() }]);

        // In the template for all methods, the columns of the others are empty.
        let by_name: BTreeMap<_, _> = fields.iter().map(|(field, text)| (field.name(), *text)).collect();
        let template = csv_template(None);
        let cells = template.trim_end().split(',').map(|name| by_name.get(name).copied().unwrap_or_default());
        let cells: Vec<_> = cells.map(|text| format!("\"{}\"", text.replace('"', "\"\""))).collect();
        assert_eq!(items(csv(format!("{template}{}\n", cells.join(","))).unwrap()), [expected]);
    }
}

#[test]
fn what_is_no_part_of_the_method_is_refused_and_not_left_out() {
    let mut line: serde_json::Map<_, _> =
        Field::ALL.iter().map(|field| (field.name().to_owned(), "1".into())).collect();
    for method in &METHODS {
        line.insert("method".to_owned(), method.as_str().into());
        let said = said(json(&serde_json::to_string(&line).unwrap()));
        let left_out = said.iter().filter(|(_, problem)| problem.starts_with("is no part of a "));
        let expected: Vec<_> =
            Field::ALL.iter().filter(|field| !field.is_of(method)).map(|field| field.name()).collect();
        let mut left_out: Vec<_> = left_out.map(|(field, _)| field.as_str()).collect();
        left_out.sort_by_key(|name| Field::parse(name));
        assert_eq!(left_out, expected, "{method}");
    }
}

#[test]
fn a_file_with_names_of_its_own_is_mapped_and_says_what_it_does_not_use() {
    let columns = Columns::of([("id", "Invoice no."), ("account_number", " IBAN "), ("payout_id", "Invoice no.")]);
    let file = "shoe size,Invoice no. ,amount,currency,operator_code,account_name,IBAN,,remark \n\
                43,INV-1,250000,IDR,IDR_014,Siti Rahmawati,0123456789,,\n";
    let mut rows = CsvRows::new(file.as_bytes(), BATCH, columns.unwrap(), ',').unwrap();
    assert_eq!(rows.unused_columns(), ["shoe size"]);
    assert_eq!((rows.column(Field::Key), rows.column(Field::Remark)), ("Invoice no.", "remark"));
    let made = items(rows.by_ref().collect::<Result<_>>().unwrap());
    assert_eq!((made[0].key.as_str(), made[0].payout_id.as_str(), &made[0].request), ("INV-1", "INV-1", &bank()));

    let line =
        r#"{"Nr":"1","amount":1,"currency":"IDR","operator_code":"IDR_014","account_name":"S","account_number":"1"}"#;
    let columns = Columns::of([("id", "Nr")]).unwrap();
    let rows: Result<_> = JsonLines::new(line.as_bytes(), BATCH, columns).unwrap().collect();
    assert_eq!(items(rows.unwrap())[0].key, "1");
}

#[test]
fn a_header_that_does_not_fit_is_refused_and_the_error_says_what_is_there() {
    let made = |header: &str, pairs: &[(&str, &str)], delimiter| {
        let columns = Columns::of(pairs.iter().copied()).unwrap();
        CsvRows::new(format!("{header}\n").as_bytes(), BATCH, columns, delimiter).map(|_| ())
    };
    let refuse = |header: &str, pairs: &[(&str, &str)], delimiter| {
        refused(made(header, pairs, delimiter), ErrorKind::Configuration, "columns").to_string()
    };
    let text = refuse("id,Amount,currency,x", &[], ',');
    assert!(text.contains("no amount; it has id, Amount, currency, x"), "{text}");
    let text = refuse(HEADER, &[("remark", "Text")], ',');
    assert!(text.contains("no Text; it has id, amount,"), "{text}");
    let text = refuse(&format!("{HEADER},amount"), &[], ',');
    assert!(text.contains("has amount twice"), "{text}");
    assert!(made(&format!("{HEADER},x,x"), &[], ',').is_ok());
    let text = refuse(&HEADER.replace(',', ";"), &[], ',');
    assert!(text.contains("has 1 fields, parted by ','"), "{text}");
    let text = refuse(SITI, &[], ',');
    assert!(!text.contains("Siti") && !text.contains("0123456789") && text.contains("no header"), "{text}");

    refused(Columns::of([("amounts", "x")]), ErrorKind::Configuration, "columns");
    refused(Columns::of([("amount", " ")]), ErrorKind::Configuration, "columns");
    refused(Columns::of([("amount", "x"), ("amount", "y")]), ErrorKind::Configuration, "columns");
    for delimiter in ['"', 'a', '\n', 'é', '.'] {
        refused(made(HEADER, &[], delimiter), ErrorKind::Configuration, "delimiter");
    }
    let columns = Columns::of([("remark", "id")]).unwrap();
    refused(JsonLines::new(&b""[..], BATCH, columns), ErrorKind::Configuration, "columns");
}

/// A row with this text in this column.
fn with(field: &str, text: &str) -> Vec<(String, String)> {
    let names: Vec<_> = HEADER.split(',').chain(["payout_id", "phone_number", "remark"]).collect();
    let mut cells: Vec<_> = SITI.split(',').chain(["", "", ""]).map(str::to_owned).collect();
    cells[names.iter().position(|name| *name == field).unwrap()] = text.replace('"', "\"\"");
    let cells: Vec<_> = cells.iter().map(|cell| format!("\"{cell}\"")).collect();
    let file = format!("{}\n{}\n", names.join(","), cells.join(","));
    let rows = csv(file).unwrap();
    if matches!(rows[..], [RowRead::Item(_)]) { Vec::new() } else { said(rows) }
}

#[test]
fn what_spreadsheets_and_data_frames_do_to_values_is_refused() {
    for (field, text, problem) in [
        ("amount", "1,234.50", "has a comma"),
        ("amount", "1234,50", "has a comma"),
        ("amount", "1.5E+06", "scientific"),
        ("amount", "1E5", "scientific"),
        ("amount", "250.000", "ambiguous"),
        ("amount", "1 234", "has a blank"),
        ("amount", "1\u{a0}234", "has a blank"),
        ("amount", " 1234", "begins or ends"),
        ("amount", "'1234", "apostrophe"),
        ("amount", "=1234", "equals sign"),
        ("amount", "IDR 1234", "has a blank"),
        ("amount", "Rp1234", "is not a decimal number"),
        ("amount", "", "is empty"),
        ("amount", "0", "above 0"),
        ("amount", "-5", "above 0"),
        ("amount", "1.5", "more decimals"),
        ("amount", "#REF!", "error of a spreadsheet"),
        ("amount", "#######", "error of a spreadsheet"),
        ("amount", "nan", "is not a decimal number"),
        ("currency", "idr", "capital letters"),
        ("currency", "", "is empty"),
        ("account_number", "1.23E+15", "scientific"),
        ("account_number", "1,23E+15", "scientific"),
        ("account_number", "1.23E15", "scientific"),
        ("account_number", "12E+15", "scientific"),
        ("account_number", "1234567.0", "ends with .0"),
        ("account_number", "'0123", "apostrophe"),
        ("account_number", "=\"0123\"", "equals sign"),
        ("account_number", "0123 ", "begins or ends"),
        ("account_number", "\u{200b}0123", "begins or ends"),
        ("account_number", "\u{feff}0123", "begins or ends"),
        ("account_number", "NaN", "missing value"),
        ("account_number", "#N/A", "error of a spreadsheet"),
        ("account_number", "", "is empty"),
        ("account_name", "", "is empty"),
        ("account_name", "Siti ", "begins or ends"),
        ("account_name", "Jos\u{fffd}", "lost"),
        ("account_name", "R2D2", "has a digit at character 2"),
        ("operator_code", "IDR 014", "letters, digits"),
        ("id", "", "is empty"),
        ("id", "1.23E+15", "scientific"),
        ("id", "17.0", "ends with .0"),
        ("id", "none", "missing value"),
        ("id", " 17", "begins or ends"),
        ("id", "a\nb", "line end"),
        ("payout_id", "a b", "letters, digits"),
        ("phone_number", "+6281234567", "is no part of a BANK_TRANSFER"),
        ("remark", "two\nlines", "line end"),
        ("remark", "#VALUE!", "error of a spreadsheet"),
    ] {
        let found = with(field, text);
        let [(at, said)] = &found[..] else { panic!("{field} {text:?}: {found:?}") };
        assert!(at == field && said.contains(problem), "{field} {text:?}: {said}");
    }
    for (field, text) in [
        ("id", "2024E01"),
        ("id", "INV 1/2024 – é"),
        ("id", "1.05"),
        ("account_number", "DE89 3704"),
        ("account_number", "123e45"),
        ("account_name", "'t Hooft"),
        ("account_name", "Null"),
        ("amount", "1234.00"),
        ("remark", "=)"),
        ("remark", "#1 of 2, \"thanks\""),
        ("remark", "nan"),
    ] {
        assert_eq!(with(field, text), [], "{field} {text:?}");
    }
}

#[test]
fn all_that_is_wrong_with_a_row_is_said_by_column_and_nothing_of_it_is_repeated() {
    let columns = Columns::of([("amount", "Net"), ("account_name", "Payee")]).unwrap();
    let file = format!(
        "{}\n,\"1,5\",siti,0123456789x0123456789x0123456789,,0123456789.0\n",
        HEADER.replace("amount", "Net").replace("account_name", "Payee")
    );
    let rows: Result<_> = CsvRows::new(file.as_bytes(), BATCH, columns, ',').unwrap().collect();
    let found = problems(rows.unwrap());
    let fields: Vec<_> = found.iter().filter_map(|problem| problem.field.as_deref()).collect();
    assert_eq!(fields, ["id", "currency", "Net", "Payee", "account_number"]);
    let shown = format!("{found:?}").to_lowercase();
    assert!(!shown.contains("siti") && !shown.contains("0123456789"), "{shown}");
    assert_eq!(found[2].to_string().split(';').next().unwrap().split(": ").next().unwrap(), "row 2, Net");
}

#[test]
fn a_problem_that_the_core_finds_names_the_column_of_the_file() {
    let columns = Columns::of([("account_name", "Payee")]).unwrap();
    let file =
        format!("{},callback_url\nEMP-1,1.5,IDR,IDR 014,R2D2,****6789,hook\n", HEADER.replace("account_name", "Payee"));
    let rows: Result<_> = CsvRows::new(file.as_bytes(), BATCH, columns, ',').unwrap().collect();
    let found = problems(rows.unwrap());
    let fields: Vec<_> = found.iter().map(|problem| problem.field.as_deref().unwrap()).collect();
    assert_eq!(fields, ["amount", "callback_url", "operator_code", "Payee", "account_number"]);
    assert!(found[3].problem.starts_with("has a digit at character 2"), "{found:?}");

    let mut request = bank();
    request.money = Money::new("1.5", "IDR").unwrap();
    if let PayoutMethod::BankTransfer(bank) = &mut request.method {
        bank.account.name = "R2D2".to_owned();
    }
    let rows: Result<_> = Requests::new(BATCH, [(String::new(), None, request)]).unwrap().collect();
    let found = problems(rows.unwrap());
    let fields: Vec<_> = found.iter().map(|problem| (problem.row, problem.field.as_deref().unwrap())).collect();
    assert_eq!(fields, [(1, "key"), (1, "money.amount"), (1, "method.account.name")]);
}

#[test]
fn a_method_is_one_of_three_and_its_column_is_not_left_empty() {
    let row = |method: &str| said(csv(format!("{HEADER},method\n{SITI},{method}\n")).unwrap());
    assert_eq!(row(""), [("method".to_owned(), "is empty".to_owned())]);
    for other in ["bank_transfer", "PIGEON"] {
        let (field, problem) = row(other).remove(0);
        assert!(field == "method" && problem.contains("BANK_TRANSFER, CRYPTO_TRANSFER, WALLET_TRANSFER"), "{problem}");
        assert!(!problem.contains("PIGEON"), "{problem}");
    }
}

#[test]
fn rows_are_counted_by_the_lines_of_the_file() {
    let rows = "\n1,\"a\nb\"\r\n\r\n2,c\r3,d\n,\n\n4,e";
    let found = csv(format!("id,\"currency\nof it\",amount,currency\n{rows}")).unwrap();
    let lines: Vec<_> = problems(found).into_iter().map(|problem| problem.row).collect();
    assert_eq!(lines, [4, 7, 8, 11]);
}

#[test]
fn a_row_without_any_value_is_none_and_one_of_another_width_is_refused() {
    let found = csv(format!("{HEADER}\n,,,,,\n{SITI},\n{SITI}\n,,\n\"\",\"\",,,,\n")).unwrap();
    assert!(
        matches!(&found[..], [RowRead::Bad(bad), RowRead::Item(_)]
        if bad[0].row == 3 && bad[0].problem.starts_with("has 7 fields, and the header 6")),
        "{found:?}"
    );
}

#[test]
fn a_lost_quotation_mark_ends_the_reading_before_a_payout_is_swallowed() {
    let header = format!("{HEADER},note");
    for (rows, says) in [
        // Without this, the second row would be a part of the first one's note.
        (format!("{SITI},\"note\n{},\"note\"\n", SITI.replace("EMP-1", "EMP-2")), "line 2 has text behind"),
        (format!("{SITI},\"note\n{SITI},\n"), "line 2 has a quotation mark that is never closed"),
        (format!("{SITI},\n{SITI},5\" pipe\n"), "line 3 has a quotation mark in a field"),
        (format!("{SITI},\"a\"b\n"), "line 2 has text behind"),
        (format!("{SITI},{}\n", "x".repeat(70_000)), "line 2 has more than 64 KiB"),
        (format!("{SITI},\"{}", "x\n".repeat(40_000)), "line 2 has more than 64 KiB"),
    ] {
        let error = refused(csv(format!("{header}\n{rows}")), ErrorKind::InvalidRequest, "input");
        assert!(error.message().contains(says), "{error}");
        assert!(!format!("{error:?}").contains("Siti"));
    }
}

#[test]
fn after_an_error_nothing_is_read() {
    let file = format!("{HEADER}\n{}\"a\"b\n{SITI}\n", format!("{SITI}\n").repeat(1000));
    let mut rows = CsvRows::new(file.as_bytes(), BATCH, Columns::default(), ',').unwrap();
    while rows.next().unwrap().is_ok() {}
    assert!(rows.next().is_none() && rows.next().is_none());
}

#[test]
fn a_file_in_another_encoding_is_refused_or_its_rows_are() {
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(HEADER.bytes().flat_map(|byte| [byte, 0])).collect();
    refused(csv(&utf16), ErrorKind::InvalidRequest, "input");
    refused(JsonLines::new(&utf16[..], BATCH, Columns::default()), ErrorKind::InvalidRequest, "input");
    refused(csv(b"id,amount,currency,\xe9\n"), ErrorKind::InvalidRequest, "input");
    refused(csv(""), ErrorKind::InvalidRequest, "input");

    let latin = [HEADER.as_bytes(), b"\nEMP-1,1,IDR,IDR_014,Jos\xe9,1\n", SITI.as_bytes()].concat();
    let rows = csv(latin).unwrap();
    assert!(matches!(rows[1], RowRead::Item(_)));
    let found = said(rows[..1].to_vec());
    assert!(found[0].0 == "account_name" && found[0].1.contains("UTF-8"), "{found:?}");
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_of_the_input() {
    struct Torn<'a>(&'a [u8]);
    impl Read for Torn<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() { Err(io::Error::other("the disk is gone")) } else { self.0.read(buffer) }
        }
    }
    let file = format!("{HEADER}\n{SITI}\n{SITI}\n");
    let rows: Vec<_> = CsvRows::new(Torn(file.as_bytes()), BATCH, Columns::default(), ',').unwrap().collect();
    assert_eq!(rows.len(), 3);
    let error = refused(rows[2].clone(), ErrorKind::Configuration, "input");
    assert!(error.message().contains("the disk is gone"), "{error}");
    let rows: Vec<_> = JsonLines::new(Torn(b"{}\n{}\n"), BATCH, Columns::default()).unwrap().collect();
    assert!(rows.len() == 3 && rows[2].is_err());
}

#[test]
fn a_line_of_json_is_read_strictly() {
    let line = |more: &str| {
        said(json(&format!(
            r#"{{"id":"1","currency":"IDR","operator_code":"IDR_014","account_name":"S","account_number":"1",{more}}}"#
        )))
    };
    for (more, field, problem) in [
        (r#""amount":1.5"#, "amount", "must be a string"),
        (r#""amount":1E5"#, "amount", "must be a string"),
        (r#""amount":true"#, "amount", "must be a string"),
        (r#""amount":"1E5""#, "amount", "scientific"),
        (r#""amount":null"#, "amount", "is empty"),
        (r#""amount":1,"amount":2"#, "amount", "is there twice"),
        (r#""amount":1,"Remark":"x""#, "Remark", "is no field"),
        (r#""amount":1,"remark":17"#, "remark", "must be a string"),
        (r#""amount":1,"remark":["x"]"#, "remark", "must be a string"),
        (r#""amount":1,"remark":"a\nb""#, "remark", "line end"),
        (r#""amount":1,"remark":"\ud800""#, "remark", "UTF-8"),
    ] {
        let found = line(more);
        let [(at, said)] = &found[..] else { panic!("{more}: {found:?}") };
        assert!(at == field && said.contains(problem), "{more}: {said}");
    }
    for (text, says) in [
        ("[]", "is no JSON object"),
        ("{", "is no JSON object"),
        ("{} {}", "is no JSON object"),
        ("{\"id\":\"0123456789\"", "is no JSON object"),
        ("\"Siti\"", "is no JSON object"),
        (&format!("{{\"id\":\"{}\"}}", "x".repeat(70_000)), "is longer than 64 KiB"),
    ] {
        let found = problems(json(text));
        assert!(found.len() == 1 && found[0].field.is_none() && found[0].problem.contains(says), "{found:?}");
        assert!(!found[0].problem.contains("Siti") && !found[0].problem.contains("0123456789"), "{found:?}");
    }
}

#[test]
fn lines_of_json_are_counted_and_a_long_one_does_not_hide_the_next() {
    let long = format!("\u{feff}{{\"id\":\"{}\"}}", "x".repeat(200_000));
    let found = problems(json(&format!("{long}\n\n  \r\n[]\r\n[]")));
    assert_eq!(found.iter().map(|problem| problem.row).collect::<Vec<_>>(), [1, 4, 5]);
}

/// Rows without end, each made when it is asked for.
struct Endless {
    first: String,
    row: String,
    given: Arc<AtomicUsize>,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.first.is_empty() {
            let number = self.given.load(Ordering::Relaxed);
            self.first = self.row.replace('#', &number.to_string());
        }
        let read = self.first.as_bytes().read(buffer)?;
        self.first.drain(..read);
        self.given.fetch_add(read, Ordering::Relaxed);
        Ok(read)
    }
}

#[test]
fn rows_are_read_when_they_are_asked_for() {
    let given = Arc::new(AtomicUsize::new(0));
    let endless = |first: String, row: &str| Endless { first, row: row.to_owned(), given: Arc::clone(&given) };
    let header = format!("{HEADER}\n");
    let (csv, line) = (SITI.replace('1', "#") + "\n", "{\"id\":\"#\"}\n");
    let csv = CsvRows::new(endless(header, &csv), BATCH, Columns::default(), ',').unwrap();
    let json = JsonLines::new(endless(String::new(), line), BATCH, Columns::default()).unwrap();
    let readers: [Box<dyn Rows>; 2] = [Box::new(csv), Box::new(json)];
    for mut rows in readers {
        given.store(0, Ordering::Relaxed);
        for count in 1..5000 {
            rows.next().unwrap().unwrap();
            assert!(given.load(Ordering::Relaxed) < count * 100 + 20_000, "{count}");
        }
    }
}
