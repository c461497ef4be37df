package id.komopay.spring;

/** A setting that nobody is shown: it has no getter, no {@code toString} that tells, and nothing that Jackson finds. */
public final class Secret {
    private final String value;

    private Secret(String value) {
        this.value = value;
    }

    /** What Spring makes it with. */
    public static Secret valueOf(String value) {
        return new Secret(value);
    }

    String value() {
        return value;
    }

    @Override
    public String toString() {
        return "******";
    }
}
