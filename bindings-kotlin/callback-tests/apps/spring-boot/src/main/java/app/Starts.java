package app;

import org.springframework.boot.SpringApplication;

/** Starts the application once for each argument, which are properties with blanks between them. */
public final class Starts {
    public static void main(String[] arguments) {
        for (var given : arguments) {
            System.out.println("with " + given);
            try (var context = SpringApplication.run(SpringApp.class, ("--" + given).replace(" ", " --").split(" "))) {
                System.out.println("it starts");
            } catch (RuntimeException refused) {
                System.out.println("it does not start");
            }
        }
    }
}
