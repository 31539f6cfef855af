// SPDX-License-Identifier: Apache-2.0

// A plain chat.v1 server on @grpc/grpc-js: the `core` rules of proto/CONTRACT.md and nothing
// declared. The comments name the rule that a piece of code keeps.

'use strict';

const { randomUUID } = require('node:crypto');
const { once } = require('node:events');
const path = require('node:path');
const timers = require('node:timers/promises');
const { parseArgs } = require('node:util');

const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');
const { HealthImplementation } = require('grpc-health-check');

const BUFFER_SIZE = 100; // messages held for one subscriber; the newest is dropped when full
const DEFAULT_RATE_HZ = 10;
const PING_INTERVAL_MS = 10_000;
const STOP_GRACE_MS = 5_000; // how long open streams may live on after SIGTERM
const TIMER_STEP_MS = 2; // timers are no finer than a millisecond; shorter waits yield instead

// int64 as text, so that no value is rounded to a double (SEND-04).
const definition = protoLoader.loadSync('chat/v1/chat.proto', {
  includeDirs: [path.join(__dirname, 'proto')],
  keepCase: true,
  longs: String,
  enums: String,
  defaults: true,
});
const { chat } = grpc.loadPackageDefinition(definition);

// The rooms that have subscribers: room id -> set of subscribers.
const rooms = new Map();

// What one SubscribeToRoom call has not been sent yet.
class Subscriber {
  #queue = [];
  #wake = () => {};

  // Never waits: a full queue drops the newest (SEND-06, SUB-05).
  offer(message) {
    if (this.#queue.length < BUFFER_SIZE) {
      this.#queue.push(message);
      this.#wake();
    }
  }

  // The next message; undefined once the call is over.
  async take(closed) {
    while (this.#queue.length === 0 && !closed.aborted) {
      await new Promise((resolve) => {
        this.#wake = resolve;
        closed.onabort = resolve;
      });
    }
    return closed.aborted ? undefined : this.#queue.shift();
  }
}

// Lets one caller through per interval. A late turn shortens the wait for the next one by what it
// was late, up to one interval; nothing is saved up while idle (SUB-02, SUB-15).
class Pacer {
  #intervalMs;
  #due = 0;

  constructor(rateHz) {
    this.#intervalMs = 1000 / rateHz;
  }

  async turn(closed) {
    const arrived = performance.now();
    if (this.#due < arrived) {
      this.#due = arrived;
    }
    let now = arrived;
    while (now < this.#due) {
      const wait = this.#due - now;
      await (wait < TIMER_STEP_MS
        ? timers.setImmediate(undefined, { signal: closed })
        : timers.setTimeout(Math.floor(wait) - 1, undefined, { signal: closed }));
      now = performance.now();
    }
    this.#due = Math.max(this.#due + this.#intervalMs, now);
  }
}

function join(roomId, subscriber) {
  if (!rooms.has(roomId)) {
    rooms.set(roomId, new Set());
  }
  rooms.get(roomId).add(subscriber);
}

function leave(roomId, subscriber) {
  const room = rooms.get(roomId);
  room.delete(subscriber);
  if (room.size === 0) {
    rooms.delete(roomId);
  }
}

// A signal that is aborted when the client cancels or goes away, or its deadline is over.
function closedSignal(call) {
  const controller = new AbortController();
  call.on('cancelled', () => controller.abort());
  return controller.signal;
}

function sendMessage(call, reply) {
  const message = call.request;
  const response = { request_id: randomUUID(), accepted: false, reason: '' };
  if (message.room_id === '' || message.text === '') {
    response.reason = 'missing room or text';
  } else {
    rooms.get(message.room_id)?.forEach((subscriber) => subscriber.offer(message));
    response.accepted = true;
  }
  reply(null, response);
}

async function subscribeToRoom(call) {
  const { room_id: roomId, max_rate_hz: maxRateHz } = call.request;
  const closed = closedSignal(call);
  const subscriber = new Subscriber();
  const pacer = new Pacer(maxRateHz > 0 ? maxRateHz : DEFAULT_RATE_HZ);
  join(roomId, subscriber);
  try {
    let message;
    while ((message = await subscriber.take(closed)) !== undefined) {
      await pacer.turn(closed);
      if (!call.write(message)) {
        await once(call, 'drain', { signal: closed });
      }
    }
  } catch (error) {
    if (!closed.aborted) {
      call.destroy(error);
    }
  } finally {
    leave(roomId, subscriber);
  }
}

// While an acknowledgement cannot be written nothing more is read, and the client runs out of
// credit (CHAT-05). Pings that fall into that time are left out.
function chatRoom(call) {
  const ping = setInterval(() => {
    if (!call.writableNeedDrain) {
      call.write({ type: 'TYPE_PING', payload: 'ping' });
    }
  }, PING_INTERVAL_MS);
  call.on('data', (message) => {
    if (!call.write({ type: 'TYPE_REDIRECT', payload: `ack:${message.message_id}` })) {
      call.pause();
      call.once('drain', () => call.resume());
    }
  });
  call.on('end', () => {
    clearInterval(ping);
    call.end();
  });
  call.on('cancelled', () => clearInterval(ping));
  call.on('error', () => clearInterval(ping));
}

// New calls are refused at once; open ones are cut off when the grace is over.
function stop(server, health) {
  health.setStatus('', 'NOT_SERVING');
  health.setStatus('chat.v1.ChatService', 'NOT_SERVING');
  const cutOff = setTimeout(() => server.forceShutdown(), STOP_GRACE_MS);
  server.tryShutdown(() => {
    clearTimeout(cutOff);
    process.exit(0);
  });
}

function main() {
  const { values } = parseArgs({
    options: { listen: { type: 'string', default: '127.0.0.1:0' } },
  });
  const server = new grpc.Server();
  server.addService(chat.v1.ChatService.service, {
    SendMessage: sendMessage,
    SubscribeToRoom: subscribeToRoom,
    ChatRoom: chatRoom,
  });
  const health = new HealthImplementation({ '': 'SERVING', 'chat.v1.ChatService': 'SERVING' });
  health.addToServer(server);

  server.bindAsync(values.listen, grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error !== null) {
      console.error(error.message);
      process.exit(1);
    }
    console.log(`listening on ${values.listen.replace(/:\d+$/, '')}:${port}`);
  });
  process.once('SIGTERM', () => stop(server, health));
  process.once('SIGINT', () => stop(server, health));
}

main();
