package id.komopay

import id.komopay.ffi.PaymentTypeCode
import id.komopay.ffi.PayoutMethod
import java.time.Duration

/*
 * For Java, which has no named arguments: what is not called keeps its default. In Kotlin, use the constructors.
 */

/** The settings of a client: the base URL and the credentials, and what shall not have its default. */
public class ConfigBuilder(baseUrl: String, credentials: Credentials) {
    private var config = Config(baseUrl, credentials)

    /** Which tokens the client issues for itself: for one payout each. */
    public fun tokenScope(value: TokenScope): ConfigBuilder = set { copy(tokenScope = value) }

    /** For how long an issued token is asked to be valid: 600 s (60 to 3600). */
    public fun tokenValidity(value: Duration): ConfigBuilder = set { copy(tokenValidity = value) }

    /** The deadline of a whole call: 90 s. */
    public fun totalTimeout(value: Duration): ConfigBuilder = set { copy(totalTimeout = value) }

    /** The deadline of one request on the wire: 20 s, and at most half of the total. */
    public fun attemptTimeout(value: Duration): ConfigBuilder = set { copy(attemptTimeout = value) }

    /** The deadline for making a connection: 5 s. */
    public fun connectTimeout(value: Duration): ConfigBuilder = set { copy(connectTimeout = value) }

    /** For how long after a lost create a read may not yet show it: 30 s. */
    public fun settleWindow(value: Duration): ConfigBuilder = set { copy(settleWindow = value) }

    /** The longest first pause between attempts: 250 ms. */
    public fun backoffBase(value: Duration): ConfigBuilder = set { copy(backoffBase = value) }

    /** The longest pause between attempts: 5 s. */
    public fun backoffCap(value: Duration): ConfigBuilder = set { copy(backoffCap = value) }

    /** How many times a read is tried before it gives up: 4. */
    public fun readAttempts(value: Int): ConfigBuilder = set { copy(readAttempts = value) }

    /** How many requests are sent in a second at the most, such as 20.0 or 0.5: no limit. */
    public fun requestsPerSecond(value: Double): ConfigBuilder = set { copy(requestsPerSecond = value) }

    /** How many calls have a request under way at a time at the most: no limit. */
    public fun maxConcurrency(value: Int): ConfigBuilder = set { copy(maxConcurrency = value) }

    /** How many idle connections are kept open: 64. */
    public fun poolSize(value: Int): ConfigBuilder = set { copy(poolSize = value) }

    /** Whether each create goes over a connection of its own, so that a refusal needs no read to confirm it: no. */
    public fun connectionPerCreate(value: Boolean): ConfigBuilder = set { copy(connectionPerCreate = value) }

    /** The largest answer that is read, in bytes: 1 MiB. */
    public fun maxAnswerBytes(value: Int): ConfigBuilder = set { copy(maxAnswerBytes = value) }

    /** A proxy for every call. */
    public fun proxy(value: String): ConfigBuilder = set { copy(proxy = value) }

    /** A PEM file with certificate authorities to trust besides the operating system's. */
    public fun caFile(value: String): ConfigBuilder = set { copy(caFile = value) }

    /** The value of the `Id-Customer` header. */
    public fun customerId(value: String): ConfigBuilder = set { copy(customerId = value) }

    /** The most that one payout may be, for each currency named here. */
    public fun maxAmount(vararg value: Money): ConfigBuilder = set { copy(maxAmount = value.asList()) }

    /** True if this client is for test data, false if it is for live money. */
    public fun isTest(value: Boolean): ConfigBuilder = set { copy(isTest = value) }

    /** Whether a local proxy at this loopback address leads to the live platform: no. Only with `isTest(false)`. */
    public fun loopbackIsLive(value: Boolean): ConfigBuilder = set { copy(loopbackIsLive = value) }

    /** Whether requests are checked before they are sent: yes. */
    public fun validate(value: Boolean): ConfigBuilder = set { copy(validate = value) }

    /** The keys that callback URLs are signed with: the first signs, all verify. Each of 32 bytes or more, at most 8. */
    public fun callbackKeys(vararg value: String): ConfigBuilder = set { copy(callbackKeys = value.asList()) }

    /**
     * Where the changes of payouts are kept until they are handled: `ChangeStore.Sqlite`, or `ChangeStore.Memory`.
     *
     * A file belongs to the base URL, the merchant code (or to none: a token) and the `isTest` of the first client that is
     * made with it, and is refused to clients of others.
     */
    public fun changeStore(value: ChangeStore): ConfigBuilder = set { copy(changeStore = value) }

    /** For how long a change belongs to who took it: 60 s. */
    public fun changeLease(value: Duration): ConfigBuilder = set { copy(changeLease = value) }

    /** The deadline of a callback, which is answered with 503 then and posted again: 5 s, at most `totalTimeout`. */
    public fun callbackTimeout(value: Duration): ConfigBuilder = set { copy(callbackTimeout = value) }

    /** The settings. */
    public fun build(): Config = config

    private fun set(change: Config.() -> Config) = apply { config = config.change() }
}

/** A payout to be made: the money and the method, and what else there is to say. */
public class PayoutRequestBuilder(money: Money, method: PayoutMethod) {
    private var request = PayoutRequest(money, method)

    /** The customer's segment, where the merchant uses segments. */
    public fun segmentCode(value: String): PayoutRequestBuilder = set { copy(segmentCode = value) }

    /** The currency to exchange into. */
    public fun exchangedToCurrency(value: String): PayoutRequestBuilder = set { copy(exchangedToCurrency = value) }

    /** Where the platform posts status changes, at most 1000 characters. */
    public fun callbackUrl(value: String): PayoutRequestBuilder = set { copy(callbackUrl = value) }

    /** The customer's IPv4 or IPv6 address. */
    public fun customerIp(value: String): PayoutRequestBuilder = set { copy(customerIp = value) }

    /** The request. */
    public fun build(): PayoutRequest = request

    private fun set(change: PayoutRequest.() -> PayoutRequest) = apply { request = request.change() }
}

/** A transfer to a bank account: the bank's code, the holder's name and the number, and what else the bank needs. */
public class BankTransferBuilder(operatorCode: String, accountName: String, accountNumber: String) {
    private var transfer = BankTransfer(operatorCode, BankAccount(accountName, accountNumber))

    /** The payee's e-mail address. */
    public fun emailAddress(value: String): BankTransferBuilder = set { copy(emailAddress = value) }

    /** Free text. */
    public fun remark(value: String): BankTransferBuilder = set { copy(remark = value) }

    /** The kind of account; required for JPY and ZAR. */
    public fun accountType(value: String): BankTransferBuilder = account { copy(accountType = value) }

    /** The bank's own code; for INR the IFSC, required there. */
    public fun bankCode(value: String): BankTransferBuilder = account { copy(bankCode = value) }

    /** The bank's name. */
    public fun bankName(value: String): BankTransferBuilder = account { copy(bankName = value) }

    /** The branch; required for JPY. */
    public fun bankBranch(value: String): BankTransferBuilder = account { copy(bankBranch = value) }

    /** The bank's city. */
    public fun bankCity(value: String): BankTransferBuilder = account { copy(bankCity = value) }

    /** The bank's province. */
    public fun bankProvince(value: String): BankTransferBuilder = account { copy(bankProvince = value) }

    /** The method. */
    public fun build(): BankTransfer = transfer

    private fun set(change: BankTransfer.() -> BankTransfer) = apply { transfer = transfer.change() }

    private fun account(change: BankAccount.() -> BankAccount) = set { copy(account = account.change()) }
}

/** A transfer to a crypto wallet: the blockchain's code and the wallet's address. */
public class CryptoTransferBuilder(operatorCode: String, accountNumber: String) {
    private var transfer = CryptoTransfer(operatorCode, CryptoAccount(accountNumber))

    /** Free text. */
    public fun remark(value: String): CryptoTransferBuilder = apply { transfer = transfer.copy(remark = value) }

    /** The method. */
    public fun build(): CryptoTransfer = transfer
}

/** A transfer to an electronic wallet, of which nothing must be said. */
public class WalletTransferBuilder {
    private var transfer = WalletTransfer(WalletAccount())

    /** The holder's name; required for INR. */
    public fun name(value: String): WalletTransferBuilder = account { copy(name = value) }

    /** The wallet's address, `user@provider`, 1 to 100 characters. */
    public fun number(value: String): WalletTransferBuilder = account { copy(number = value) }

    /** The wallet provider's code. */
    public fun operatorCode(value: String): WalletTransferBuilder = set { copy(operatorCode = value) }

    /** The payee's phone, international, 7 to 16 characters. */
    public fun phoneNumber(value: String): WalletTransferBuilder = set { copy(phoneNumber = value) }

    /** Free text. */
    public fun remark(value: String): WalletTransferBuilder = set { copy(remark = value) }

    /** The method. */
    public fun build(): WalletTransfer = transfer

    private fun set(change: WalletTransfer.() -> WalletTransfer) = apply { transfer = transfer.change() }

    private fun account(change: WalletAccount.() -> WalletAccount) = set { copy(account = account.change()) }
}

/** Which payment options to list. What is not called does not filter. */
public class PaymentOptionFilterBuilder {
    private var filter = PaymentOptionFilter()

    /** Only this direction. */
    public fun typeCode(value: PaymentTypeCode): PaymentOptionFilterBuilder = set { copy(typeCode = value) }

    /** Only these methods. */
    public fun methodCodes(vararg value: String): PaymentOptionFilterBuilder = set { copy(methodCodes = value.asList()) }

    /** Only these currencies. */
    public fun currencies(vararg value: String): PaymentOptionFilterBuilder = set { copy(currencies = value.asList()) }

    /** Only these segments. */
    public fun segmentCodes(vararg value: String): PaymentOptionFilterBuilder = set { copy(segmentCodes = value.asList()) }

    /** Only these operators. */
    public fun operatorCodes(vararg value: String): PaymentOptionFilterBuilder = set { copy(operatorCodes = value.asList()) }

    /** The filter. */
    public fun build(): PaymentOptionFilter = filter

    private fun set(change: PaymentOptionFilter.() -> PaymentOptionFilter) = apply { filter = filter.change() }
}
