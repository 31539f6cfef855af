// SPDX-License-Identifier: Apache-2.0
package peer;

import chat.v1.ChatServiceGrpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.HealthStatusManager;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** A plain chat.v1 server on grpc-java: the {@code core} rules of proto/CONTRACT.md, and health. */
public final class Main {
  /** How long open streams may live on after SIGTERM. */
  private static final long STOP_GRACE_SECONDS = 5;

  private Main() {}

  public static void main(String[] arguments) throws IOException, InterruptedException {
    InetSocketAddress address = null;
    try {
      address = listenAddress(arguments);
    } catch (IllegalArgumentException error) {
      System.err.println(error.getMessage());
      System.exit(2);
    }
    HealthStatusManager health = new HealthStatusManager();
    ScheduledExecutorService timers =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "timers");
              thread.setDaemon(true);
              return thread;
            });
    // No handler of this service waits for anything, so each runs on the event loop of its connection.
    Server server =
        NettyServerBuilder.forAddress(address, InsecureServerCredentials.create())
            .directExecutor()
            .addService(new ChatService(new Hub(), timers))
            .addService(health.getHealthService())
            .build()
            .start();
    health.setStatus(ChatServiceGrpc.SERVICE_NAME, ServingStatus.SERVING);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(server, health), "stop"));
    System.out.println("listening on " + address.getHostString() + ":" + server.getPort());
    server.awaitTermination();
  }

  /** New calls are refused at once, open ones are cut off when the grace is over. */
  private static void stop(Server server, HealthStatusManager health) {
    health.enterTerminalState();
    server.shutdown();
    try {
      if (!server.awaitTermination(STOP_GRACE_SECONDS, TimeUnit.SECONDS)) {
        server.shutdownNow().awaitTermination(1, TimeUnit.SECONDS);
      }
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
    }
  }

  /** {@code --listen ADDRESS:PORT}, or any free port of 127.0.0.1. */
  private static InetSocketAddress listenAddress(String[] arguments) {
    if (arguments.length == 0) {
      return new InetSocketAddress("127.0.0.1", 0);
    }
    int colon = arguments[arguments.length - 1].lastIndexOf(':');
    if (arguments.length != 2 || !arguments[0].equals("--listen") || colon < 0) {
      throw new IllegalArgumentException("usage: server [--listen ADDRESS:PORT]");
    }
    String text = arguments[1];
    return new InetSocketAddress(text.substring(0, colon), Integer.parseInt(text.substring(colon + 1)));
  }
}
