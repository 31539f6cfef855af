// SPDX-License-Identifier: Apache-2.0
'use strict';

// client.js HOST:PORT PROTO: uses every RPC of chat.v1 as a user of grpc-js would; exits with 1 and says what differs.
// PROTO is the folder of chat/v1/chat.proto.

const assert = require('node:assert');
const { randomUUID } = require('node:crypto');
const { once } = require('node:events');
const { promisify } = require('node:util');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const MESSAGES = 20;
const WAIT_MS = 10000; // longer than anything takes on a slow machine

const [address, proto] = process.argv.slice(2);
const definition = loader.loadSync('chat/v1/chat.proto', { includeDirs: [proto], keepCase: true, defaults: true });
const chat = new (grpc.loadPackageDefinition(definition).chat.v1.ChatService)(address, grpc.credentials.createInsecure());
const send = promisify(chat.SendMessage.bind(chat));

const ROOM = `node-${randomUUID()}`; // a new one, since a message is not delivered twice (SEND-09)
const deadline = (ms) => ({ deadline: Date.now() + ms });
const message = (room, number) => ({ message_id: `m${number}`, room_id: room, user_id: 'node', text: `text ${number}` });

async function checkHealth() {
  const bytes = (value) => value;
  const check = promisify(chat.makeUnaryRequest.bind(chat));
  const reply = await check('/grpc.health.v1.Health/Check', bytes, bytes, Buffer.alloc(0), new grpc.Metadata(), deadline(WAIT_MS));
  assert.deepStrictEqual([...reply], [8, 1], 'health');
}

async function checkStreaming() {
  const stream = chat.SubscribeToRoom({ room_id: ROOM, max_rate_hz: 1000 }, deadline(WAIT_MS));
  await once(stream, 'metadata'); // SUB-10: from here on nothing is missed
  for (let number = 0; number < MESSAGES; number++) {
    const metadata = new grpc.Metadata();
    metadata.set('x-request-id', `r${number}`);
    const reply = await send(message(ROOM, number), metadata, deadline(WAIT_MS));
    assert.strictEqual(reply.accepted, true);
    assert.strictEqual(reply.request_id, `r${number}`);
  }
  let number = 0;
  try {
    for await (const got of stream) {
      assert.strictEqual(got.text, `text ${number}`);
      if (++number === MESSAGES) stream.cancel();
    }
  } catch (error) {
    assert.strictEqual(error.code, grpc.status.CANCELLED, `a cancelled call: ${error.message}`);
  }
  assert.strictEqual(number, MESSAGES, 'delivered');
}

async function checkChat() {
  const stream = chat.ChatRoom(deadline(WAIT_MS));
  const status = once(stream, 'status');
  const commands = stream[Symbol.asyncIterator]();
  for (let number = 0; number < MESSAGES; number++) {
    stream.write(message(`${ROOM}-chat`, number));
    const { value } = await commands.next();
    assert.strictEqual(value?.payload, `ack:m${number}`);
  }
  stream.end();
  assert.strictEqual((await commands.next()).done, true, 'after the half-close');
  assert.strictEqual((await status)[0].code, grpc.status.OK);
}

// How a subscription ends that gets no message.
async function errorOf(room, ms) {
  const stream = chat.SubscribeToRoom({ room_id: room }, deadline(ms));
  stream.resume();
  return new Promise((resolve) => stream.on('error', resolve));
}

async function checkErrors() {
  const reply = await send({ text: 'no room' }, new grpc.Metadata(), deadline(WAIT_MS));
  assert.strictEqual(reply.accepted, false, 'accepted without a room');
  const refusal = await errorOf('', WAIT_MS);
  assert.strictEqual(refusal.code, grpc.status.INVALID_ARGUMENT, refusal.message);
  assert.ok(refusal.metadata.get('grpc-status-details-bin')[0].includes('BadRequest'), 'details of the error');
  const late = await errorOf(ROOM, 200);
  assert.strictEqual(late.code, grpc.status.DEADLINE_EXCEEDED, `past the deadline: ${late.message}`);
}

async function main() {
  await checkHealth();
  await checkStreaming();
  await checkChat();
  await checkErrors();
  chat.close();
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
