import KomoPay

/// A value that public constructors made, what it is as JSON, and all that Swift shows it by.
struct Made {
    let value: AnyHashable
    let encoded: Encoded
    let texts: [String]

    init(_ value: some Hashable, _ json: Any) {
        self.value = value
        encoded = Encoded(json)
        texts = allTexts(value)
    }

    /// Settings have no form to be given back in.
    init(settings texts: [String]) {
        value = texts
        encoded = Encoded(nil)
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

extension Command {
    struct Id: Decodable, Sendable {
        let payoutId: String
    }

    /// A value that carries its type.
    enum Value: Decodable, Sendable {
        case money(Sum)
        case payoutId(Id)
        case request(Request)
        case scope(Scope)
        case settings(Settings)

        private enum Keys: String, CodingKey {
            case `is`
        }

        init(from decoder: any Decoder) throws {
            let members = try decoder.container(keyedBy: Keys.self)
            switch try members.decode(String.self, forKey: .is) {
            case "money": self = .money(try Sum(from: decoder))
            case "payout_id": self = .payoutId(try Id(from: decoder))
            case "payout_request": self = .request(try Request(from: decoder))
            case "access_scope": self = .scope(try Scope(from: decoder))
            case "settings": self = .settings(try Settings(from: decoder))
            case let other: throw Broken(why: "nobody knows what \(other) is")
            }
        }
    }
}

extension Runner {
    func make(_ value: Command.Value) async throws -> Made {
        switch value {
        case .money(let sum):
            let money = try sum.money()
            return Made(money, json(money))
        case .payoutId(let id):
            return Made(id.payoutId, id.payoutId)
        case .request(let request):
            let request = try request.request()
            return Made(request, json(request))
        case .scope(let scope):
            let scope = try scope.scope()
            return Made(scope, json(scope))
        case .settings(let settings):
            let config = try settings.config()
            let client = try Client(config)
            try await client.close()
            return Made(settings: allTexts(config) + allTexts(client))
        }
    }
}
