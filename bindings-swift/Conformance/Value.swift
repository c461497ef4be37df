import KomoPay

/// A value that public constructors made, and all that Swift shows it by.
struct Made: @unchecked Sendable {
    let value: AnyHashable
    let texts: [String]

    init(_ value: some Hashable) {
        self.value = value
        texts = allTexts(value)
    }

    /// Settings have no form to be given back in.
    init(settings texts: [String]) {
        value = Optional<String>.none
        self.texts = texts
    }
}

/// All the texts that Swift shows a value by.
func allTexts(_ value: some Any) -> [String] {
    var dumped = ""
    dump(value, to: &dumped)
    let inside = ["\([value])", "\(Optional(value) as Any)", "\(["it": value])"]
    return ["\(value)", String(reflecting: value), dumped] + inside
}

/// What carries its type.
func make(_ members: Members) async throws -> Made {
    let made: Made
    switch try members.of("is") as String {
    case "money": made = Made(try Money(members))
    case "payout_id": made = Made(try members.of("payout_id") as String)
    case "payout_request": made = Made(try PayoutRequest(members))
    case "access_scope": made = Made(try AccessScope(members))
    case "settings":
        let config = try Config(members)
        let client = try Client(config)
        try await client.close()
        made = Made(settings: allTexts(config) + allTexts(client))
    case let other: throw Broken(why: "nobody knows what \(other) is")
    }
    try members.end()
    return made
}
