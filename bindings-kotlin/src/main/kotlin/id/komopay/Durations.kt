/* The same for the time spans of Kotlin. Java does not see them, whose own are in the classes themselves. */
package id.komopay

import kotlin.time.Duration
import kotlin.time.toJavaDuration

/** Reads a payout until its status is final: see [Client.waitForPayout]. */
public suspend fun PayoutClient.waitForPayout(payoutId: String, timeout: Duration): Payout =
    waitForPayout(payoutId, timeout.toJavaDuration())

/** A token for someone else, valid for so long (60 s to 3600 s): see [Client.issueToken]. */
public suspend fun PayoutClient.issueToken(scope: AccessScope, validity: Duration): AccessToken =
    issueToken(scope, validity.toJavaDuration())

/** Reads a payout until its status is final: see [Client.waitForPayout]. */
public fun BlockingPayoutClient.waitForPayout(payoutId: String, timeout: Duration): Payout =
    waitForPayout(payoutId, timeout.toJavaDuration())

/** A token for someone else, valid for so long (60 s to 3600 s): see [Client.issueToken]. */
public fun BlockingPayoutClient.issueToken(scope: AccessScope, validity: Duration): AccessToken =
    issueToken(scope, validity.toJavaDuration())

/** How long the platform asked to wait: see [KomopayException.retryAfter]. */
public fun KomopayExceptionBuilder.retryAfter(value: Duration): KomopayExceptionBuilder =
    retryAfter(value.toJavaDuration())
