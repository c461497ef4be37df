//! The catalogue's answers as the values of `komopay/catalogue.py`, which documents their fields and types.

use komopay_core as core;

use crate::record::records;

records! {
    "komopay.catalogue" _read_catalogue _fields_of_catalogue
    Balance of core::Balance { balance, available, pending_settlement, pending_payout, last_movement, raw }
    CustomerFee of core::CustomerFee { min, max }
    PayoutOperator of core::PayoutOperator { code, name, customer_fee }
    PayoutOption of core::PayoutOption { method_code, operators, segment_code, raw }
    PaymentOperator of core::PaymentOperator { code, name, raw }
    AmountLimit of core::AmountLimit { from as "from_", to }
    PaymentOptionOperator of core::PaymentOptionOperator { code, name, is_available, limit }
    PaymentOption of core::PaymentOption {
        type_code, method_code, currency, segment_code, limit, is_available, operators, raw
    }
    MerchantInfo of core::MerchantInfo { name, raw }
}
