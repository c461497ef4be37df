package id.komopay.spring

import id.komopay.jackson.KomopayModule
import id.komopay.jackson3.KomopayModule as KomopayModule3
import org.springframework.boot.autoconfigure.AutoConfiguration
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean
import org.springframework.context.annotation.Bean
import org.springframework.context.annotation.Configuration

/**
 * With `id.komopay:komopay-jackson`, the application's mapper reads and writes the SDK's values. What is personal is
 * read, and not written: for that, the application has a bean of its own, `KomopayModule(includePersonal = true)`.
 */
@AutoConfiguration
public class KomopayJacksonAutoConfiguration {
    /** With Spring Boot 3.5. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(name = ["id.komopay.jackson.KomopayModule", "com.fasterxml.jackson.databind.Module"])
    internal class OfJackson2 {
        @Bean
        @ConditionalOnMissingBean
        fun komopayModule() = KomopayModule()
    }

    /** With Spring Boot 4. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(name = ["id.komopay.jackson3.KomopayModule", "tools.jackson.databind.JacksonModule"])
    internal class OfJackson3 {
        @Bean
        @ConditionalOnMissingBean
        fun komopayModule3() = KomopayModule3()
    }
}
