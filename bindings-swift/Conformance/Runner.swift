import Foundation
import KomoPay

/// What the runner cannot do.
struct Broken: Error {
    let why: String
}

/// The clients that are open and the calls that are under way.
actor Runner {
    private var clients: [String: Client] = [:]
    private var calls: [String: Task<String, Never>] = [:]

    /// The answer to a line, as a line.
    func answer(_ line: Data) async -> String {
        do {
            let told = try Told(line)
            if told.do == "finish" {
                return try await call(told).value
            }
            return await Runner.outcome { try await self.act(told) }
        } catch {
            return await Runner.outcome { throw error }
        }
    }

    private func act(_ told: Told) async throws -> Said {
        switch told.do {
        case "open":
            clients[try told.of(\.client)] = try Client(told.of(\.settings).config())
        case "call":
            return try await perform(told.of(\.operation), told.of(\.arguments), by: client(told))
        case "start":
            let (operation, arguments, client) = (try told.of(\.operation), try told.of(\.arguments), try client(told))
            calls[try told.of(\.call)] = Task {
                await Runner.outcome { try await perform(operation, arguments, by: client) }
            }
        case "cancel":
            try call(told).cancel()
        case "close":
            try await client(told).close()
        case "make":
            return try await make(told.of(\.value)).said
        case "equal":
            let (left, right) = (try await make(told.of(\.left)).value, try await make(told.of(\.right)).value)
            return Said(["equal": left == right, "same_hash": left.hashValue == right.hashValue])
        case "show":
            return Said(["texts": try await make(told.of(\.value)).texts])
        case "fingerprint":
            return Said(try told.of(\.request).request().fingerprint(key: Data(try told.of(\.key).utf8)))
        case "matches_fingerprint":
            let (request, key) = (try told.of(\.request).request(), Data(try told.of(\.key).utf8))
            return Said(try request.matchesFingerprint(key: key, stored: told.of(\.stored)))
        case "kinds":
            return Said(errorKinds().map(json))
        default:
            throw Broken(why: "nobody can do \(told.do)")
        }
        return Said(nil)
    }

    private func client(_ told: Told) throws -> Client {
        guard let client = clients[try told.of(\.client)] else { throw Broken(why: "no such client") }
        return client
    }

    private func call(_ told: Told) throws -> Task<String, Never> {
        guard let call = calls[try told.of(\.call)] else { throw Broken(why: "no such call") }
        return call
    }

    /// How something ends, as a line.
    private static func outcome(_ body: @Sendable () async throws -> Said) async -> String {
        do {
            return line(["ok": try await body().json])
        } catch let error as KomopayError {
            return line(["error": json(error)])
        } catch is CancellationError {
            return line(["cancelled": true])
        } catch {
            return line(["broken": "\(error)"])
        }
    }

    private static func line(_ answer: [String: Any]) -> String {
        guard let data = try? JSONSerialization.data(withJSONObject: answer) else { return #"{"broken": "no JSON"}"# }
        return String(decoding: data, as: UTF8.self)
    }
}

/// The arguments of each operation that has some.
private let taken = [
    "create_payout": ["payoutId", "request", "resume"], "get_payout": ["payoutId"],
    "wait_for_payout": ["payoutId", "timeout"], "payout_options": ["money", "segmentCode", "exchangedToCurrency"],
    "balances": ["currencies"], "issue_token": ["scope", "validity"],
    "callback_url": ["base", "payoutId", "expiresAt", "place"], "read_callback": ["body", "url"],
    "handle_callback": ["body", "url"], "take_changes": ["limit"], "acknowledge_change": ["payoutId", "sequence"],
    "payment_options": ["typeCode", "methodCodes", "currencies", "segmentCodes", "operatorCodes"],
]

/// Makes a call.
private func perform(_ operation: String, _ told: Told.Arguments, by client: Client) async throws -> Said {
    try told.only(taken[operation] ?? [])
    switch operation {
    case "create_payout":
        let request = try told.of(\.request).request()
        if let resume = told.resume {
            return Said(json(try await client.createPayout(told.of(\.payoutId), request, resume: resume)))
        }
        return Said(json(try await client.createPayout(told.of(\.payoutId), request)))
    case "get_payout":
        return Said(json(try await client.getPayout(told.of(\.payoutId))))
    case "wait_for_payout":
        return Said(json(try await client.waitForPayout(told.of(\.payoutId), timeout: seconds(told.of(\.timeout)))))
    case "payout_options":
        let (segment, exchanged) = (told.segmentCode, told.exchangedToCurrency)
        let money = try told.of(\.money).money()
        return Said(
            try await client.payoutOptions(money, segmentCode: segment, exchangedToCurrency: exchanged).map(json))
    case "balances":
        return Said(try await client.balances(told.currencies ?? []).map(json))
    case "currencies":
        return Said(try await client.currencies())
    case "segments":
        return Said(try await client.segments())
    case "payment_operators":
        return Said(try await client.paymentOperators().map(json))
    case "payment_methods":
        return Said(try await client.paymentMethods())
    case "payment_options":
        return Said(try await client.paymentOptions(told.filter()).map(json))
    case "merchant_info":
        return Said(json(try await client.merchantInfo()))
    case "check_credentials":
        return Said(json(try await client.checkCredentials()))
    case "issue_token":
        let scope = try told.of(\.scope).scope()
        if let validity = told.validity {
            return Said(json(try await client.issueToken(scope, validity: seconds(validity))))
        }
        return Said(json(try await client.issueToken(scope)))
    case "callback_url":
        let (base, id, end) = (try told.of(\.base), try told.of(\.payoutId), try told.end())
        if let place = try told.signaturePlace() {
            return Said(try client.callbackUrl(base, id, expiresAt: end, place: place))
        }
        return Said(try client.callbackUrl(base, id, expiresAt: end))
    case "read_callback":
        return Said(json(try client.readCallback(told.of(\.body).data(), url: told.of(\.url))))
    case "handle_callback":
        return Said(json(try await client.handleCallback(told.of(\.body).data(), url: told.of(\.url))))
    case "take_changes":
        return Said(try await client.takeChanges(limit: told.limit ?? 100).map(json))
    case "acknowledge_change":
        try await client.acknowledgeChange(told.of(\.payoutId), told.of(\.sequence))
        return Said(nil)
    default:
        throw Broken(why: "no operation \(operation)")
    }
}
