package id.komopay.spring

import id.komopay.BlockingClient
import id.komopay.ChangeHandler
import org.springframework.beans.factory.ObjectProvider
import org.springframework.boot.autoconfigure.AutoConfiguration
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication.Type
import org.springframework.context.annotation.Bean

/**
 * Receives callbacks at `komopay.callbacks.path`, and gives each change of a payout to the bean that handles them: a
 * [ChangeHandler], an [AsyncChangeHandler] or a [SuspendingChangeHandler]. See [PayoutCallbackRoute].
 */
@AutoConfiguration(after = [KomopayAutoConfiguration::class])
@ConditionalOnWebApplication(type = Type.SERVLET)
@ConditionalOnProperty("komopay.callbacks.path")
@ConditionalOnBean(BlockingClient::class)
public class KomopayCallbacksAutoConfiguration {
    /** The route of callbacks. */
    @Bean
    public fun komopayCallbacks(
        properties: KomopayProperties,
        client: BlockingClient,
        handler: ObjectProvider<ChangeHandler>,
        async: ObjectProvider<AsyncChangeHandler>,
        suspending: ObjectProvider<SuspendingChangeHandler>,
    ): PayoutCallbackRoute {
        val handlers = handler.toList() + async.map { it.waiting() } + suspending.map { it.waiting() }
        val only = handlers.singleOrNull() ?: throw UnusableProperty(
            "komopay.callbacks.path",
            "it needs exactly one bean that handles changes (ChangeHandler, AsyncChangeHandler or " +
                "SuspendingChangeHandler), and there are ${handlers.size}",
        )
        for ((name, isThere) in mapOf(
            "komopay.callback-keys" to !properties.callbackKeys().isNullOrEmpty(),
            "komopay.change-store" to (properties.changeStore() != null),
        )) {
            if (!isThere) throw UnusableProperty(name, "is not set, and komopay.callbacks.path needs it")
        }
        return PayoutCallbackRoute(properties.callbacks().path(), client, only, properties.callbacks().pollInterval())
    }
}
