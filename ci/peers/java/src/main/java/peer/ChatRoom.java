// SPDX-License-Identifier: Apache-2.0
package peer;

import chat.v1.Chat.ChatMessage;
import chat.v1.Chat.ServerCommand;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * One ChatRoom call. The next message is asked for only while acknowledgements can be written, so
 * that a client that never reads runs out of credit (CHAT-05).
 */
final class ChatRoom implements StreamObserver<ChatMessage> {
  private static final long PING_INTERVAL_SECONDS = 10;

  private final ServerCallStreamObserver<ServerCommand> call;
  private final Future<?> pings;
  private boolean isWaiting;
  private boolean hasEnded;

  ChatRoom(ServerCallStreamObserver<ServerCommand> call, ScheduledExecutorService timers) {
    this.call = call;
    call.disableAutoRequest();
    call.setOnReadyHandler(this::onReady);
    pings =
        timers.scheduleAtFixedRate(
            this::ping, PING_INTERVAL_SECONDS, PING_INTERVAL_SECONDS, TimeUnit.SECONDS);
    call.setOnCancelHandler(this::end);
    call.request(1);
  }

  @Override
  public synchronized void onNext(ChatMessage message) {
    send(ServerCommand.Type.TYPE_REDIRECT, "ack:" + message.getMessageId());
    if (call.isReady()) {
      call.request(1);
    } else {
      isWaiting = true;
    }
  }

  @Override
  public synchronized void onCompleted() {
    end();
    call.onCompleted();
  }

  @Override
  public void onError(Throwable error) {
    end();
  }

  private synchronized void onReady() {
    if (isWaiting) {
      isWaiting = false;
      call.request(1);
    }
  }

  /** A ping that falls into a blocked time is left out (CHAT-02). */
  private synchronized void ping() {
    if (call.isReady()) {
      send(ServerCommand.Type.TYPE_PING, "ping");
    }
  }

  private void send(ServerCommand.Type type, String payload) {
    if (!hasEnded) {
      call.onNext(ServerCommand.newBuilder().setType(type).setPayload(payload).build());
    }
  }

  private synchronized void end() {
    hasEnded = true;
    pings.cancel(false);
  }
}
