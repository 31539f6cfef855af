// SPDX-License-Identifier: Apache-2.0

// gRPC-Web (binary) by fetch, for a browser's page and for Node: web.mjs URL.
// exercise(URL) uses the unary and the server-streaming RPC of chat.v1; it throws and says what differs.

const MESSAGES = 5;
const SERVICE = '/chat.v1.ChatService/';
const TRAILERS = 0x80;
const text = new TextEncoder();

// A field of type string, and of small numbers a varint: all that these requests need of protobuf.
const stringField = (number, value) => [(number << 3) | 2, value.length, ...text.encode(value)];
const numberField = (number, value) => [number << 3, (value & 0x7f) | 0x80, value >> 7];

function expect(what, got, wanted) {
  if (got !== wanted) throw new Error(`${what}: ${JSON.stringify(got)} instead of ${JSON.stringify(wanted)}`);
}

async function post(base, method, body, signal) {
  const frame = Uint8Array.from([0, 0, 0, body.length >> 8, body.length & 0xff, ...body]);
  const headers = { 'content-type': 'application/grpc-web+proto', 'x-grpc-web': '1', 'x-request-id': 'web' };
  const response = await fetch(base + SERVICE + method, { method: 'POST', headers, body: frame, signal });
  expect('HTTP status', response.status, 200);
  return response;
}

// The frames of a response as { flags, body }, body as text.
async function* frames(response) {
  let rest = new Uint8Array(0);
  const reader = response.body.getReader();
  for (;;) {
    while (rest.length >= 5) {
      const end = 5 + new DataView(rest.buffer, rest.byteOffset).getUint32(1);
      if (rest.length < end) break;
      yield { flags: rest[0], body: new TextDecoder().decode(rest.slice(5, end)) };
      rest = rest.slice(end);
    }
    const { done, value } = await reader.read();
    if (done) return;
    rest = Uint8Array.from([...rest, ...value]);
  }
}

// The status, from the trailers in the body, or from the headers of a response that has nothing else; and the last message.
async function outcome(base, method, body) {
  const response = await post(base, method, body);
  let status = response.headers.get('grpc-status');
  let reply = '';
  for await (const frame of frames(response)) {
    if (frame.flags === TRAILERS) status = /grpc-status: *(\d+)/i.exec(frame.body)?.[1];
    else reply = frame.body;
  }
  return { status, reply };
}

export async function exercise(base) {
  const abort = new AbortController();
  // Envoy passes headers on at once, so that the subscription is there when fetch has them (SUB-10).
  const subscription = [...stringField(1, 'web'), ...numberField(2, 1000)];
  const stream = frames(await post(base, 'SubscribeToRoom', subscription, abort.signal));
  for (let number = 0; number < MESSAGES; number++) {
    const message = [...stringField(1, `m${number}-${Date.now()}`), ...stringField(2, 'web'), ...stringField(4, `text ${number}`)];
    const { status, reply } = await outcome(base, 'SendMessage', message);
    expect('status', status, '0');
    expect('request id in the reply', reply.includes('web'), true);
  }
  for (let number = 0; number < MESSAGES; number++) {
    const { value } = await stream.next();
    expect(`message ${number} delivered`, value?.body.includes(`text ${number}`), true);
  }
  abort.abort();
  expect('status without a room', (await outcome(base, 'SubscribeToRoom', [])).status, '3');
}

if (globalThis.process?.argv) {
  try {
    await exercise(process.argv[2]);
    process.exit(0);
  } catch (error) {
    console.error(error.message, error.cause?.message ?? '');
    process.exit(1);
  }
}
