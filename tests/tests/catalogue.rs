//! What the merchant has and what the platform offers, read from the sandbox, and on the wire.

use std::time::Duration;

use komopay_core::{
    BankAccount, BankTransfer, Client, Credentials, CustomerFee, ErrorKind, MethodCode, Money, PaymentOptionFilter,
    PaymentTypeCode, PayoutMethod,
};
use komopay_sandbox::{Effect, Fault, Operation, Sandbox, When};
use komopay_tests::peer::{Peer, http};
use komopay_tests::{break_nth, client, config, id, request, sandbox, shown, start};

fn money(amount: &str, currency: &str) -> Money {
    Money::new(amount, currency).unwrap()
}

fn texts(codes: &[&str]) -> Vec<String> {
    codes.iter().map(|code| (*code).to_owned()).collect()
}

/// What a peer that answers everything with this list is asked, by one call of a client with a ready token.
async fn asked<T, F: Future<Output = T>>(answer: &'static str, call: impl FnOnce(Client) -> F) -> (T, String) {
    let peer = Peer::start(move |_, _| http("200 OK", "", answer)).await;
    let mut config = config(&peer.base_url());
    config.credentials = Credentials::token("opaque-token");
    let result = call(Client::new(config).unwrap()).await;
    let recorded = peer.recorded();
    assert_eq!(recorded.len(), 1);
    (result, recorded[0].line.clone())
}

#[tokio::test]
async fn payout_options_name_methods_operators_and_the_fee_the_customer_pays() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let options = client.payout_options(&money("10000", "IDR"), None, None).await.unwrap();
    let methods: Vec<_> = options.iter().map(|option| option.method_code.clone()).collect();
    assert_eq!(methods, [MethodCode::BankTransfer, MethodCode::WalletTransfer]);
    let bank = &options[0].operators;
    assert!(bank.iter().any(|o| o.code == "IDR_014" && o.name.as_deref() == Some("Bank BCA")), "{bank:?}");
    assert!(bank.iter().all(|operator| operator.code != "IDR_003"), "that one is for another segment");

    let options = client.payout_options(&money("10000", "IDR"), Some("VIP"), None).await.unwrap();
    assert!(options.iter().all(|option| option.segment_code.as_deref() == Some("VIP")));
    assert!(options[0].operators.iter().any(|operator| operator.code == "IDR_003"));

    let options = client.payout_options(&money("12.5", "USDT"), None, None).await.unwrap();
    let chain = options.iter().find(|option| option.method_code == MethodCode::CryptoTransfer).unwrap();
    let fee = CustomerFee { min: Some(money("0.5", "USDT")), max: Some(money("2", "USDT")) };
    assert_eq!(chain.operators[0].customer_fee, Some(fee));
}

#[tokio::test]
async fn no_channel_is_an_empty_list_and_any_other_refusal_is_one() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    for currency in ["DEMO_OFF", "DEMO_CLOSED", "DEMO_VIP"] {
        let options = client.payout_options(&money("1", currency), None, None).await;
        assert_eq!(options.unwrap(), [], "{currency}");
    }
    for (amount, currency, code) in [
        ("999999999", "IDR", "PAYMENT_CHANNEL_AMOUNT_LIMITS"),
        ("1000000", "DEMO_DAILY", "PAYMENT_CHANNEL_DAILY_LIMITS"),
        ("1", "DEMO_ERROR", "PAYMENT_METHOD_ERROR"),
        ("1", "DEMO_NONE", "PAYMENT_METHOD_NOT_FOUND"),
        ("1", "NEW", "CURRENCY_NOT_SUPPORTED"),
    ] {
        let error = client.payout_options(&money(amount, currency), None, None).await.unwrap_err();
        shown(&error);
        assert_eq!((error.kind(), error.http_status()), (ErrorKind::Rejected, Some(406)), "{currency}");
        assert_eq!(error.reasons()[0].code, code, "{currency}");
    }
}

#[tokio::test]
async fn a_406_is_an_empty_list_only_if_all_its_codes_say_so() {
    let none = r#"{"code":"PAYMENT_CHANNEL_NO_OPENED_FOUND"}"#;
    let new = r#"{"code":"PAYMENT_CHANNEL_NO_MOON_FOUND"}"#;
    let limits = r#"{"code":"PAYMENT_CHANNEL_AMOUNT_LIMITS"}"#;
    for (codes, is_empty_list) in [
        (format!("[{none}]"), true),
        (format!("[{none},{new}]"), true),
        (format!("[{none},{limits}]"), false),
        (format!("[{limits}]"), false),
        ("[]".to_owned(), false),
    ] {
        let peer = Peer::start({
            let codes = codes.clone();
            move |_, _| http("406 Not Acceptable", "", &codes)
        })
        .await;
        let mut config = config(&peer.base_url());
        config.credentials = Credentials::token("opaque-token");
        let client = Client::new(config).unwrap();
        let options = client.payout_options(&money("1", "IDR"), None, None).await;
        match options {
            Ok(options) => assert!(is_empty_list && options.is_empty(), "{codes}"),
            Err(error) => assert_eq!((is_empty_list, error.kind()), (false, ErrorKind::Rejected), "{codes}"),
        }
        // The same refusal of another call is no empty list.
        assert_eq!(client.balances(&[]).await.unwrap_err().kind(), ErrorKind::Rejected);
    }
}

#[tokio::test]
async fn the_money_of_payout_options_is_checked_before_anything_is_sent_unless_checking_is_off() {
    let sandbox = sandbox().await;
    for amount in ["0", "-1", "42.05"] {
        let error = client(&sandbox).payout_options(&money(amount, "IDR"), None, None).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidRequest, Some("money.amount")), "{amount}");
    }
    assert_eq!(sandbox.calls(Operation::IssueToken), 0);
    let mut config = config(sandbox.base_url());
    config.validate = false;
    let error = Client::new(config).unwrap().payout_options(&money("42.05", "IDR"), None, None).await.unwrap_err();
    assert_eq!(error.reasons()[0].code, "CURRENCY_PRECISION_EXCEEDED");
}

#[tokio::test]
async fn balances_move_with_the_money() {
    let sandbox = start(Sandbox::builder().balance("IDR", "100000")).await;
    let client = client(&sandbox);
    let idr = texts(&["IDR"]);
    let before = client.balances(&idr).await.unwrap().remove(0);
    let amounts = |balance: &komopay_core::Balance| {
        [&balance.balance, &balance.available, &balance.pending_payout].map(ToString::to_string)
    };
    assert_eq!(amounts(&before), ["100000 IDR", "100000 IDR", "0 IDR"]);
    assert_eq!(before.pending_settlement, money("0", "IDR"));

    // An account whose payouts are never final: the money is held.
    let mut held = request();
    if let PayoutMethod::BankTransfer(bank) = &mut held.method {
        bank.account.number = "9000000099".to_owned();
    }
    client.create_payout(&id("HELD"), &held, false).await.unwrap();
    let pending = client.balances(&idr).await.unwrap().remove(0);
    assert_eq!(amounts(&pending), ["100000 IDR", "90000 IDR", "10000 IDR"]);
    assert!(pending.last_movement.unwrap() >= before.last_movement.unwrap());

    // And one that is paid at once: the money is gone.
    client.create_payout(&id("PAID"), &request(), false).await.unwrap();
    client.wait_for_payout(&id("PAID"), Duration::from_secs(10)).await.unwrap();
    let paid = client.balances(&idr).await.unwrap().remove(0);
    assert_eq!(amounts(&paid)[..2], ["90000 IDR", "80000 IDR"].map(str::to_owned));
}

#[tokio::test]
async fn a_balance_that_was_not_asked_for_or_does_not_exist_is_left_out() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let currencies = |balances: Vec<komopay_core::Balance>| -> Vec<String> {
        balances.iter().map(|balance| balance.balance.currency().to_owned()).collect()
    };
    let all = currencies(client.balances(&[]).await.unwrap());
    assert!(all.len() > 2 && all.contains(&"IDR".to_owned()), "{all:?}");
    let some = currencies(client.balances(&texts(&["USD", "IDR", "NONE"])).await.unwrap());
    assert_eq!(some, ["IDR", "USD"]);
    assert_eq!(client.currencies().await.unwrap(), all);
}

#[tokio::test]
async fn the_lists_of_codes_are_read_whole() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    assert_eq!(client.segments().await.unwrap(), ["VIP", "STANDARD"]);
    assert_eq!(client.payment_methods().await.unwrap(), ["BANK_TRANSFER", "CRYPTO_TRANSFER", "WALLET_TRANSFER"]);
    let operators = client.payment_operators().await.unwrap();
    let ovo = operators.iter().find(|operator| operator.code == "ID_OVO").unwrap();
    assert_eq!(ovo.name.as_deref(), Some("OVO"));
    assert!(ovo.raw.as_str().contains("ID_OVO"));
    assert_eq!(client.merchant_info().await.unwrap().name, "Sandbox shop");
}

/// Takes one filter over from another.
type Narrow = fn(&mut PaymentOptionFilter, &PaymentOptionFilter);

#[tokio::test]
async fn payment_options_are_typed_and_every_filter_narrows_them() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let all = client.payment_options(&PaymentOptionFilter::default()).await.unwrap();
    assert!(all.iter().any(|option| !option.is_available));
    assert!(all.iter().any(|option| option.type_code == PaymentTypeCode::Payin));

    let filter = PaymentOptionFilter {
        type_code: Some(PaymentTypeCode::Payout),
        method_codes: texts(&["BANK_TRANSFER"]),
        currencies: texts(&["IDR", "NONE"]),
        segment_codes: texts(&["STANDARD"]),
        operator_codes: texts(&["IDR_014", "IDR_003"]),
    };
    let narrow = client.payment_options(&filter).await.unwrap();
    assert_eq!(narrow.len(), 1);
    let option = &narrow[0];
    assert_eq!((option.method_code.clone(), option.currency.as_str()), (MethodCode::BankTransfer, "IDR"));
    assert_eq!(option.limit.from, Some(money("10000", "IDR")));
    assert_eq!(option.limit.to, Some(money("50000000", "IDR")));
    let operators: Vec<_> = option.operators.iter().map(|o| (o.code.as_str(), o.is_available)).collect();
    assert_eq!(operators, [("IDR_014", true), ("IDR_003", false)]);
    assert_eq!(option.operators[1].limit.to, None);

    // Alone, each filter lets something through, and less than none does.
    let alone: [(&str, Narrow); 5] = [
        ("type_code", |f, all| f.type_code = all.type_code.clone()),
        ("method_codes", |f, all| f.method_codes = all.method_codes.clone()),
        ("currencies", |f, all| f.currencies = all.currencies.clone()),
        ("segment_codes", |f, all| f.segment_codes = all.segment_codes.clone()),
        ("operator_codes", |f, all| f.operator_codes = all.operator_codes.clone()),
    ];
    for (name, narrow) in alone {
        let mut only = PaymentOptionFilter::default();
        narrow(&mut only, &filter);
        let some = client.payment_options(&only).await.unwrap();
        assert!(!some.is_empty() && some != all, "{name}");
    }
}

#[tokio::test]
async fn a_code_that_the_platform_does_not_know_is_refused_by_its_name() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let filter = |change: fn(&mut PaymentOptionFilter)| {
        let mut filter = PaymentOptionFilter::default();
        change(&mut filter);
        filter
    };
    for (filter, code, field) in [
        (filter(|f| f.method_codes = texts(&["CASH"])), "PAYMENT_METHOD_CODE_INVALID", "paymentMethodCodes"),
        (filter(|f| f.segment_codes = texts(&["GOLD"])), "SEGMENT_CODE_INVALID", "segmentCodes"),
        (filter(|f| f.operator_codes = texts(&["XXX"])), "PAYMENT_OPERATOR_CODE_INVALID", "paymentOperatorCodes"),
    ] {
        let error = client.payment_options(&filter).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::Rejected, Some(field)));
        assert_eq!(error.reasons()[0].code, code);
    }
}

#[tokio::test]
async fn filters_are_one_comma_separated_text_each_on_the_wire() {
    let filter = PaymentOptionFilter {
        type_code: Some(PaymentTypeCode::Payout),
        method_codes: texts(&["BANK_TRANSFER", "WALLET_TRANSFER"]),
        currencies: texts(&["IDR", "USD"]),
        segment_codes: texts(&["VIP", "V IP&x=1"]),
        operator_codes: texts(&["IDR_008", "IDR_014"]),
    };
    let (options, line) = asked("{}", |client| async move { client.payment_options(&filter).await }).await;
    assert_eq!(options.unwrap(), []);
    assert_eq!(
        line,
        "GET /payment-options?paymentTypeCode=PAYOUT&paymentMethodCodes=BANK_TRANSFER%2CWALLET_TRANSFER\
         &currencyCodes=IDR%2CUSD&segmentCodes=VIP%2CV+IP%26x%3D1&paymentOperatorCodes=IDR_008%2CIDR_014 HTTP/1.1"
    );
    let none = PaymentOptionFilter::default();
    let (_, line) = asked("{}", |client| async move { client.payment_options(&none).await }).await;
    assert_eq!(line, "GET /payment-options HTTP/1.1");
    let (_, line) = asked("{}", |client| async move { client.balances(&texts(&["IDR", "USD"])).await }).await;
    assert_eq!(line, "GET /balances?currencyCodes=IDR%2CUSD HTTP/1.1");
}

#[tokio::test]
async fn a_filter_that_would_say_something_else_on_the_wire_is_refused_before_anything_is_sent() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    for code in ["", "IDR,USD", "usd", " USD", "U SD", "840"] {
        let filter = PaymentOptionFilter { currencies: texts(&[code]), ..PaymentOptionFilter::default() };
        for error in [
            client.balances(&texts(&["IDR", code])).await.unwrap_err(),
            client.payment_options(&filter).await.unwrap_err(),
        ] {
            assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidRequest, Some("currencies")), "{code}");
        }
        let error = client.payout_options(&money("1", "IDR"), None, Some(code)).await.unwrap_err();
        assert_eq!(error.field(), Some("exchanged_to_currency"), "{code}");
    }
    assert_eq!(sandbox.calls(Operation::IssueToken), 0);
}

#[tokio::test]
async fn the_request_for_payout_options_leaves_as_the_contract_has_it() {
    let peer = Peer::start(|_, _| http("200 OK", "", r#"{"data":[]}"#)).await;
    let mut config = config(&peer.base_url());
    config.credentials = Credentials::token("opaque-token");
    let client = Client::new(config).unwrap();
    client.payout_options(&money("42.05", "USD"), Some("VIP"), Some("IDR")).await.unwrap();
    let sent = &peer.recorded()[0];
    assert_eq!(sent.line, "POST /payouts/!availablePaymentOptions HTTP/1.1");
    let body = String::from_utf8(sent.body.clone()).unwrap();
    assert_eq!(
        body,
        r#"{"money":{"amount":42.05,"currencyCode":"USD"},"segmentCode":"VIP","exchangedToCurrency":"IDR"}"#
    );
}

#[tokio::test]
async fn each_call_of_the_catalogue_asks_for_a_token_that_allows_it_and_nothing_else() {
    let peer = Peer::start(|_, request| {
        let token = r#"{"token":"opaque-token"}"#;
        http("200 OK", "", if request.line.contains("auth-tokens") { token } else { r#"{"data":[]}"# })
    })
    .await;
    let client = Client::new(config(&peer.base_url())).unwrap();
    client.balances(&texts(&["IDR"])).await.unwrap();
    client.payout_options(&money("1", "IDR"), None, None).await.unwrap();
    client.balances(&[]).await.unwrap();
    let tokens: Vec<_> = peer.recorded().into_iter().filter(|r| r.line.contains("auth-tokens")).collect();
    let operations: Vec<_> = tokens
        .iter()
        .map(|r| serde_json::from_slice::<serde_json::Value>(&r.body).unwrap()["operations"].to_string())
        .collect();
    assert_eq!(operations, [r#"["GET /balances"]"#, r#"["POST /payouts/!availablePaymentOptions"]"#]);
}

#[tokio::test]
async fn a_call_that_moves_nothing_is_tried_again_where_that_helps() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    break_nth(&sandbox, Operation::ListCurrencies, 1, Effect::Status { status: 503 });
    break_nth(&sandbox, Operation::ListAvailablePayoutOptions, 1, Effect::CloseAfterReading);
    assert!(!client.currencies().await.unwrap().is_empty());
    assert!(!client.payout_options(&money("10000", "IDR"), None, None).await.unwrap().is_empty());
    assert_eq!(sandbox.calls(Operation::ListCurrencies), 2);
    assert_eq!(sandbox.calls(Operation::ListAvailablePayoutOptions), 2);

    sandbox
        .inject(Fault::new(When::always(Operation::GetMerchantInfo), Effect::Garbage { status: 200, execute: false }));
    let error = client.merchant_info().await.unwrap_err();
    shown(&error);
    assert_eq!((error.kind(), sandbox.calls(Operation::GetMerchantInfo)), (ErrorKind::UnexpectedResponse, 1));
}

#[tokio::test]
async fn a_closed_client_reads_no_catalogue() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    client.close().await;
    let money = money("1", "IDR");
    for error in [
        client.balances(&[]).await.unwrap_err(),
        client.currencies().await.unwrap_err(),
        client.segments().await.unwrap_err(),
        client.payment_methods().await.unwrap_err(),
        client.payment_operators().await.unwrap_err(),
        client.payment_options(&PaymentOptionFilter::default()).await.unwrap_err(),
        client.payout_options(&money, None, None).await.unwrap_err(),
        client.merchant_info().await.unwrap_err(),
        client.check_credentials().await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Closed);
    }
    assert_eq!(sandbox.calls(Operation::IssueToken), 0);
}

/// Payouts by every method, in currencies with rules of their own, pass the checks of client and platform alike.
#[tokio::test]
async fn an_option_that_is_offered_can_be_paid() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    for currency in ["IDR", "USD"] {
        let money = money("12000", currency);
        let options = client.payout_options(&money, None, None).await.unwrap();
        let bank = options.iter().find(|option| option.method_code == MethodCode::BankTransfer).unwrap();
        let method = BankTransfer::new(&bank.operators[0].code, BankAccount::new("Siti", "0123456789"));
        let request = komopay_core::PayoutRequest::new(money.clone(), method);
        let accepted = client.create_payout(&id(&format!("OFFERED-{currency}")), &request, false).await.unwrap();
        assert_eq!(accepted.money, money);
    }
}
