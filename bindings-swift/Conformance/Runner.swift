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
            let command = try Members(json: JSONSerialization.jsonObject(with: line))
            let what: String = try command.of("do")
            if what == "finish" {
                return try await call(command).value
            }
            return await Runner.outcome {
                let answer = try await self.act(what, command)
                try command.end()
                return answer
            }
        } catch {
            return await Runner.outcome { throw error }
        }
    }

    private func act(_ what: String, _ command: Members) async throws -> Encoded {
        switch what {
        case "open":
            clients[try command.of("client")] = try Client(command.of("settings"))
        case "call":
            return try await perform(command.of("operation"), command.of("arguments"), by: client(command))
        case "start":
            let (operation, arguments): (String, Members) = (try command.of("operation"), try command.of("arguments"))
            let client = try client(command)
            calls[try command.of("call")] = Task {
                await Runner.outcome { try await perform(operation, arguments, by: client) }
            }
        case "cancel":
            try call(command).cancel()
        case "close":
            try await client(command).close()
        case "make":
            return Encoded(try await make(command.of("value")).value.base)
        case "equal":
            let (left, right) = (try await make(command.of("left")).value, try await make(command.of("right")).value)
            return Encoded(members: ["equal": left == right, "same_hash": left.hashValue == right.hashValue])
        case "show":
            return Encoded(members: ["texts": try await make(command.of("value")).texts])
        case "fingerprint":
            let (request, key): (PayoutRequest, Data) = (try command.of("request"), try command.of("key"))
            return Encoded(try request.fingerprint(key: key))
        case "matches_fingerprint":
            let (request, key): (PayoutRequest, Data) = (try command.of("request"), try command.of("key"))
            return Encoded(try request.matchesFingerprint(key: key, stored: command.of("stored")))
        case "kinds":
            return Encoded(errorKinds())
        default:
            throw Broken(why: "nobody can do \(what)")
        }
        return Encoded(nil)
    }

    private func client(_ command: Members) throws -> Client {
        guard let client = clients[try command.of("client")] else { throw Broken(why: "no such client") }
        return client
    }

    private func call(_ command: Members) throws -> Task<String, Never> {
        guard let call = calls[try command.of("call")] else { throw Broken(why: "no such call") }
        return call
    }

    /// How something ends, as a line.
    private static func outcome(_ body: @Sendable () async throws -> Encoded) async -> String {
        do {
            return line(["ok": try await body().json])
        } catch let error as KomopayError {
            return line(["error": encode(error)])
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

/// Makes a call.
private func perform(_ operation: String, _ arguments: Members, by client: Client) async throws -> Encoded {
    let answer = try await answer(to: operation, arguments, by: client)
    try arguments.end()
    return Encoded(answer)
}

private func answer(to operation: String, _ arguments: Members, by client: Client) async throws -> Any? {
    switch operation {
    case "create_payout":
        let (id, request): (String, PayoutRequest) = (try arguments.of("payout_id"), try arguments.of("request"))
        guard let resume: Bool = try arguments["resume"] else { return try await client.createPayout(id, request) }
        return try await client.createPayout(id, request, resume: resume)
    case "get_payout":
        return try await client.getPayout(arguments.of("payout_id"))
    case "wait_for_payout":
        return try await client.waitForPayout(arguments.of("payout_id"), timeout: arguments.of("timeout") / 1000)
    case "payout_options":
        return try await client.payoutOptions(
            arguments.of("money"), segmentCode: arguments["segment_code"],
            exchangedToCurrency: arguments["exchanged_to_currency"])
    case "balances":
        return try await client.balances(arguments["currencies"] ?? [])
    case "currencies":
        return try await client.currencies()
    case "segments":
        return try await client.segments()
    case "payment_operators":
        return try await client.paymentOperators()
    case "payment_methods":
        return try await client.paymentMethods()
    case "payment_options":
        return try await client.paymentOptions(PaymentOptionFilter(arguments))
    case "merchant_info":
        return try await client.merchantInfo()
    case "check_credentials":
        return try await client.checkCredentials()
    case "issue_token":
        let scope: AccessScope = try arguments.of("scope")
        guard let validity = seconds(try arguments["validity"]) else { return try await client.issueToken(scope) }
        return try await client.issueToken(scope, validity: validity)
    case "callback_url":
        let (base, id): (String, String) = (try arguments.of("base"), try arguments.of("payout_id"))
        let end: Date? = try arguments["expires_at"]
        guard let place: SignaturePlace = try arguments["place"] else {
            return try client.callbackUrl(base, id, expiresAt: end)
        }
        return try client.callbackUrl(base, id, expiresAt: end, place: place)
    case "read_callback":
        return try client.readCallback(arguments.of("body"), url: arguments.of("url"))
    case "handle_callback":
        return try await client.handleCallback(arguments.of("body"), url: arguments.of("url"))
    case "take_changes":
        return try await client.takeChanges(limit: arguments["limit"] ?? 100)
    case "acknowledge_change":
        try await client.acknowledgeChange(arguments.of("payout_id"), arguments.of("sequence"))
        return nil
    default:
        throw Broken(why: "no operation \(operation)")
    }
}
