/*
 * The app's half of a hand-off: it has no secret, only the token that its server gave it (issue_token.py, or any other
 * language). With it, it makes that one payout of that money, follows it, and can do nothing else.
 *
 * Arguments: the payout's id, its amount and its currency. Settings: KOMOPAY_BASE_URL and KOMOPAY_TOKEN.
 */
package example

import id.komopay.BankAccount
import id.komopay.BankTransfer
import id.komopay.Client
import id.komopay.Config
import id.komopay.Credentials
import id.komopay.Money
import id.komopay.PayoutRequest
import id.komopay.PayoutStatus
import id.komopay.PermissionDeniedException
import id.komopay.token
import id.komopay.use
import java.time.Duration
import kotlinx.coroutines.runBlocking

fun main(arguments: Array<String>) = runBlocking {
    val (payoutId, amount, currency) = arguments
    val money = Money(amount, currency)
    val payee = BankTransfer("BNK_000", BankAccount("Test account", "11223344"))
    val config = Config(System.getenv("KOMOPAY_BASE_URL"), Credentials.token(System.getenv("KOMOPAY_TOKEN")))
    Client(config).use { client ->
        denied("another payout") { client.createPayout("$payoutId-2", PayoutRequest(money, payee)) }
        val more = Money(money.amount + 1.toBigDecimal(), currency)
        denied("another sum") { client.createPayout(payoutId, PayoutRequest(more, payee)) }
        denied("the balances") { client.balances() }
        denied("the merchant") { client.merchantInfo() }

        client.createPayout(payoutId, PayoutRequest(money, payee))
        val payout = client.waitForPayout(payoutId, Duration.ofSeconds(60))
        println("${payout.status.code().padEnd(11)} $payoutId, $money")
        check(payout.status == PayoutStatus.Success)
    }
}

private suspend fun denied(what: String, call: suspend () -> Any) {
    try {
        call()
        error("the token was good for $what")
    } catch (error: PermissionDeniedException) {
        val by = if (error.attempts.isEmpty()) "here" else "by the platform"
        println("denied $by: $what")
    }
}
