import Foundation

/// An exact amount of one currency, in major units.
///
/// It is made from text or from a whole number, and never from a binary float: `Money(42.05, "USD")` does not compile.
/// Equal by value: `42 IDR` equals `42.00 IDR`.
///
/// ```swift
/// let money = try Money("42.05", "USD")
/// print(money)         // 42.05 USD
/// print(money.amount)  // a Decimal: 42.05
/// ```
public struct Money: Sendable {
    /// The amount in major units, exact.
    public let amount: Decimal
    /// The currency code, such as `IDR`; a ticker for crypto.
    public let currency: String
    /// The amount with the digits that it came with.
    private let digits: String

    /// Money from the text of a number.
    ///
    /// - Parameters:
    ///   - amount: In major units: `10000`, `42.05`.
    ///   - currency: Its code, such as `IDR`.
    /// - Throws: ``KomopayError/invalidRequest(_:)``, if the text is no number, has more digits than can be kept
    /// exactly   (28 always fit), or can be read in two ways (`250.000` of a currency of at most two decimals: write
    /// `250000`, or   `250`), or if the code is not one in capital letters. Nothing is rounded.
    public init(_ amount: String, _ currency: String) throws {
        self.init(parts: try translating { try parseMoney(amount: amount, currency: currency) })
    }

    /// Money from a whole number of major units: `Money(10000, "IDR")`.
    ///
    /// - Throws: ``KomopayError/invalidRequest(_:)``, if the code is not one in capital letters.
    public init(_ amount: Int, _ currency: String) throws {
        try self.init(String(amount), currency)
    }

    init(parts: MoneyParts) {
        digits = parts.amount
        currency = parts.currency
        // The core writes plain digits, 29 at most; a Decimal holds 38.
        amount = Decimal(string: parts.amount, locale: Locale(identifier: "en_US_POSIX")) ?? .nan
    }

    var parts: MoneyParts {
        MoneyParts(amount: digits, currency: currency)
    }
}

extension Money: Hashable {
    public static func == (left: Money, right: Money) -> Bool {
        left.currency == right.currency && left.amount == right.amount
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(currency)
        hasher.combine(amount)
    }
}

extension Money: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// `42.05 USD`
    public var description: String { showMoney(money: self) }
    public var debugDescription: String { "Money(\(description))" }
    public var customMirror: Mirror { .masking(self) }
}
