import KomoPay

extension Command {
    /// Settings of a client, spans in milliseconds.
    struct Settings: Decodable, Sendable {
        let baseUrl: String
        let merchantCode: String?
        let secret: String?
        let token: String?
        let provider: [String?]?
        let tokenScope: String?
        let tokenValidity: Double?
        let totalTimeout: Double?
        let attemptTimeout: Double?
        let connectTimeout: Double?
        let settleWindow: Double?
        let backoffBase: Double?
        let backoffCap: Double?
        let readAttempts: Int?
        let requestsPerSecond: Double?
        let maxConcurrency: Int?
        let poolSize: Int?
        let connectionPerCreate: Bool?
        let maxAnswerBytes: Int?
        let proxy: String?
        let caFile: String?
        let customerId: String?
        let maxAmount: [Sum]?
        let isTest: Bool?
        let loopbackIsLive: Bool?
        let validate: Bool?
        let callbackKeys: [String]?
        let changeStore: String?
        let changeLease: Double?
        let callbackTimeout: Double?

        func config() throws -> Config {
            Config(
                baseUrl: baseUrl, credentials: try credentials(), tokenScope: try scope(),
                tokenValidity: tokenValidity.map(seconds), totalTimeout: totalTimeout.map(seconds),
                attemptTimeout: attemptTimeout.map(seconds), connectTimeout: connectTimeout.map(seconds),
                settleWindow: settleWindow.map(seconds), backoffBase: backoffBase.map(seconds),
                backoffCap: backoffCap.map(seconds), readAttempts: readAttempts,
                requestsPerSecond: requestsPerSecond, maxConcurrency: maxConcurrency, poolSize: poolSize,
                connectionPerCreate: connectionPerCreate, maxAnswerBytes: maxAnswerBytes, proxy: proxy, caFile: caFile,
                customerId: customerId, maxAmount: try maxAmount?.map { try $0.money() } ?? [], isTest: isTest,
                loopbackIsLive: loopbackIsLive, validate: validate, callbackKeys: callbackKeys ?? [],
                changeStore: store(), changeLease: changeLease.map(seconds),
                callbackTimeout: callbackTimeout.map(seconds))
        }

        /// `memory`, or the path of a file.
        private func store() -> ChangeStore? {
            changeStore.map { $0 == "memory" ? .memory : .sqlite(path: $0) }
        }

        private func credentials() throws -> Credentials {
            switch (merchantCode, secret, token, provider) {
            case (let code?, let secret?, nil, nil):
                return .merchant(merchantCode: code, secret: secret)
            case (nil, nil, let token?, nil):
                return .token(token: token)
            case (nil, nil, nil, let tokens?):
                let turns = Turns(tokens)
                return .provider { try await turns.next() }
            default:
                throw Broken(why: "Swift has no form for these credentials")
            }
        }

        private func scope() throws -> TokenScope? {
            switch tokenScope {
            case nil: nil
            case "payout": .payout
            case "everything": .everything
            case let other?: throw Broken(why: "no token scope \(other)")
            }
        }
    }
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
