package id.komopay.spring

import id.komopay.BlockingClient
import org.springframework.boot.autoconfigure.AutoConfiguration
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean
import org.springframework.context.annotation.Bean
import org.springframework.context.annotation.Configuration

/**
 * Tells `/actuator/health` whether the platform answers: `UP`, or `DOWN` with the kind of the error. It reads the
 * merchant's own data, once in `komopay.health.interval` however often it is asked. Off with
 * `management.health.komopay.enabled=false`.
 */
@AutoConfiguration(after = [KomopayAutoConfiguration::class])
@ConditionalOnBean(BlockingClient::class)
@ConditionalOnBooleanProperty("management.health.komopay.enabled", matchIfMissing = true)
public class KomopayHealthAutoConfiguration {
    /** With the names of Spring Boot 3.5. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(name = ["org.springframework.boot.actuate.health.HealthIndicator"])
    internal class OfBoot3 {
        @Bean
        fun komopayPlatform(client: BlockingClient, properties: KomopayProperties) =
            PlatformHealth(client, properties.health().interval())

        @Bean
        @ConditionalOnMissingBean(name = ["komopayHealthIndicator"])
        fun komopayHealthIndicator(platform: PlatformHealth) = KomopayHealthIndicator3(platform)
    }

    /** With the names of Spring Boot 4. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(name = ["org.springframework.boot.health.contributor.HealthIndicator"])
    internal class OfBoot4 {
        @Bean
        fun komopayPlatform(client: BlockingClient, properties: KomopayProperties) =
            PlatformHealth(client, properties.health().interval())

        @Bean
        @ConditionalOnMissingBean(name = ["komopayHealthIndicator"])
        fun komopayHealthIndicator(platform: PlatformHealth) = KomopayHealthIndicator4(platform)
    }
}
