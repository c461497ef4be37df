package id.komopay.opentelemetry

import id.komopay.AccessScope
import id.komopay.AccessToken
import id.komopay.AsyncPayoutClient
import id.komopay.Balance
import id.komopay.Callback
import id.komopay.KomopayException
import id.komopay.MerchantInfo
import id.komopay.Money
import id.komopay.PaymentOperator
import id.komopay.PaymentOption
import id.komopay.PaymentOptionFilter
import id.komopay.Payout
import id.komopay.PayoutAccepted
import id.komopay.PayoutChange
import id.komopay.PayoutOption
import id.komopay.PayoutRequest
import id.komopay.SignaturePlace
import id.komopay.WaitedPayout
import io.opentelemetry.api.OpenTelemetry
import java.time.Duration
import java.time.Instant
import java.util.concurrent.CompletableFuture
import java.util.function.Consumer

/**
 * As [TracedClient], for the futures of Java. The context is that of who makes the call. A wait for many payouts is no
 * span here.
 *
 * ```java
 * AsyncPayoutClient client = new TracedAsyncClient(new AsyncClient(config), openTelemetry);
 * ```
 *
 * @param client The client that makes the calls. Closing this one closes it.
 * @param openTelemetry The application's, such as `GlobalOpenTelemetry.get()`.
 */
public class TracedAsyncClient private constructor(
    private val client: AsyncPayoutClient,
    private val telemetry: Telemetry,
) : AsyncPayoutClient {
    public constructor(client: AsyncPayoutClient, openTelemetry: OpenTelemetry) :
        this(client, Telemetry(openTelemetry, client.baseUrl))

    override val baseUrl: String? get() = client.baseUrl

    @Throws(KomopayException::class)
    override fun withOptions(totalTimeout: Duration?, headers: Map<String, String>): AsyncPayoutClient =
        TracedAsyncClient(client.withOptions(totalTimeout, headers), telemetry)

    override fun createPayout(
        payoutId: String,
        request: PayoutRequest,
        resume: Boolean,
    ): CompletableFuture<PayoutAccepted> = traced("create_payout", payoutId) { createPayout(payoutId, request, resume) }

    override fun getPayout(payoutId: String): CompletableFuture<Payout> =
        traced("get_payout", payoutId) { getPayout(payoutId) }

    override fun waitForPayout(payoutId: String, timeout: Duration): CompletableFuture<Payout> =
        traced("wait_for_payout", payoutId) { waitForPayout(payoutId, timeout) }

    override fun payoutOptions(
        money: Money,
        segmentCode: String?,
        exchangedToCurrency: String?,
    ): CompletableFuture<List<PayoutOption>> =
        traced("payout_options") { payoutOptions(money, segmentCode, exchangedToCurrency) }

    override fun balances(currencies: List<String>): CompletableFuture<List<Balance>> =
        traced("balances") { balances(currencies) }

    override fun currencies(): CompletableFuture<List<String>> = traced("currencies") { currencies() }

    override fun segments(): CompletableFuture<List<String>> = traced("segments") { segments() }

    override fun paymentOperators(): CompletableFuture<List<PaymentOperator>> =
        traced("payment_operators") { paymentOperators() }

    override fun paymentMethods(): CompletableFuture<List<String>> = traced("payment_methods") { paymentMethods() }

    override fun paymentOptions(filter: PaymentOptionFilter): CompletableFuture<List<PaymentOption>> =
        traced("payment_options") { paymentOptions(filter) }

    override fun merchantInfo(): CompletableFuture<MerchantInfo> = traced("merchant_info") { merchantInfo() }

    override fun issueToken(scope: AccessScope, validity: Duration): CompletableFuture<AccessToken> =
        traced("issue_token") { issueToken(scope, validity) }

    override fun checkCredentials(): CompletableFuture<MerchantInfo> =
        traced("check_credentials") { checkCredentials() }

    override fun handleCallback(body: ByteArray, url: String): CompletableFuture<Payout> =
        traced("handle_callback") { handleCallback(body, url) }

    override fun waitForPayouts(
        payoutIds: Collection<String>,
        timeout: Duration,
        readsPerSecond: Double,
        each: Consumer<WaitedPayout>,
    ): CompletableFuture<Void> = client.waitForPayouts(payoutIds, timeout, readsPerSecond, each)

    override fun createsUnderWay(): List<String> = client.createsUnderWay()

    @Throws(KomopayException::class)
    override fun callbackUrl(base: String, payoutId: String, expiresAt: Instant?, place: SignaturePlace): String =
        client.callbackUrl(base, payoutId, expiresAt, place)

    @Throws(KomopayException::class)
    override fun readCallback(body: ByteArray, url: String): Callback = client.readCallback(body, url)

    override fun takeChanges(limit: Int): CompletableFuture<List<PayoutChange>> = client.takeChanges(limit)

    override fun acknowledgeChange(payoutId: String, sequence: Long): CompletableFuture<Void> =
        client.acknowledgeChange(payoutId, sequence)

    override fun close(): Unit = client.close()

    private fun <T> traced(
        operation: String,
        payoutId: String? = null,
        call: AsyncPayoutClient.() -> CompletableFuture<T>,
    ): CompletableFuture<T> = telemetry.ofFuture(operation, payoutId) { headers ->
        (if (headers.isEmpty()) client else client.withOptions(null, headers)).call()
    }
}
