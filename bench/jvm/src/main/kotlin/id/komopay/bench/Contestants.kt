package id.komopay.bench

import com.fasterxml.jackson.annotation.JsonIgnoreProperties
import com.fasterxml.jackson.databind.DeserializationFeature
import com.fasterxml.jackson.databind.ObjectMapper
import id.komopay.BankAccount
import id.komopay.BankTransfer
import id.komopay.BlockingClient
import id.komopay.Client
import id.komopay.Config
import id.komopay.Credentials
import id.komopay.InvalidRequestException
import id.komopay.Money
import id.komopay.PayoutRequest
import id.komopay.token
import java.math.BigDecimal
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse
import okhttp3.ConnectionPool
import okhttp3.MediaType.Companion.toMediaType
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.RequestBody.Companion.toRequestBody
import java.util.concurrent.TimeUnit

/*
 * All do the same work: build the documented request from typed values with an id of its own, send it with the
 * documented headers and a ready token, check the status, and read money and method from the answer as typed values.
 */

internal val BLOCKING: Map<String, (String) -> (String) -> Unit> =
    mapOf("komopay" to ::komopay, "okhttp" to ::okhttp, "java-net-http" to ::javaNetHttp)

internal val COROUTINES: Map<String, (String) -> suspend (String) -> Unit> = mapOf("komopay-coroutines" to ::coroutines)

/** What crosses the border and sends nothing. */
internal val CROSSINGS: Map<String, () -> (String) -> Unit> =
    mapOf("nothing" to ::nothing, "money" to ::money, "refused" to ::refused)

private fun config(url: String) = Config(url, Credentials.token("ready-token"))

private fun request() = PayoutRequest(
    money = Money("10000", "IDR"),
    method = BankTransfer("BNK_000", BankAccount("Test account", "11223344"), emailAddress = "customer@test.com"),
)

private fun komopay(url: String): (String) -> Unit {
    val client = BlockingClient(config(url))
    return { id -> client.createPayout(id, request()) }
}

private fun coroutines(url: String): suspend (String) -> Unit {
    val client = Client(config(url))
    return { id -> client.createPayout(id, request()) }
}

private val HEADERS =
    mapOf("Accept" to "application/json", "X-API-Version" to "2", "Authorization" to "Bearer ready-token")

private fun okhttp(url: String): (String) -> Unit {
    // As many kept connections as callers: the default of 5 would make new ones all the time.
    val client = OkHttpClient.Builder().connectionPool(ConnectionPool(64, 5, TimeUnit.MINUTES)).build()
    val json = "application/json".toMediaType()
    return { id ->
        val request = Request.Builder().url("$url/payouts/$id").post(body().toRequestBody(json))
        for ((name, value) in HEADERS) request.header(name, value)
        client.newCall(request.build()).execute().use { accepted(it.code, it.body.bytes()) }
    }
}

private fun javaNetHttp(url: String): (String) -> Unit {
    val client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()
    return { id ->
        val request = HttpRequest.newBuilder(URI("$url/payouts/$id")).header("Content-Type", "application/json")
        for ((name, value) in HEADERS) request.header(name, value)
        request.POST(HttpRequest.BodyPublishers.ofByteArray(body()))
        val answer = client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray())
        accepted(answer.statusCode(), answer.body())
    }
}

private val JSON = ObjectMapper().enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)

/** The documented request, as a user of a plain HTTP client builds it. */
private fun body(): ByteArray = JSON.writeValueAsBytes(
    Body(
        Requested(Amount(BigDecimal("10000"), "IDR")),
        Method("BANK_TRANSFER", Account("Test account", "11223344"), "BNK_000", "customer@test.com"),
    ),
)

/** The answer, checked and typed. */
private fun accepted(status: Int, body: ByteArray): Accepted {
    check(status == 201) { "answered $status" }
    val answer = JSON.readValue(body, AcceptedBody::class.java)
    val money = checkNotNull(answer.paymentRequested?.money)
    return Accepted(
        checkNotNull(money.amount), checkNotNull(money.currencyCode),
        checkNotNull(answer.paymentMethodResponse?.paymentMethodCode),
    )
}

private class Accepted(val amount: BigDecimal, val currency: String, val method: String)

private class Body(@JvmField val paymentRequested: Requested, @JvmField val paymentMethod: Method)

private class Requested(@JvmField val money: Amount)

private class Amount(@JvmField val amount: BigDecimal, @JvmField val currencyCode: String)

private class Method(
    @JvmField val paymentMethodCode: String,
    @JvmField val account: Account,
    @JvmField val paymentOperatorCode: String,
    @JvmField val emailAddress: String,
)

private class Account(@JvmField val accountName: String, @JvmField val accountNumber: String)

@JsonIgnoreProperties(ignoreUnknown = true)
private class AcceptedBody {
    @JvmField var paymentRequested: AcceptedRequested? = null
    @JvmField var paymentMethodResponse: AcceptedMethod? = null
}

@JsonIgnoreProperties(ignoreUnknown = true)
private class AcceptedRequested {
    @JvmField var money: AcceptedMoney? = null
}

@JsonIgnoreProperties(ignoreUnknown = true)
private class AcceptedMoney {
    @JvmField var amount: BigDecimal? = null
    @JvmField var currencyCode: String? = null
}

@JsonIgnoreProperties(ignoreUnknown = true)
private class AcceptedMethod {
    @JvmField var paymentMethodCode: String? = null
}

/** Nobody listens there. */
private const val NOBODY = "http://127.0.0.1:9"

private fun nothing(): (String) -> Unit {
    val client = BlockingClient(config(NOBODY))
    return { check(client.createsUnderWay().isEmpty()) }
}

private fun money(): (String) -> Unit = { check(Money("10000", "IDR").currency == "IDR") }

private fun refused(): (String) -> Unit {
    val client = BlockingClient(config(NOBODY))
    val request = request().copy(customerIp = "not an address")
    return { id ->
        try {
            client.createPayout(id, request)
            error("it was not refused")
        } catch (error: InvalidRequestException) {
            check(error.field == "customer_ip")
        }
    }
}
