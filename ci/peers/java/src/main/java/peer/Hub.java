// SPDX-License-Identifier: Apache-2.0
package peer;

import chat.v1.Chat.ChatMessage;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/** Who listens to which room. A room exists while it has subscribers. */
final class Hub {
  private final Map<String, Set<Subscriber>> rooms = new HashMap<>();

  synchronized void join(String room, Subscriber subscriber) {
    rooms.computeIfAbsent(room, name -> new LinkedHashSet<>()).add(subscriber);
  }

  synchronized void leave(String room, Subscriber subscriber) {
    rooms.computeIfPresent(
        room,
        (name, subscribers) -> {
          subscribers.remove(subscriber);
          return subscribers.isEmpty() ? null : subscribers;
        });
  }

  /**
   * Offers the message to every subscriber of its room. It never blocks (SEND-06), and it holds the
   * lock, so that every subscriber sees the same order (SUB-01).
   */
  synchronized void publish(ChatMessage message) {
    for (Subscriber subscriber : rooms.getOrDefault(message.getRoomId(), Set.of())) {
      subscriber.offer(message);
    }
  }
}
