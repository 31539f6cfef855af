// SPDX-License-Identifier: Apache-2.0
package peer;

import chat.v1.Chat.ActionResponse;
import chat.v1.Chat.ChatMessage;
import chat.v1.ChatServiceGrpc;
import chat.v1.Chat.RoomSubscription;
import chat.v1.Chat.ServerCommand;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.UUID;
import java.util.concurrent.ScheduledExecutorService;

/** The methods. The comments name the rule that a piece of code keeps. */
final class ChatService extends ChatServiceGrpc.ChatServiceImplBase {
  private static final int DEFAULT_RATE_HZ = 10;

  private final Hub hub;
  private final ScheduledExecutorService timers;

  ChatService(Hub hub, ScheduledExecutorService timers) {
    this.hub = hub;
    this.timers = timers;
  }

  @Override
  public void sendMessage(ChatMessage message, StreamObserver<ActionResponse> reply) {
    ActionResponse.Builder response = ActionResponse.newBuilder().setRequestId(UUID.randomUUID().toString());
    if (message.getRoomId().isEmpty() || message.getText().isEmpty()) {
      response.setReason("missing room or text");
    } else {
      hub.publish(message);
      response.setAccepted(true);
    }
    reply.onNext(response.build());
    reply.onCompleted();
  }

  @Override
  public void subscribeToRoom(RoomSubscription subscription, StreamObserver<ChatMessage> messages) {
    ServerCallStreamObserver<ChatMessage> call = (ServerCallStreamObserver<ChatMessage>) messages;
    int rateHz = subscription.getMaxRateHz() > 0 ? subscription.getMaxRateHz() : DEFAULT_RATE_HZ;
    Subscriber subscriber = new Subscriber(call, rateHz, timers);
    String room = subscription.getRoomId();
    call.setOnReadyHandler(subscriber::drain);
    // Cancel, deadline and lost connection alike (SUB-07).
    call.setOnCancelHandler(
        () -> {
          hub.leave(room, subscriber);
          subscriber.end();
        });
    hub.join(room, subscriber);
  }

  @Override
  public StreamObserver<ChatMessage> chatRoom(StreamObserver<ServerCommand> commands) {
    return new ChatRoom((ServerCallStreamObserver<ServerCommand>) commands, timers);
  }
}
