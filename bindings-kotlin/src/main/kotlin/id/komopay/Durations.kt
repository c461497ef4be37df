/* The same for the time spans of Kotlin. Java does not see them, whose own are in the classes themselves. */
package id.komopay

import kotlin.time.Duration
import kotlin.time.toJavaDuration
import kotlinx.coroutines.flow.Flow

/** Reads a payout until its status is final: see [Client.waitForPayout]. */
public suspend fun PayoutClient.waitForPayout(payoutId: String, timeout: Duration): Payout =
    waitForPayout(payoutId, timeout.toJavaDuration())

/** Waits for many payouts, for so long each: see [Client.waitForPayouts]. */
public fun PayoutClient.waitForPayouts(
    payoutIds: Collection<String>,
    timeout: Duration,
    readsPerSecond: Double = DEFAULT_READS_PER_SECOND,
): Flow<WaitedPayout> = waitForPayouts(payoutIds, timeout.toJavaDuration(), readsPerSecond)

/** This client with another deadline of a call, and with more headers: see [Client.withOptions]. */
public fun PayoutClient.withOptions(totalTimeout: Duration, headers: Map<String, String> = emptyMap()): PayoutClient =
    withOptions(totalTimeout.toJavaDuration(), headers)

/** This client with another deadline of a call, and with more headers: see [Client.withOptions]. */
public fun BlockingPayoutClient.withOptions(
    totalTimeout: Duration,
    headers: Map<String, String> = emptyMap(),
): BlockingPayoutClient = withOptions(totalTimeout.toJavaDuration(), headers)

/** The same of a [Client], which stays one. */
public fun Client.withOptions(totalTimeout: Duration, headers: Map<String, String> = emptyMap()): Client =
    withOptions(totalTimeout.toJavaDuration(), headers)

/** The same of a [BlockingClient], which stays one. */
public fun BlockingClient.withOptions(
    totalTimeout: Duration,
    headers: Map<String, String> = emptyMap(),
): BlockingClient = withOptions(totalTimeout.toJavaDuration(), headers)

/** A token for someone else, valid for so long (60 s to 3600 s): see [Client.issueToken]. */
public suspend fun PayoutClient.issueToken(scope: AccessScope, validity: Duration): AccessToken =
    issueToken(scope, validity.toJavaDuration())

/** Reads a payout until its status is final: see [Client.waitForPayout]. */
public fun BlockingPayoutClient.waitForPayout(payoutId: String, timeout: Duration): Payout =
    waitForPayout(payoutId, timeout.toJavaDuration())

/** Waits for many payouts, for so long each: see [BlockingClient.waitForPayouts]. */
public fun BlockingPayoutClient.waitForPayouts(
    payoutIds: Collection<String>,
    timeout: Duration,
    readsPerSecond: Double = DEFAULT_READS_PER_SECOND,
): PayoutWaits = waitForPayouts(payoutIds, timeout.toJavaDuration(), readsPerSecond)

/** A token for someone else, valid for so long (60 s to 3600 s): see [Client.issueToken]. */
public fun BlockingPayoutClient.issueToken(scope: AccessScope, validity: Duration): AccessToken =
    issueToken(scope, validity.toJavaDuration())

/** How long the platform asked to wait: see [KomopayException.retryAfter]. */
public fun KomopayExceptionBuilder.retryAfter(value: Duration): KomopayExceptionBuilder =
    retryAfter(value.toJavaDuration())
