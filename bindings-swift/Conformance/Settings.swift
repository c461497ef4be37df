import KomoPay

extension Config: Composed {
    init(_ given: Members) throws {
        self.init(
            baseUrl: try given.of("base_url"), credentials: try Credentials(given),
            tokenScope: try given["token_scope"], tokenValidity: seconds(try given["token_validity"]),
            totalTimeout: seconds(try given["total_timeout"]),
            attemptTimeout: seconds(try given["attempt_timeout"]),
            connectTimeout: seconds(try given["connect_timeout"]), settleWindow: seconds(try given["settle_window"]),
            backoffBase: seconds(try given["backoff_base"]), backoffCap: seconds(try given["backoff_cap"]),
            readAttempts: try given["read_attempts"], requestsPerSecond: try given["requests_per_second"],
            maxConcurrency: try given["max_concurrency"], poolSize: try given["pool_size"],
            connectionPerCreate: try given["connection_per_create"], maxAnswerBytes: try given["max_answer_bytes"],
            proxy: try given["proxy"], proxyFromEnvironment: try given["proxy_from_environment"],
            caFile: try given["ca_file"], customerId: try given["customer_id"],
            maxAmount: try given["max_amount"] ?? [], isTest: try given["is_test"],
            loopbackIsLive: try given["loopback_is_live"], validate: try given["validate"],
            callbackKeys: try given["callback_keys"] ?? [], changeStore: try given["change_store"],
            changeLease: seconds(try given["change_lease"]), keepChanges: seconds(try given["keep_changes"]),
            callbackTimeout: seconds(try given["callback_timeout"]))
    }
}

extension ChangeStore: Decoded {
    /// `memory`, or the path of a file.
    init(json: Any) throws {
        let text = try String(json: json)
        self = text == "memory" ? .memory : .sqlite(path: text)
    }
}

extension TokenScope: Decoded {
    init(json: Any) throws {
        switch try String(json: json) {
        case "payout": self = .payout
        case "everything": self = .everything
        case let other: throw Broken(why: "no token scope \(other)")
        }
    }
}

extension Credentials {
    init(_ given: Members) throws {
        let (code, secret): (String?, String?) = (try given["merchant_code"], try given["secret"])
        let (token, tokens): (String?, [String?]?) = (try given["token"], try given["provider"])
        switch (code, secret, token, tokens) {
        case (let code?, let secret?, nil, nil): self = .merchant(merchantCode: code, secret: secret)
        case (nil, nil, let token?, nil): self = .token(token: token)
        case (nil, nil, nil, let tokens?):
            let turns = Turns(tokens)
            self = .provider { try await turns.next() }
        default: throw Broken(why: "Swift has no form for these credentials")
        }
    }
}

/// A token of a provider, or that it fails.
extension Optional: Decoded where Wrapped == String {
    init(json: Any) { self = json as? String }
}

/// Gives one token after the other, the last one for ever.
private actor Turns {
    private var tokens: ArraySlice<String?>

    init(_ tokens: [String?]) {
        self.tokens = tokens[...]
    }

    func next() throws -> String {
        let turn = tokens.count > 1 ? tokens.removeFirst() : tokens.first ?? nil
        guard let turn else { throw Broken(why: "told to fail") }
        return turn
    }
}
