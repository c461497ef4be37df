package id.komopay;


/** Pays, with whatever Kotlin and coroutines are on its class path: it needs none itself. A test starts it. */
public final class Pays {
    private Pays() {}

    public static void main(String[] arguments) {
        var credentials = new Credentials.Merchant(arguments[1], arguments[2]);
        BlockingClient client;
        try {
            client = new BlockingClient(new ConfigBuilder(arguments[0], credentials).build());
        } catch (KomopayException error) {
            System.out.println("no client: " + error.getClass().getSimpleName() + ": " + error.getMessage());
            return;
        } catch (Throwable thrown) {
            System.out.println("no client: " + thrown);
            return;
        }
        var method = new BankTransferBuilder("BNK_000", "Test account", "550066007700").build();
        var request = new PayoutRequestBuilder(new Money("10000", "IDR"), method).build();
        try (client) {
            System.out.println("paid " + client.createPayout("A-1", request).getPayoutId());
        } catch (Throwable thrown) {
            System.out.println("not paid: " + thrown);
        }
    }
}
