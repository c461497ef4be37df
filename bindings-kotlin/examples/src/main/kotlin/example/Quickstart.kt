/*
 * Makes the payout that KomoPay documents, and follows it until it is final.
 *
 * The settings come from the environment: KOMOPAY_BASE_URL, KOMOPAY_MERCHANT_CODE and KOMOPAY_SECRET.
 * `cargo xtask demo kotlin` runs this program against a gateway on your machine.
 */
package example

import id.komopay.BankAccount
import id.komopay.BankTransfer
import id.komopay.Client
import id.komopay.Config
import id.komopay.Credentials
import id.komopay.Money
import id.komopay.OutcomeUnknownException
import id.komopay.PayoutRequest
import id.komopay.PayoutStatus
import id.komopay.merchant
import id.komopay.use
import java.time.Duration
import kotlin.system.exitProcess
import kotlinx.coroutines.runBlocking

// One payout has one id for ever. Store it in your database before the first call.
const val PAYOUT_ID = "TST-223344"

val request = PayoutRequest(
    money = Money("10000", "IDR"),
    method = BankTransfer(operatorCode = "BNK_000", emailAddress = "customer@test.com",
        account = BankAccount(name = "Test account", number = "11223344")),
    callbackUrl = "https://callback.example.com",
)

/** Pays, waits, and tells the shell whether the money has arrived. */
suspend fun pay(client: Client): Int {
    println("creating    $PAYOUT_ID: ${request.money}")
    try {
        val accepted = client.createPayout(PAYOUT_ID, request)
        println("accepted    ${accepted.payoutId}, transaction ${accepted.reference}")
    } catch (error: OutcomeUnknownException) {
        // It may exist. Keep the id, and run this again later with resume = true: it is never paid twice.
        println("unknown     ${error.message}")
        return 2
    }
    // It returns on FAILED and REFUSED, too: look at the status.
    val payout = client.waitForPayout(PAYOUT_ID, Duration.ofSeconds(60))
    println("${payout.status.code().padEnd(11)} at ${payout.processedAt}, fee ${payout.fee}")
    return if (payout.status == PayoutStatus.Success) 0 else 1
}

fun main() {
    val setting = { name: String -> System.getenv(name) ?: error("$name is not set") }
    val credentials = Credentials.merchant(setting("KOMOPAY_MERCHANT_CODE"), setting("KOMOPAY_SECRET"))
    exitProcess(runBlocking { Client(Config(setting("KOMOPAY_BASE_URL"), credentials)).use(::pay) })
}
