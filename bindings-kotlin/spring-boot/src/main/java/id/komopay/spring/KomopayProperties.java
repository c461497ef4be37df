package id.komopay.spring;

import id.komopay.TokenScope;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The settings {@code komopay.*}: those of {@link id.komopay.Config}, under the same names. What is not set has the
 * default of the SDK.
 *
 * @param baseUrl Where the platform is. Without it, no client is made.
 * @param merchantCode The merchant's code.
 * @param secret The merchant's secret.
 * @param tokenScope Which tokens the client issues for itself: for one payout each (payout), or for every call.
 * @param tokenValidity For how long an issued token is asked to be valid: 600 s (60 to 3600).
 * @param totalTimeout The deadline of a whole call: token, attempts, pauses and settling: 90 s.
 * @param attemptTimeout The deadline of one request on the wire: 20 s, and at most half of total-timeout.
 * @param connectTimeout The deadline for making a connection: 5 s.
 * @param settleWindow For how long after a lost create a read may not yet show it, or it may still execute: 30 s.
 * @param backoffBase The longest first pause between attempts: 250 ms.
 * @param backoffCap The longest pause between attempts: 5 s.
 * @param readAttempts How many times a read is tried before it gives up: 4.
 * @param requestsPerSecond How many requests the client sends in a second on average; no limit without it.
 * @param maxConcurrency How many calls have a request under way at a time at the most; no limit without it.
 * @param poolSize How many idle connections are kept open: 64.
 * @param connectionPerCreate Whether each create goes over a connection of its own: off.
 * @param maxAnswerBytes The largest answer that is read, in bytes: 1 MiB.
 * @param proxy A proxy for every call, such as http://proxy:3128. Without it, that of the environment.
 * @param proxyFromEnvironment Whether the proxy of the environment is used, where none is given: on.
 * @param caFile A PEM file with certificate authorities to trust besides the operating system's.
 * @param customerId The value of the header Id-Customer, which is not sent without one.
 * @param maxAmount The most that one payout may be, for each currency named here: komopay.max-amount.IDR=5000000.
 * @param isTest Which mode the client belongs to: true for test data, false for live money.
 * @param loopbackIsLive Whether a local proxy at the loopback address of base-url leads to the live platform.
 * @param validate Whether requests are checked before they are sent: on.
 * @param callbackKeys The keys that callback URLs are signed with: the first signs, all of them verify.
 * @param changeStore Where the changes of payouts wait until they are handled: sqlite:FILE, or memory for tests.
 * @param changeLease For how long a change belongs to who took it, before it is given to somebody else: 60 s.
 * @param keepChanges For how long changes that are over are kept: 30 days.
 * @param callbackTimeout The deadline of a callback, which a worker of the web server waits for: 5 s.
 * @param callbacks How callbacks are received.
 * @param health What the health endpoint says of the platform.
 */
@ConfigurationProperties("komopay")
public record KomopayProperties(
    String baseUrl, String merchantCode, Secret secret, TokenScope tokenScope, Duration tokenValidity,
    Duration totalTimeout, Duration attemptTimeout, Duration connectTimeout, Duration settleWindow,
    Duration backoffBase, Duration backoffCap, Integer readAttempts, Double requestsPerSecond, Integer maxConcurrency,
    Integer poolSize, Boolean connectionPerCreate, Integer maxAnswerBytes, Secret proxy,
    Boolean proxyFromEnvironment, String caFile, String customerId, Map<String, BigDecimal> maxAmount, Boolean isTest,
    Boolean loopbackIsLive, Boolean validate, List<Secret> callbackKeys, String changeStore, Duration changeLease,
    Duration keepChanges, Duration callbackTimeout,
    @DefaultValue Callbacks callbacks, @DefaultValue Health health) {

    /**
     * How callbacks are received: komopay.callbacks.
     *
     * @param path Where they come, such as /komopay. It needs a bean that handles changes.
     * @param pollInterval How often the store is asked for changes that this server was not told of.
     */
    public record Callbacks(String path, @DefaultValue("5s") Duration pollInterval) {}

    /**
     * What the health endpoint says of the platform: komopay.health.
     *
     * @param interval How old the answer of the platform may be that it tells. Only then it is asked again.
     */
    public record Health(@DefaultValue("1m") Duration interval) {}
}
