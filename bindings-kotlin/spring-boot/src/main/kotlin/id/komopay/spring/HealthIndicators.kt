/* What the health endpoint asks: Spring Boot 4 has other names for it than 3.5. */
package id.komopay.spring

import org.springframework.boot.actuate.health.Health as Health3
import org.springframework.boot.actuate.health.HealthIndicator as HealthIndicator3
import org.springframework.boot.health.contributor.Health as Health4
import org.springframework.boot.health.contributor.HealthIndicator as HealthIndicator4

/** For Spring Boot 3.5. */
internal class KomopayHealthIndicator3(private val platform: PlatformHealth) : HealthIndicator3 {
    override fun health(): Health3 {
        val answer = platform.ask() ?: return Health3.unknown().build()
        val health = if (answer.failure == null) Health3.up() else Health3.down().withDetail("kind", answer.failure)
        return health.withDetail("asked", answer.at).build()
    }
}

/** For Spring Boot 4. */
internal class KomopayHealthIndicator4(private val platform: PlatformHealth) : HealthIndicator4 {
    override fun health(): Health4 {
        val answer = platform.ask() ?: return Health4.unknown().build()
        val health = if (answer.failure == null) Health4.up() else Health4.down().withDetail("kind", answer.failure)
        return health.withDetail("asked", answer.at).build()
    }
}
