#!/usr/bin/env node
// pbxd over XML-RPC with the npm package `xmlrpc` (npm ci in this folder).
//     PBX_URL=http://127.0.0.1:8080 PBX_USER=... PBX_PASSWORD=... node xmlrpc.js [--json]
// PBX_TOKEN=... in place of user and password sends `Authorization: Bearer`.
// PBX_QUEUE names the queue to read (the first one), PBX_TITLE renames it before (role admin).
'use strict';
const xmlrpc = require('xmlrpc');

const url = (process.env.PBX_URL || 'http://127.0.0.1:8080').replace(/\/+$/, '') + '/RPC2';

// The package's own basic_auth calls the deprecated new Buffer(); the header is one line.
const basic = (user, password) => 'Basic ' + Buffer.from(`${user}:${password}`).toString('base64');

function authorization() {
  if (process.env.PBX_TOKEN) return 'Bearer ' + process.env.PBX_TOKEN;
  for (const name of ['PBX_USER', 'PBX_PASSWORD'])
    if (process.env[name] === undefined) throw new Error(`${name} is not set (or set PBX_TOKEN)`);
  return basic(process.env.PBX_USER, process.env.PBX_PASSWORD);
}

// A fault of the server. Decide by `token` or `code`, show `message` to people.
class PbxError extends Error {
  constructor(code, token, message) {
    super(message);
    Object.assign(this, { code, token });
  }
  report() { return { code: this.code, token: this.token, message: this.message }; }
}

class Pbx {
  constructor(authorization) {
    const create = url.startsWith('https:') ? xmlrpc.createSecureClient : xmlrpc.createClient;
    this.client = create({ url, headers: { Authorization: authorization } });
  }

  // An operation takes one struct of named parameters and answers one struct.
  // Integers are those of XML-RPC, 32 bits; the package would send a larger one all the same, and get a fault.
  call(method, params = {}) {
    return new Promise((resolve, reject) => {
      this.client.methodCall(method, [params], (error, value) => {
        if (!error) return resolve(value);
        if (error.faultCode === undefined) return reject(error);
        // faultString is "token: text [request ID]"; the ID finds the request in the server's log.
        const colon = error.faultString.indexOf(': ');
        reject(new PbxError(error.faultCode, error.faultString.slice(0, colon), error.faultString.slice(colon + 2)));
      });
    });
  }
}

// What a call that must fail fails with; any other error goes on.
async function expectFault(token, promise) {
  try {
    await promise;
  } catch (error) {
    if (error.token === token) return error;
    throw error;
  }
  throw new Error(`expected ${token}, but the call was answered`);
}

async function main() {
  const pbx = new Pbx(authorization());

  // A list comes in pages: `next` goes into `after` of the next call and is absent on the last page.
  const queues = [];
  let page = {};
  do {
    page = await pbx.call('queue.list', { limit: 100, ...(page.next && { after: page.next }) });
    queues.push(...page.items);
  } while (page.next);

  const queue = process.env.PBX_QUEUE || queues[0].name;
  if (process.env.PBX_TITLE) await pbx.call('queue.update', { id: queue, title: process.env.PBX_TITLE });
  const status = await pbx.call('queue.status', { id: queue }); // `id` takes the name as well

  // The first poll only fetches a cursor; the second waits for something to happen after it.
  const cursor = (await pbx.call('event.poll')).next;
  const events = await pbx.call('event.poll', { after: cursor, wait_seconds: Number(process.env.PBX_WAIT ?? 5) });
  const types = events.items.map((event) => event.type);

  const unknown = await expectFault('not_found', pbx.call('queue.status', { id: 'no-such-queue' }));
  const stranger = new Pbx(basic('no-such-user', 'wrong'));
  const refused = await expectFault('unauthenticated', stranger.call('queue.list'));

  if (process.argv.includes('--json')) {
    console.log(JSON.stringify({
      client: 'node-xmlrpc',
      queues: queues.map(({ id, name, title }) => ({ id, name, title })),
      status,
      events: { types, next: events.next },
      unknown_queue: unknown.report(),
      bad_credentials: refused.report(),
    }));
    return;
  }
  for (const q of queues) console.log(`queue ${q.name}: ${q.title}`);
  const counts = status.counts;
  console.log(`${status.name}: ${counts.waiting} waiting (longest ${counts.longest_wait_seconds} s), ` +
    `${counts.free} of ${counts.members} members free, as of ${status.as_of}${status.stale ? ', STALE' : ''}`);
  console.log('events:', types.join(', ') || 'none');
  console.log('unknown queue:', unknown.token, '-', unknown.message);
  console.log('bad credentials:', refused.token, '-', refused.message);
}

main().catch((error) => {
  console.error(error.token ? `${error.token} (${error.code}): ${error.message}` : error.message);
  process.exitCode = 1;
});
