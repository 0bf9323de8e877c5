#!/usr/bin/env node
// pbxd over SOAP with the npm package `soap` (npm ci in this folder).
//     PBX_URL=http://127.0.0.1:8080 PBX_USER=... PBX_PASSWORD=... node soap.js [--json]
// PBX_TOKEN=... in place of user and password sends `Authorization: Bearer`.
// PBX_QUEUE names the queue to read (the first one), PBX_TITLE renames it before (role admin).
'use strict';
const soap = require('soap');

const url = (process.env.PBX_URL || 'http://127.0.0.1:8080').replace(/\/+$/, '') + '/soap';

function security() {
  if (process.env.PBX_TOKEN) return new soap.BearerSecurity(process.env.PBX_TOKEN);
  for (const name of ['PBX_USER', 'PBX_PASSWORD'])
    if (process.env[name] === undefined) throw new Error(`${name} is not set (or set PBX_TOKEN)`);
  return new soap.BasicAuthSecurity(process.env.PBX_USER, process.env.PBX_PASSWORD);
}

// The typed detail of a fault. Decide by `token` or `code`, show `message` to people.
class PbxError extends Error {
  constructor(detail) {
    super(detail.message);
    // The package does not apply the contract to details: all is text in them.
    Object.assign(this, { code: Number(detail.code), token: detail.token, requestId: detail.request_id });
  }
  report() { return { code: this.code, token: this.token, message: this.message }; }
}

class Pbx {
  static async connect(security) {
    const pbx = new Pbx();
    // The address in the contract is the server's public one; credentials go only where PBX_URL points.
    pbx.client = await soap.createClientAsync(url + '?wsdl', { endpoint: url });
    pbx.client.setSecurity(security);
    return pbx;
  }

  // queue.list is queueList in SOAP; every answer has one child, `result`.
  async call(operation, params = {}) {
    try {
      const [answer] = await this.client[operation + 'Async'](params);
      return answer.result;
    } catch (error) {
      const detail = error.root?.Envelope?.Body?.Fault?.detail?.fault;
      throw detail ? new PbxError(detail) : error;
    }
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
  const pbx = await Pbx.connect(security());

  // A list comes in pages: `next` goes into `after` of the next call and is absent on the last page.
  // An empty list is absent, too.
  const queues = [];
  let page = {};
  do {
    page = await pbx.call('queueList', { limit: 100, ...(page.next && { after: page.next }) });
    queues.push(...(page.items ?? []));
  } while (page.next);

  const queue = process.env.PBX_QUEUE || queues[0].name;
  if (process.env.PBX_TITLE) await pbx.call('queueUpdate', { id: queue, title: process.env.PBX_TITLE });
  const status = await pbx.call('queueStatus', { id: queue }); // `id` takes the name as well

  // The first poll only fetches a cursor; the second waits for something to happen after it.
  const cursor = (await pbx.call('eventPoll')).next;
  const events = await pbx.call('eventPoll', { after: cursor, wait_seconds: Number(process.env.PBX_WAIT ?? 5) });
  const types = (events.items ?? []).map((event) => event.type);

  const unknown = await expectFault('not_found', pbx.call('queueStatus', { id: 'no-such-queue' }));
  const stranger = await Pbx.connect(new soap.BasicAuthSecurity('no-such-user', 'wrong'));
  const refused = await expectFault('unauthenticated', stranger.call('queueList'));

  if (process.argv.includes('--json')) {
    console.log(JSON.stringify({
      client: 'node-soap',
      queues: queues.map(({ id, name, title }) => ({ id, name, title })),
      status: { ...status, members: status.members ?? [], callers: status.callers ?? [] },
      events: { types, next: events.next },
      unknown_queue: unknown.report(),
      bad_credentials: refused.report(),
    }));
    return;
  }
  for (const q of queues) console.log(`queue ${q.name}: ${q.title}`);
  const counts = status.counts;
  console.log(`${status.name}: ${counts.waiting} waiting (longest ${counts.longest_wait_seconds} s), ` +
    `${counts.free} of ${counts.members} members free, as of ${status.as_of.toISOString()}${status.stale ? ', STALE' : ''}`);
  console.log('events:', types.join(', ') || 'none');
  console.log('unknown queue:', unknown.token, '-', unknown.message);
  console.log('bad credentials:', refused.token, '-', refused.message);
}

main().catch((error) => {
  console.error(error.token ? `${error.token} (${error.code}): ${error.message}` : error.message);
  process.exitCode = 1;
});
