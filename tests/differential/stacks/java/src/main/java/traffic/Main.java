// SPDX-License-Identifier: Apache-2.0
package traffic;

import com.google.gson.Gson;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.InsecureServerCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.TlsChannelCredentials;
import io.grpc.TlsServerCredentials;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** The traffic of ../README.md with grpc-java, on netty. Java logs no TLS keys: its peer must. */
public final class Main {
  static final String SERVICE = "traffic.v1.Traffic";
  static final String DETAILS = "grpc-status-details-bin";
  static final Gson GSON = new Gson();

  static final MethodDescriptor.Marshaller<byte[]> BYTES = new MethodDescriptor.Marshaller<>() {
    @Override public InputStream stream(byte[] value) {
      return new ByteArrayInputStream(value);
    }

    @Override public byte[] parse(InputStream stream) {
      try {
        return stream.readAllBytes();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  };

  /** One line of the log. */
  static final class Line {
    String who;
    int id;
    String method;
    List<String> sent = new ArrayList<>();
    List<String> received = new ArrayList<>();
    Map<String, List<String>> metadata;
    Map<String, List<String>> head = Map.of();
    Map<String, List<String>> trail = Map.of();
    Integer code;
    String text;
    String details;

    synchronized void write(Path path) {
      synchronized (GSON) {
        try {
          Files.writeString(path, GSON.toJson(this) + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
    }
  }

  /** One line of the plan. */
  static final class Plan {
    int id;
    int group;
    int channel;
    String method;
    String[][] metadata;
    String[] send;
    int timeout_ms;
    int cancel_after;
    boolean gzip;
    boolean hold;
  }

  static String digest(byte[] bytes) {
    try {
      String hash = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
      return bytes.length + ":" + hash.substring(0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  static Metadata.Key<String> text(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }

  static Metadata.Key<byte[]> binary(String name) {
    return Metadata.Key.of(name, Metadata.BINARY_BYTE_MARSHALLER);
  }

  static Map<String, List<String>> table(Metadata metadata, String prefix) {
    Map<String, List<String>> out = new TreeMap<>();
    for (String name : metadata.keys()) {
      if (!name.startsWith(prefix) || name.equals(DETAILS)) {
        continue;
      }
      List<String> values = new ArrayList<>();
      if (name.endsWith("-bin")) {
        metadata.getAll(binary(name)).forEach(value -> values.add(Base64.getEncoder().encodeToString(value)));
      } else {
        metadata.getAll(text(name)).forEach(values::add);
      }
      out.put(name, values);
    }
    return out;
  }

  static Metadata only(Metadata metadata, String prefix) {
    Metadata out = new Metadata();
    for (String name : metadata.keys()) {
      if (!name.startsWith(prefix)) {
        continue;
      }
      if (name.endsWith("-bin")) {
        metadata.getAll(binary(name)).forEach(value -> out.put(binary(name), value));
      } else {
        metadata.getAll(text(name)).forEach(value -> out.put(text(name), value));
      }
    }
    return out;
  }

  /** A call as the server does it. */
  static final class Served extends ServerCall.Listener<byte[]> {
    final ServerCall<byte[], byte[]> call;
    final Metadata asked;
    final Path log;
    final Line line = new Line();
    final String[] answer;
    byte[] last = new byte[0];
    boolean hasHeaders;
    boolean isOver;

    Served(ServerCall<byte[], byte[]> call, Metadata asked, Path log) {
      this.call = call;
      this.asked = asked;
      this.log = log;
      line.who = "server";
      line.id = Integer.parseInt(ask("x-id"));
      line.method = "/" + call.getMethodDescriptor().getFullMethodName();
      line.metadata = table(asked, "");
      line.head = table(asked, "x-head-");
      line.trail = table(asked, "x-trail-");
      boolean isUnary = call.getMethodDescriptor().getType() == MethodDescriptor.MethodType.UNARY;
      String how = isUnary ? ask("x-code") == null ? "end:1" : "end:0" : ask("x-answer");
      answer = how.split(":");
      if (ask("x-gzip") != null) {
        call.setCompression("gzip");
      }
      call.setMessageCompression(ask("x-gzip") != null);
      if (ask("x-early") != null) {
        begin();
      }
      call.request(2);
    }

    String ask(String name) {
      return asked.get(text(name));
    }

    void begin() {
      if (!hasHeaders) {
        call.sendHeaders(only(asked, "x-head-"));
      }
      hasHeaders = true;
    }

    void send(byte[] message, int copy) {
      begin();
      byte[] out = Arrays.copyOf(message, message.length + 2);
      out[message.length] = 0x10;
      out[message.length + 1] = (byte) copy;
      line.sent.add(digest(out));
      call.sendMessage(out);
    }

    void finish() {
      if (isOver) {
        return;
      }
      if (ask("x-wait") != null && call.getMethodDescriptor().getType() == MethodDescriptor.MethodType.UNARY) {
        return;
      }
      for (int copy = 1; answer.length > 1 && copy <= Integer.parseInt(answer[1]); copy++) {
        send(last, copy);
      }
      if (ask("x-wait") != null) {
        return;
      }
      isOver = true;
      int code = ask("x-code") == null ? 0 : Integer.parseInt(ask("x-code"));
      Status status = Status.fromCodeValue(code);
      byte[] words = asked.get(binary("x-text-bin"));
      if (words != null) {
        status = status.withDescription(new String(words, StandardCharsets.UTF_8));
      }
      Metadata trailers = only(asked, "x-trail-");
      if (asked.get(binary("x-details-bin")) != null) {
        trailers.put(binary(DETAILS), asked.get(binary("x-details-bin")));
      }
      line.code = code;
      line.write(log);
      call.close(status, trailers);
    }

    @Override public void onMessage(byte[] message) {
      if (isOver) {
        return;
      }
      last = message;
      line.received.add(digest(message));
      if (answer[0].equals("each")) {
        send(message, 1);
      } else if (answer[0].equals("now")) {
        finish();
      }
      call.request(1);
    }

    @Override public void onHalfClose() {
      finish();
    }

    @Override public void onCancel() {
      if (!isOver) {
        line.write(log);
      }
      isOver = true;
    }
  }

  static MethodDescriptor<byte[], byte[]> method(String name) {
    boolean isUnary = name.equals("Unary");
    return MethodDescriptor.newBuilder(BYTES, BYTES)
        .setType(isUnary ? MethodDescriptor.MethodType.UNARY : MethodDescriptor.MethodType.BIDI_STREAMING)
        .setFullMethodName(SERVICE + "/" + name).build();
  }

  static void serve(String[] args) throws Exception {
    Path log = Path.of(args[1]);
    ServerServiceDefinition.Builder service = ServerServiceDefinition.builder(SERVICE);
    ServerCallHandler<byte[], byte[]> handler = (call, headers) -> new Served(call, headers, log);
    for (String name : List.of("Unary", "Watch", "Collect", "Talk")) {
      service.addMethod(method(name), handler);
    }
    Server server = Grpc.newServerBuilderForPort(0, args.length > 3
        ? TlsServerCredentials.create(new File(args[2]), new File(args[3])) : InsecureServerCredentials.create())
        .addService(service.build()).maxInboundMessageSize(1 << 26).build().start();
    System.out.println("listening on " + server.getPort());
    server.awaitTermination();
  }

  static void make(ManagedChannel channel, Plan plan, Path log, CountDownLatch done) {
    Metadata metadata = new Metadata();
    for (String[] field : plan.metadata) {
      if (field[0].endsWith("-bin")) {
        metadata.put(binary(field[0]), Base64.getDecoder().decode(field[1]));
      } else {
        metadata.put(text(field[0]), field[1]);
      }
    }
    Line line = new Line();
    line.who = "client";
    line.id = plan.id;
    line.method = plan.method;
    line.metadata = table(metadata, "");
    CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(plan.timeout_ms, TimeUnit.MILLISECONDS);
    if (plan.gzip) {
      options = options.withCompression("gzip");
    }
    ClientCall<byte[], byte[]> call = channel.newCall(method(plan.method.substring(plan.method.lastIndexOf('/') + 1)), options);
    call.start(new ClientCall.Listener<>() {
      @Override public void onHeaders(Metadata head) {
        if (plan.cancel_after < 0) {
          line.head = table(head, "");
        } else if (plan.cancel_after == 0) {
          call.cancel("planned", null);
        }
      }

      @Override public void onMessage(byte[] message) {
        line.received.add(digest(message));
        if (line.received.size() == plan.cancel_after) {
          call.cancel("planned", null);
        }
        call.request(1);
      }

      @Override public void onClose(Status status, Metadata trailers) {
        line.code = status.getCode().value();
        line.text = status.getDescription();
        if (plan.cancel_after < 0) {
          line.trail = table(trailers, "");
        }
        byte[] details = trailers.get(binary(DETAILS));
        line.details = details == null ? null : Base64.getEncoder().encodeToString(details);
        line.write(log);
        done.countDown();
      }
    }, metadata);
    call.request(2);
    for (String message : plan.send) {
      byte[] bytes = Base64.getDecoder().decode(message);
      line.sent.add(digest(bytes));
      call.sendMessage(bytes);
    }
    if (!plan.hold) {
      call.halfClose();
    }
  }

  static void run(String[] args) throws Exception {
    List<Plan> plans = new ArrayList<>();
    for (String text : Files.readAllLines(Path.of(args[2]))) {
      plans.add(GSON.fromJson(text, Plan.class));
    }
    boolean isTls = args.length > 4;
    List<ManagedChannel> channels = new ArrayList<>();
    for (int at = 0; at <= plans.stream().mapToInt(plan -> plan.channel).max().getAsInt(); at++) {
      channels.add(Grpc.newChannelBuilder((isTls ? "localhost:" : "127.0.0.1:") + args[1], isTls
          ? TlsChannelCredentials.newBuilder().trustManager(new File(args[4])).build() : InsecureChannelCredentials.create())
          .maxInboundMessageSize(1 << 26).build());
    }
    for (int group = 0; group <= plans.stream().mapToInt(plan -> plan.group).max().getAsInt(); group++) {
      int number = group;
      List<Plan> now = plans.stream().filter(plan -> plan.group == number).toList();
      CountDownLatch done = new CountDownLatch(now.size());
      for (Plan plan : now) {
        make(channels.get(plan.channel), plan, Path.of(args[3]), done);
      }
      done.await();
    }
    for (ManagedChannel channel : channels) {
      channel.shutdown().awaitTermination(5, TimeUnit.SECONDS);
    }
  }

  public static void main(String[] args) throws Exception {
    if (args[0].equals("server")) {
      serve(args);
    } else {
      run(args);
    }
    System.exit(0);
  }

  private Main() {}
}
