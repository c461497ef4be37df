package app;

import id.komopay.BankTransferBuilder;
import id.komopay.BlockingClient;
import id.komopay.ChangeHandler;
import id.komopay.Money;
import id.komopay.PayoutChange;
import id.komopay.PayoutRequestBuilder;
import id.komopay.spring.AsyncChangeHandler;
import id.komopay.spring.PayoutCallbackRoute;
import jakarta.annotation.PreDestroy;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Scanner;
import java.util.concurrent.CompletableFuture;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.stereotype.Component;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.filter.OncePerRequestFilter;
import org.springframework.web.util.ContentCachingRequestWrapper;

/** An application with what real ones have. A line on its standard input stops its context, and starts that again. */
@SpringBootApplication
public class SpringApp {
    private static final String[] CALLBACKS = {"/komopay/**", "/unkept/**"};

    public static void main(String[] arguments) {
        var context = SpringApplication.run(SpringApp.class, arguments);
        var lines = new Scanner(System.in);
        while (lines.hasNextLine()) {
            lines.nextLine();
            context.stop();
            context.start();
            System.out.println("server started again");
        }
    }

    private static void print(PayoutChange change) {
        System.out.println(
            change.getPayoutId() + " change " + change.getSequence() + ": " + change.getPayout().getStatus());
    }

    /** For the route that its properties ask for. */
    @Bean
    AsyncChangeHandler onChange() {
        return change -> CompletableFuture.runAsync(() -> print(change));
    }

    @Bean
    PayoutCallbackRoute callbacksWhoseBodyIsGone(BlockingClient client) {
        return new PayoutCallbackRoute("/unkept", client, (ChangeHandler) SpringApp::print);
    }

    @Bean
    SecurityFilterChain security(HttpSecurity http) throws Exception {
        return http
            .authorizeHttpRequests(requests -> requests
                .requestMatchers(CALLBACKS).permitAll()
                .requestMatchers("/actuator/**", "/form", "/money").permitAll()
                .anyRequest().authenticated())
            .csrf(csrf -> csrf.ignoringRequestMatchers(CALLBACKS))
            .formLogin(Customizer.withDefaults())
            .build();
    }

    /** An audit, which reads each body before the routes do; of some paths nobody else can read it any more. */
    @Component
    @Order(Ordered.HIGHEST_PRECEDENCE)
    static class Audit extends OncePerRequestFilter {
        @Override
        protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
                throws ServletException, IOException {
            var isKept = !request.getRequestURI().startsWith("/unkept");
            var read = isKept ? new ContentCachingRequestWrapper(request, 100_000) : request;
            read.getInputStream().readAllBytes();
            chain.doFilter(read, response);
        }
    }

    /** What a payroll still pays while the application ends. */
    @Component
    record Remainder(BlockingClient client) {
        @PreDestroy
        void pay() throws InterruptedException {
            var payee = new BankTransferBuilder("BNK_000", "Test account", "11223344").build();
            client.createPayout("LAST-1", new PayoutRequestBuilder(new Money("10000", "IDR"), payee).build());
        }
    }

    @RestController
    static class Pages {
        @GetMapping("/private")
        String secret() {
            return "private";
        }

        @GetMapping("/money")
        Money money() {
            return new Money("42.50", "XTS");
        }

        @PostMapping("/form")
        String form() {
            return "taken";
        }
    }
}
