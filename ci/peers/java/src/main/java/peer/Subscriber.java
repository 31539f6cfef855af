// SPDX-License-Identifier: Apache-2.0
package peer;

import chat.v1.Chat.ChatMessage;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * One SubscribeToRoom call. Messages wait in a bounded queue while the stream is not ready or its
 * next turn has not come.
 */
final class Subscriber {
  private static final int BUFFER_SIZE = 100;
  /** A turn that a late timer missed by no more than this is made up, so that the rate is reached (SUB-15). */
  private static final long TIMER_SLACK_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

  private final ServerCallStreamObserver<ChatMessage> call;
  private final ScheduledExecutorService timers;
  private final long intervalNanos;
  private final Queue<ChatMessage> queue = new ArrayDeque<>();
  private long nextTurn = System.nanoTime();
  private boolean isTimerSet;
  private boolean hasEnded;

  Subscriber(ServerCallStreamObserver<ChatMessage> call, int rateHz, ScheduledExecutorService timers) {
    this.call = call;
    this.timers = timers;
    this.intervalNanos = TimeUnit.SECONDS.toNanos(1) / rateHz;
  }

  /** Drops the newest, which is this one, when the queue is full (SUB-05). */
  synchronized void offer(ChatMessage message) {
    if (queue.size() < BUFFER_SIZE) {
      queue.add(message);
    }
    drain();
  }

  /** Sends what may be sent now. A bucket of one token: idle time saves up one message (SUB-02). */
  synchronized void drain() {
    while (!hasEnded && !isTimerSet && !queue.isEmpty() && call.isReady()) {
      long now = System.nanoTime();
      long wait = nextTurn - now;
      if (wait > 0) {
        isTimerSet = true;
        timers.schedule(this::takeTurn, wait, TimeUnit.NANOSECONDS);
        return;
      }
      nextTurn = Math.max(nextTurn, now - Math.min(intervalNanos / 2, TIMER_SLACK_NANOS)) + intervalNanos;
      call.onNext(queue.poll());
    }
  }

  synchronized void end() {
    hasEnded = true;
    queue.clear();
  }

  private synchronized void takeTurn() {
    isTimerSet = false;
    drain();
  }
}
