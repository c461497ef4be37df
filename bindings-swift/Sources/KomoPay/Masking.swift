// `dump`, debuggers and interpolated containers look into a value unless it says what to show. What shows itself by the
// core's own masked text shows nothing besides; what has none shows what it is, and not the JSON as it came.

extension Mirror {
    static func masking(_ value: some Any) -> Mirror {
        Mirror(value, children: [])
    }
}

extension Config: CustomReflectable { public var customMirror: Mirror { .masking(self) } }
extension Credentials: CustomReflectable { public var customMirror: Mirror { .masking(self) } }
extension PayoutRequest: CustomReflectable { public var customMirror: Mirror { .masking(self) } }
extension PayoutMethod: CustomReflectable { public var customMirror: Mirror { .masking(self) } }
extension BankAccount: CustomReflectable { public var customMirror: Mirror { .masking(self) } }
extension CryptoAccount: CustomReflectable { public var customMirror: Mirror { .masking(self) } }
extension WalletAccount: CustomReflectable { public var customMirror: Mirror { .masking(self) } }
extension PayoutAccepted: CustomReflectable { public var customMirror: Mirror { .masking(self) } }
extension Payout: CustomReflectable { public var customMirror: Mirror { .masking(self) } }
extension PayoutChange: CustomReflectable { public var customMirror: Mirror { .masking(self) } }
extension FailureReason: CustomReflectable { public var customMirror: Mirror { .masking(self) } }
extension IssuedToken: CustomReflectable { public var customMirror: Mirror { .masking(self) } }
extension Balance: CustomReflectable { public var customMirror: Mirror { .masking(self) } }
extension PayoutOption: CustomReflectable { public var customMirror: Mirror { .masking(self) } }
extension PayoutOperator: CustomReflectable { public var customMirror: Mirror { .masking(self) } }
extension CustomerFee: CustomReflectable { public var customMirror: Mirror { .masking(self) } }
extension PaymentOperator: CustomReflectable { public var customMirror: Mirror { .masking(self) } }
extension PaymentOption: CustomReflectable { public var customMirror: Mirror { .masking(self) } }
extension PaymentOptionOperator: CustomReflectable { public var customMirror: Mirror { .masking(self) } }
extension AmountLimit: CustomReflectable { public var customMirror: Mirror { .masking(self) } }
extension MerchantInfo: CustomReflectable { public var customMirror: Mirror { .masking(self) } }
