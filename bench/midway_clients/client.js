// SPDX-License-Identifier: Apache-2.0
// client.js HOST:PORT ROUNDS: the calls of bench/midway with grpc-js.
const grpc = require('@grpc/grpc-js');
const [target, rounds] = [process.argv[2], Number(process.argv[3])];
const field = (n, b) => Buffer.concat([Buffer.from([n << 3 | 2, b.length]), Buffer.from(b)]);
const msg = (room, i) => Buffer.concat([field(2, room), field(3, `user-${i % 3}`), field(4, `hello number ${i}`)]);
const same = (b) => b;
const client = new grpc.Client(target, grpc.credentials.createInsecure());
const unary = (path, body, i) => new Promise((done) => {
  const meta = new grpc.Metadata(); meta.set('x-request', `r-${i}`);
  client.makeUnaryRequest(path, same, same, body, meta, { deadline: Date.now() + 5000 }, () => done());
});
const room = (i) => new Promise((done) => {
  const s = client.makeBidiStreamRequest('/chat.v1.ChatService/ChatRoom', same, same, new grpc.Metadata(), { deadline: Date.now() + 5000 });
  s.on('data', () => {}); s.on('error', () => {}); s.on('status', () => done());
  s.write(msg('lobby', i)); s.write(msg('lobby', i + 1)); s.end();
});
(async () => {
  for (let i = 0; i < rounds; i++) {
    await unary('/chat.v1.ChatService/SendMessage', msg('lobby', i), i);
    await unary('/chat.v1.ChatService/SendMessage', msg('kitchen', i), i);
    await unary('/grpc.health.v1.Health/Check', Buffer.alloc(0), i);
    await unary('/grpc.health.v1.Health/Check', field(1, 'nope'), i);
    if (i % 3 === 0) await room(i);
  }
  client.close();
})();
