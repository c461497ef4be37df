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
            let command = try Command(line)
            if command.do == "finish" {
                return try await call(command).value
            }
            return await Runner.outcome { try await self.act(command) }
        } catch {
            return await Runner.outcome { throw error }
        }
    }

    private func act(_ command: Command) async throws -> Encoded {
        switch command.do {
        case "open":
            clients[try command.of(\.client)] = try Client(command.of(\.settings).config())
        case "call":
            return try await perform(command.of(\.operation), command.of(\.arguments), by: client(command))
        case "start":
            let (operation, arguments, client) =
                (try command.of(\.operation), try command.of(\.arguments), try client(command))
            calls[try command.of(\.call)] = Task {
                await Runner.outcome { try await perform(operation, arguments, by: client) }
            }
        case "cancel":
            try call(command).cancel()
        case "close":
            try await client(command).close()
        case "make":
            return try await make(command.of(\.value)).encoded
        case "equal":
            let (left, right) = (try await make(command.of(\.left)).value, try await make(command.of(\.right)).value)
            return Encoded(["equal": left == right, "same_hash": left.hashValue == right.hashValue])
        case "show":
            return Encoded(["texts": try await make(command.of(\.value)).texts])
        case "fingerprint":
            return Encoded(try command.of(\.request).request().fingerprint(key: Data(try command.of(\.key).utf8)))
        case "matches_fingerprint":
            let (request, key) = (try command.of(\.request).request(), Data(try command.of(\.key).utf8))
            return Encoded(try request.matchesFingerprint(key: key, stored: command.of(\.stored)))
        case "kinds":
            return Encoded(errorKinds().map(json))
        default:
            throw Broken(why: "nobody can do \(command.do)")
        }
        return Encoded(nil)
    }

    private func client(_ command: Command) throws -> Client {
        guard let client = clients[try command.of(\.client)] else { throw Broken(why: "no such client") }
        return client
    }

    private func call(_ command: Command) throws -> Task<String, Never> {
        guard let call = calls[try command.of(\.call)] else { throw Broken(why: "no such call") }
        return call
    }

    /// How something ends, as a line.
    private static func outcome(_ body: @Sendable () async throws -> Encoded) async -> String {
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
private func perform(_ operation: String, _ arguments: Command.Arguments, by client: Client) async throws -> Encoded {
    try arguments.only(taken[operation] ?? [])
    switch operation {
    case "create_payout":
        let request = try arguments.of(\.request).request()
        if let resume = arguments.resume {
            return Encoded(json(try await client.createPayout(arguments.of(\.payoutId), request, resume: resume)))
        }
        return Encoded(json(try await client.createPayout(arguments.of(\.payoutId), request)))
    case "get_payout":
        return Encoded(json(try await client.getPayout(arguments.of(\.payoutId))))
    case "wait_for_payout":
        let timeout = try seconds(arguments.of(\.timeout))
        return Encoded(json(try await client.waitForPayout(arguments.of(\.payoutId), timeout: timeout)))
    case "payout_options":
        let (segment, exchanged) = (arguments.segmentCode, arguments.exchangedToCurrency)
        let money = try arguments.of(\.money).money()
        return Encoded(
            try await client.payoutOptions(money, segmentCode: segment, exchangedToCurrency: exchanged).map(json))
    case "balances":
        return Encoded(try await client.balances(arguments.currencies ?? []).map(json))
    case "currencies":
        return Encoded(try await client.currencies())
    case "segments":
        return Encoded(try await client.segments())
    case "payment_operators":
        return Encoded(try await client.paymentOperators().map(json))
    case "payment_methods":
        return Encoded(try await client.paymentMethods())
    case "payment_options":
        return Encoded(try await client.paymentOptions(arguments.filter()).map(json))
    case "merchant_info":
        return Encoded(json(try await client.merchantInfo()))
    case "check_credentials":
        return Encoded(json(try await client.checkCredentials()))
    case "issue_token":
        let scope = try arguments.of(\.scope).scope()
        if let validity = arguments.validity {
            return Encoded(json(try await client.issueToken(scope, validity: seconds(validity))))
        }
        return Encoded(json(try await client.issueToken(scope)))
    case "callback_url":
        let (base, id, end) = (try arguments.of(\.base), try arguments.of(\.payoutId), try arguments.end())
        if let place = try arguments.signaturePlace() {
            return Encoded(try client.callbackUrl(base, id, expiresAt: end, place: place))
        }
        return Encoded(try client.callbackUrl(base, id, expiresAt: end))
    case "read_callback":
        return Encoded(json(try client.readCallback(arguments.of(\.body).data(), url: arguments.of(\.url))))
    case "handle_callback":
        return Encoded(json(try await client.handleCallback(arguments.of(\.body).data(), url: arguments.of(\.url))))
    case "take_changes":
        return Encoded(try await client.takeChanges(limit: arguments.limit ?? 100).map(json))
    case "acknowledge_change":
        try await client.acknowledgeChange(arguments.of(\.payoutId), arguments.of(\.sequence))
        return Encoded(nil)
    default:
        throw Broken(why: "no operation \(operation)")
    }
}
