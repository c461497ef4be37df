package id.komopay.opentelemetry

import id.komopay.AccessScope
import id.komopay.AccessToken
import id.komopay.Balance
import id.komopay.MerchantInfo
import id.komopay.Money
import id.komopay.PaymentOperator
import id.komopay.PaymentOption
import id.komopay.PaymentOptionFilter
import id.komopay.Payout
import id.komopay.PayoutAccepted
import id.komopay.PayoutClient
import id.komopay.PayoutOption
import id.komopay.PayoutRequest
import id.komopay.WaitedPayout
import io.opentelemetry.api.OpenTelemetry
import java.time.Duration
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.emitAll
import kotlinx.coroutines.flow.flow

/**
 * A client whose calls are spans and metrics of OpenTelemetry, in the context of who makes them: each call a span
 * `komopay create_payout`, its requests client spans below it, which carry the trace on (`traceparent`, or what the
 * application's propagator writes). docs/observability.md lists the names. Nothing in them is secret or of an account.
 *
 * The requests of a call are told by its result or its error. Calls that give a list, an [AccessToken] or the
 * merchant's data tell none, and are a span alone, as are one that its caller leaves and a wait for many payouts. What
 * is no call to the platform (callback URLs, the change store) is no span.
 *
 * ```
 * val client: PayoutClient = TracedClient(Client(config), openTelemetry)
 * ```
 *
 * @param client The client that makes the calls. Closing this one closes it.
 * @param openTelemetry The application's, such as `GlobalOpenTelemetry.get()`.
 */
public class TracedClient private constructor(
    private val client: PayoutClient,
    private val telemetry: Telemetry,
) : PayoutClient by client {
    public constructor(client: PayoutClient, openTelemetry: OpenTelemetry) :
        this(client, Telemetry(openTelemetry, client.baseUrl))

    override fun withOptions(totalTimeout: Duration?, headers: Map<String, String>): PayoutClient =
        TracedClient(client.withOptions(totalTimeout, headers), telemetry)

    override suspend fun createPayout(payoutId: String, request: PayoutRequest, resume: Boolean): PayoutAccepted =
        traced("create_payout", payoutId) { createPayout(payoutId, request, resume) }

    override suspend fun getPayout(payoutId: String): Payout = traced("get_payout", payoutId) { getPayout(payoutId) }

    override suspend fun waitForPayout(payoutId: String, timeout: Duration): Payout =
        traced("wait_for_payout", payoutId) { waitForPayout(payoutId, timeout) }

    override suspend fun payoutOptions(
        money: Money,
        segmentCode: String?,
        exchangedToCurrency: String?,
    ): List<PayoutOption> = traced("payout_options") { payoutOptions(money, segmentCode, exchangedToCurrency) }

    override suspend fun balances(vararg currencies: String): List<Balance> =
        traced("balances") { balances(currencies.asList()) }

    override suspend fun balances(currencies: List<String>): List<Balance> = traced("balances") { balances(currencies) }

    override suspend fun currencies(): List<String> = traced("currencies") { currencies() }

    override suspend fun segments(): List<String> = traced("segments") { segments() }

    override suspend fun paymentOperators(): List<PaymentOperator> = traced("payment_operators") { paymentOperators() }

    override suspend fun paymentMethods(): List<String> = traced("payment_methods") { paymentMethods() }

    override suspend fun paymentOptions(filter: PaymentOptionFilter): List<PaymentOption> =
        traced("payment_options") { paymentOptions(filter) }

    override suspend fun merchantInfo(): MerchantInfo = traced("merchant_info") { merchantInfo() }

    override suspend fun issueToken(scope: AccessScope, validity: Duration): AccessToken =
        traced("issue_token") { issueToken(scope, validity) }

    override suspend fun checkCredentials(): MerchantInfo = traced("check_credentials") { checkCredentials() }

    override suspend fun handleCallback(body: ByteArray, url: String): Payout =
        traced("handle_callback") { handleCallback(body, url) }

    override fun waitForPayouts(
        payoutIds: Collection<String>,
        timeout: Duration,
        readsPerSecond: Double,
    ): Flow<WaitedPayout> = flow {
        traced("wait_for_payouts") { emitAll(waitForPayouts(payoutIds, timeout, readsPerSecond)) }
    }

    private suspend fun <T> traced(
        operation: String,
        payoutId: String? = null,
        call: suspend PayoutClient.() -> T,
    ): T = telemetry.of(operation, payoutId) { headers ->
        (if (headers.isEmpty()) client else client.withOptions(headers = headers)).call()
    }
}
