package id.komopay.spring

/** A property that no client, or no route, can be made with. */
internal class UnusableProperty(val name: String, val why: String, cause: Throwable? = null) :
    RuntimeException("$name: $why", cause)
