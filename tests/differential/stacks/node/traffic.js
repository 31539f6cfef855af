// SPDX-License-Identifier: Apache-2.0
// The traffic of ../README.md with grpc-js. Keys are logged by node itself (--tls-keylog).
const crypto = require('crypto');
const fs = require('fs');
const grpc = require('@grpc/grpc-js');

const SERVICE = '/traffic.v1.Traffic/';
const same = (bytes) => bytes;
const digest = (b) => `${b.length}:${crypto.createHash('sha256').update(b).digest('hex').slice(0, 16)}`;
const write = (path, record) => fs.appendFileSync(path, JSON.stringify(record) + '\n');
const text = (value) => (Buffer.isBuffer(value) ? value.toString('base64') : value);

function table(metadata, prefix = '') {
  const out = {};
  for (const key of Object.keys(metadata ? metadata.getMap() : {})) {
    if (key.startsWith(prefix) && key !== 'grpc-status-details-bin') out[key] = metadata.get(key).map(text);
  }
  return out;
}

function only(metadata, prefix) {
  const out = new grpc.Metadata();
  for (const key of Object.keys(metadata.getMap())) {
    if (key.startsWith(prefix)) for (const value of metadata.get(key)) out.add(key, value);
  }
  return out;
}

function begin(call, method) {
  const metadata = call.metadata;
  const ask = (key) => metadata.get(key)[0];
  return {
    ask,
    trailers: only(metadata, 'x-trail-'),
    record: {
      who: 'server', id: Number(ask('x-id')), method, sent: [], received: [], metadata: table(metadata),
      head: table(metadata, 'x-head-'), trail: table(metadata, 'x-trail-'), code: null,
    },
    head: () => call.sendMetadata(only(metadata, 'x-head-')),
    status() {
      const trailers = only(metadata, 'x-trail-');
      if (ask('x-details-bin')) trailers.set('grpc-status-details-bin', ask('x-details-bin'));
      return { code: Number(ask('x-code') || 0), details: (ask('x-text-bin') || '').toString(), metadata: trailers };
    },
  };
}

const copyOf = (message, copy) => Buffer.concat([message, Buffer.from([0x10, copy])]);

function unary(path) {
  return (call, done) => {
    const { ask, record, head, status } = begin(call, SERVICE + 'Unary');
    record.received.push(digest(call.request));
    if (ask('x-early')) head();
    if (ask('x-wait')) {
      call.on('cancelled', () => write(path, record));
      return;
    }
    const end = status();
    record.code = end.code;
    if (end.code) {
      write(path, record);
      done(end);
      return;
    }
    if (!ask('x-early')) head();
    const out = copyOf(call.request, 1);
    record.sent.push(digest(out));
    write(path, record);
    done(null, out, end.metadata);
  };
}

function stream(path, method) {
  return (call) => {
    const { ask, record, head, status } = begin(call, method);
    const [how, count] = ask('x-answer').split(':');
    let hasHead = false;
    let isOver = false;
    let last = Buffer.alloc(0);
    const send = (message, copy) => {
      if (!hasHead) head();
      hasHead = true;
      const out = copyOf(message, copy);
      record.sent.push(digest(out));
      call.write(out);
    };
    const finish = () => {
      if (isOver) return;
      for (let copy = 1; copy <= Number(count || 0); copy++) send(last, copy);
      if (ask('x-wait')) return;
      isOver = true;
      const end = status();
      record.code = end.code;
      write(path, record);
      if (end.code) call.emit('error', end);
      else call.end(end.metadata);
    };
    if (ask('x-early')) {
      hasHead = true;
      head();
    }
    call.on('cancelled', () => {
      if (!isOver) write(path, record);
      isOver = true;
    });
    call.on('error', () => {});
    call.on('data', (message) => {
      if (isOver) return;
      last = message;
      record.received.push(digest(message));
      if (how === 'each') send(message, 1);
      else if (how === 'now') finish();
    });
    call.on('end', finish);
  };
}

function serve(path, cert, key) {
  const server = new grpc.Server({ 'grpc.max_receive_message_length': -1 });
  const definition = {};
  const handlers = {};
  for (const name of ['Unary', 'Watch', 'Collect', 'Talk']) {
    const isStream = name !== 'Unary';
    definition[name] = {
      path: SERVICE + name, requestStream: isStream, responseStream: isStream,
      requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same,
    };
    handlers[name] = isStream ? stream(path, SERVICE + name) : unary(path);
  }
  server.addService(definition, handlers);
  const credentials = cert
    ? grpc.ServerCredentials.createSsl(null, [{ cert_chain: fs.readFileSync(cert), private_key: fs.readFileSync(key) }])
    : grpc.ServerCredentials.createInsecure();
  server.bindAsync('127.0.0.1:0', credentials, (error, port) => {
    if (error) throw error;
    console.log(`listening on ${port}`);
  });
  process.on('SIGTERM', () => process.exit(0));
}

function make(client, plan, path) {
  return new Promise((resolve) => {
    const metadata = new grpc.Metadata();
    for (const [key, value] of plan.metadata) metadata.add(key, key.endsWith('-bin') ? Buffer.from(value, 'base64') : value);
    const send = plan.send.map((message) => Buffer.from(message, 'base64'));
    const record = {
      who: 'client', id: plan.id, method: plan.method, sent: send.map(digest), received: [], metadata: table(metadata),
      head: {}, trail: {}, details: null,
    };
    const options = { deadline: Date.now() + plan.timeout_ms };
    let call;
    const finish = (status) => {
      const details = status.metadata.get('grpc-status-details-bin')[0];
      record.code = status.code;
      record.text = status.details;
      if (plan.cancel_after < 0) record.trail = table(status.metadata);
      if (details) record.details = text(details);
      if (plan.cancel_after >= 0) record.head = {};
      write(path, record);
      resolve();
    };
    if (plan.method === SERVICE + 'Unary') {
      call = client.makeUnaryRequest(plan.method, same, same, send[0], metadata, options, (error, message) => {
        if (!error) record.received.push(digest(message));
      });
      if (plan.cancel_after === 0) call.on('metadata', () => call.cancel());
    } else {
      call = client.makeBidiStreamRequest(plan.method, same, same, metadata, options);
      call.on('data', (message) => {
        record.received.push(digest(message));
        if (record.received.length === plan.cancel_after) call.cancel();
      });
      call.on('error', () => {});
      for (const message of send) call.write(message);
      if (!plan.hold) call.end();
    }
    call.on('metadata', (head) => { record.head = table(head); });
    // The status may come before the callback or the last message is handed on.
    call.on('status', (status) => setImmediate(() => finish(status)));
  });
}

async function run(port, planPath, path, ca) {
  const plans = fs.readFileSync(planPath, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  const clients = new Map();
  // Compression is a matter of a client here, not of a call: calls with it have connections of their own.
  const client = (channel, gzip) => {
    const key = `${channel} ${gzip}`;
    if (!clients.has(key)) {
      clients.set(key, new grpc.Client(
        ca ? `localhost:${port}` : `127.0.0.1:${port}`,
        ca ? grpc.credentials.createSsl(fs.readFileSync(ca)) : grpc.credentials.createInsecure(),
        { 'grpc.use_local_subchannel_pool': 1, 'grpc.max_receive_message_length': -1,
          'grpc.default_compression_algorithm': gzip ? 2 : 0 }));
    }
    return clients.get(key);
  };
  for (let group = 0; group <= Math.max(...plans.map((plan) => plan.group)); group++) {
    await Promise.all(plans.filter((plan) => plan.group === group)
      .map((plan) => make(client(plan.channel, plan.gzip), plan, path)));
  }
  for (const one of clients.values()) one.close();
}

({ server: serve, client: run })[process.argv[2]](...process.argv.slice(3));
