package id.komopay.spring

import id.komopay.BlockingClient
import id.komopay.ChangeStore
import id.komopay.Config
import id.komopay.ConfigurationException
import id.komopay.Credentials
import id.komopay.InvalidRequestException
import id.komopay.Money
import id.komopay.setShutdownHook
import java.math.BigDecimal
import org.apache.commons.logging.LogFactory
import org.springframework.beans.factory.ObjectProvider
import org.springframework.boot.actuate.endpoint.SanitizingFunction
import org.springframework.boot.autoconfigure.AutoConfiguration
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty
import org.springframework.boot.context.properties.EnableConfigurationProperties
import org.springframework.context.SmartLifecycle
import org.springframework.context.annotation.Bean
import org.springframework.context.annotation.Configuration

/**
 * Makes a [BlockingClient] of the properties `komopay.*` ([KomopayProperties]), and what belongs to it.
 *
 * - The client is there where `komopay.base-url` is, unless the application has one of its own. With a bean of
 *   [Credentials], that is who the merchant is. It is closed as the last of the application: what is stopped or
 *   destroyed before can still pay.
 * - The endpoints of Spring Boot's actuator show no secret of it.
 * - [KomopayCallbacksAutoConfiguration] receives callbacks, [KomopayHealthAutoConfiguration] tells whether the platform
 *   answers, [KomopayJacksonAutoConfiguration] lets the application's mapper read and write the SDK's values.
 *
 * A property that cannot be used ends the start, and is named.
 */
@AutoConfiguration
@EnableConfigurationProperties(KomopayProperties::class)
public class KomopayAutoConfiguration {
    /** The client, with the settings `komopay.*`. */
    @Bean
    @ConditionalOnMissingBean
    @ConditionalOnProperty("komopay.base-url")
    public fun komopayClient(properties: KomopayProperties, credentials: ObjectProvider<Credentials>): BlockingClient {
        val client = namingProperties {
            BlockingClient(config(properties, credentials.ifUnique ?: merchant(properties)))
        }
        // It would refuse calls as soon as the JVM shuts down, while Spring still ends what it has begun.
        setShutdownHook(false)
        return client
    }

    /** Names the creates that are still under way when the client is closed, which waits for them. */
    @Bean
    @ConditionalOnBean(BlockingClient::class)
    public fun komopayLastCreates(client: BlockingClient): SmartLifecycle = LastCreates(client)

    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(SanitizingFunction::class)
    internal class Endpoints {
        /** Where an application shows the values of its properties: not these. */
        @Bean
        fun komopaySecrets() = SanitizingFunction { data ->
            val key = data.key.lowercase().filter { it in 'a'..'z' }
            if (SECRETS.any { key.startsWith("komopay$it") }) data.withSanitizedValue() else data
        }
    }

    private companion object {
        val SECRETS = listOf("secret", "callbackkey", "proxy")

        fun merchant(properties: KomopayProperties): Credentials {
            val missing = { name: String -> UnusableProperty(name, "is not set, and there is no bean of Credentials") }
            return Credentials.Merchant(
                properties.merchantCode() ?: throw missing("komopay.merchant-code"),
                properties.secret()?.value() ?: throw missing("komopay.secret"),
            )
        }

        fun config(properties: KomopayProperties, credentials: Credentials) = Config(
            properties.baseUrl(),
            credentials,
            tokenScope = properties.tokenScope(),
            tokenValidity = properties.tokenValidity(),
            totalTimeout = properties.totalTimeout(),
            attemptTimeout = properties.attemptTimeout(),
            connectTimeout = properties.connectTimeout(),
            settleWindow = properties.settleWindow(),
            backoffBase = properties.backoffBase(),
            backoffCap = properties.backoffCap(),
            readAttempts = properties.readAttempts(),
            requestsPerSecond = properties.requestsPerSecond(),
            maxConcurrency = properties.maxConcurrency(),
            poolSize = properties.poolSize(),
            connectionPerCreate = properties.connectionPerCreate(),
            maxAnswerBytes = properties.maxAnswerBytes(),
            proxy = properties.proxy()?.value(),
            proxyFromEnvironment = properties.proxyFromEnvironment(),
            caFile = properties.caFile(),
            customerId = properties.customerId(),
            maxAmount = properties.maxAmount().orEmpty().map { (currency, amount) -> ceiling(currency, amount) },
            isTest = properties.isTest(),
            loopbackIsLive = properties.loopbackIsLive(),
            validate = properties.validate(),
            callbackKeys = properties.callbackKeys().orEmpty().map { it.value() },
            changeStore = properties.changeStore()?.let(::store),
            changeLease = properties.changeLease(),
            keepChanges = properties.keepChanges(),
            callbackTimeout = properties.callbackTimeout(),
        )

        fun ceiling(currency: String, amount: BigDecimal) = try {
            Money(amount, currency)
        } catch (error: InvalidRequestException) {
            throw UnusableProperty("komopay.max-amount.$currency", error.message, error)
        }

        fun store(text: String): ChangeStore = when {
            text == "memory" -> ChangeStore.Memory
            text.startsWith("sqlite:") && text.length > "sqlite:".length -> ChangeStore.Sqlite(text.substring(7))
            else -> throw UnusableProperty("komopay.change-store", "must be sqlite:FILE, or memory for tests")
        }

        /** The core calls a setting as the properties do, with other dashes. */
        inline fun <T> namingProperties(make: () -> T): T = try {
            make()
        } catch (error: ConfigurationException) {
            val field = error.field ?: throw error
            val name = "komopay." + field.replace('_', '-')
            throw UnusableProperty(name, error.message.removePrefix("$field: "), error)
        }
    }
}

/** Stops last, right before what the application is made of is destroyed, the client as the last of that. */
internal class LastCreates(private val client: BlockingClient) : SmartLifecycle {
    private val log = LogFactory.getLog(javaClass)

    @Volatile
    private var runs = false

    override fun start() {
        runs = true
    }

    override fun stop() {
        runs = false
        // Whoever ends the process before the client has waited for them leaves them unnamed.
        val ids = client.createsUnderWay().joinToString()
        if (ids.isNotEmpty()) log.warn("payouts under way, which may have been made: $ids")
    }

    override fun isRunning(): Boolean = runs

    override fun getPhase(): Int = Int.MIN_VALUE
}
