package id.komopay.opentelemetry

import id.komopay.AccessScope
import id.komopay.AccessToken
import id.komopay.Balance
import id.komopay.BlockingPayoutClient
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
import id.komopay.PayoutWaits
import id.komopay.SignaturePlace
import io.opentelemetry.api.OpenTelemetry
import java.time.Duration
import java.time.Instant

/**
 * As [TracedClient], for who blocks. A wait for many payouts is no span here: it goes on with the loop over it.
 *
 * ```java
 * BlockingPayoutClient client = new TracedBlockingClient(new BlockingClient(config), openTelemetry);
 * ```
 *
 * @param client The client that makes the calls. Closing this one closes it.
 * @param openTelemetry The application's, such as `GlobalOpenTelemetry.get()`.
 */
public class TracedBlockingClient private constructor(
    private val client: BlockingPayoutClient,
    private val telemetry: Telemetry,
) : BlockingPayoutClient {
    public constructor(client: BlockingPayoutClient, openTelemetry: OpenTelemetry) :
        this(client, Telemetry(openTelemetry, client.baseUrl))

    override val baseUrl: String? get() = client.baseUrl

    @Throws(KomopayException::class)
    override fun withOptions(totalTimeout: Duration?, headers: Map<String, String>): BlockingPayoutClient =
        TracedBlockingClient(client.withOptions(totalTimeout, headers), telemetry)

    @Throws(KomopayException::class, InterruptedException::class)
    override fun createPayout(payoutId: String, request: PayoutRequest, resume: Boolean): PayoutAccepted =
        traced("create_payout", payoutId) { createPayout(payoutId, request, resume) }

    @Throws(KomopayException::class, InterruptedException::class)
    override fun getPayout(payoutId: String): Payout = traced("get_payout", payoutId) { getPayout(payoutId) }

    @Throws(KomopayException::class, InterruptedException::class)
    override fun waitForPayout(payoutId: String, timeout: Duration): Payout =
        traced("wait_for_payout", payoutId) { waitForPayout(payoutId, timeout) }

    @Throws(KomopayException::class, InterruptedException::class)
    override fun payoutOptions(money: Money, segmentCode: String?, exchangedToCurrency: String?): List<PayoutOption> =
        traced("payout_options") { payoutOptions(money, segmentCode, exchangedToCurrency) }

    @Throws(KomopayException::class, InterruptedException::class)
    override fun balances(currencies: List<String>): List<Balance> = traced("balances") { balances(currencies) }

    @Throws(KomopayException::class, InterruptedException::class)
    override fun currencies(): List<String> = traced("currencies") { currencies() }

    @Throws(KomopayException::class, InterruptedException::class)
    override fun segments(): List<String> = traced("segments") { segments() }

    @Throws(KomopayException::class, InterruptedException::class)
    override fun paymentOperators(): List<PaymentOperator> = traced("payment_operators") { paymentOperators() }

    @Throws(KomopayException::class, InterruptedException::class)
    override fun paymentMethods(): List<String> = traced("payment_methods") { paymentMethods() }

    @Throws(KomopayException::class, InterruptedException::class)
    override fun paymentOptions(filter: PaymentOptionFilter): List<PaymentOption> =
        traced("payment_options") { paymentOptions(filter) }

    @Throws(KomopayException::class, InterruptedException::class)
    override fun merchantInfo(): MerchantInfo = traced("merchant_info") { merchantInfo() }

    @Throws(KomopayException::class, InterruptedException::class)
    override fun issueToken(scope: AccessScope, validity: Duration): AccessToken =
        traced("issue_token") { issueToken(scope, validity) }

    @Throws(KomopayException::class, InterruptedException::class)
    override fun checkCredentials(): MerchantInfo = traced("check_credentials") { checkCredentials() }

    @Throws(KomopayException::class, InterruptedException::class)
    override fun handleCallback(body: ByteArray, url: String): Payout =
        traced("handle_callback") { handleCallback(body, url) }

    @Throws(KomopayException::class)
    override fun waitForPayouts(payoutIds: Collection<String>, timeout: Duration, readsPerSecond: Double): PayoutWaits =
        client.waitForPayouts(payoutIds, timeout, readsPerSecond)

    override fun createsUnderWay(): List<String> = client.createsUnderWay()

    @Throws(KomopayException::class)
    override fun callbackUrl(base: String, payoutId: String, expiresAt: Instant?, place: SignaturePlace): String =
        client.callbackUrl(base, payoutId, expiresAt, place)

    @Throws(KomopayException::class)
    override fun readCallback(body: ByteArray, url: String): Callback = client.readCallback(body, url)

    @Throws(KomopayException::class, InterruptedException::class)
    override fun takeChanges(limit: Int): List<PayoutChange> = client.takeChanges(limit)

    @Throws(KomopayException::class, InterruptedException::class)
    override fun acknowledgeChange(payoutId: String, sequence: Long): Unit =
        client.acknowledgeChange(payoutId, sequence)

    override fun close(): Unit = client.close()

    private inline fun <T> traced(
        operation: String,
        payoutId: String? = null,
        call: BlockingPayoutClient.() -> T,
    ): T = telemetry.of(operation, payoutId) { headers ->
        (if (headers.isEmpty()) client else client.withOptions(headers = headers)).call()
    }
}
