// The live board in a real browser, against pbxsim and pbxd with three companies (tests/system/stack.py), and against
// answers made up here where the simulator cannot be told what to say (a hostile caller).
//   node board.test.mjs --stack "python3 stack.py up --json --bin DIR" --chromium /usr/bin/chromium --screenshots DIR
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';

const { values: options } = parseArgs({ options: {
  python: { type: 'string' }, stack: { type: 'string' }, bin: { type: 'string' }, chromium: { type: 'string' }, screenshots: { type: 'string' },
} });
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

let child, stack, browser;

before(async () => {
  mkdirSync(options.screenshots, { recursive: true });
  child = spawn(options.python, [options.stack, 'up', '--json', '--bin', options.bin], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((_, failed) => child.once('exit', code => failed(new Error(`stack.py ended with ${code}`))));
  const line = new Promise(done => createInterface(child.stdout).once('line', done));
  stack = JSON.parse(await Promise.race([line, ended]));
  ended.catch(() => {});
  browser = await chromium.launch({ executablePath: options.chromium, args: FLAGS });
}, { timeout: 60_000 });

after(async () => {
  await browser?.close();
  if (child?.exitCode === null) {
    child.kill('SIGTERM');
    await new Promise(done => child.once('exit', done));
  }
});

// A page that is logged in; what its console and network complain of is in `complaints`.
async function open(login, { width = 1440, height = 900, colorScheme = 'light', path = '/', prepare } = {}) {
  const context = await browser.newContext({
    viewport: { width, height }, colorScheme, httpCredentials: { username: login.user, password: login.password },
  });
  const page = await context.newPage();
  const complaints = [];
  const foreign = [];
  page.on('console', message => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
  page.on('pageerror', error => complaints.push(error.message));
  page.on('request', request => new URL(request.url()).origin === stack.url || foreign.push(request.url()));
  await prepare?.(page);
  const answer = await page.goto(stack.url + path);
  await page.locator('.agent').first().waitFor();
  // A changed answer may be under way just then, and its page is gone: that is no failure of the test.
  const close = async () => {
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    await context.close();
  };
  return { page, complaints, foreign, answer, close };
}

async function ask(operation, params = {}, login = stack.operator) {
  const answer = await fetch(`${stack.url}/api/v1/${operation}`, {
    method: 'POST', body: JSON.stringify(params),
    headers: { 'Content-Type': 'application/json', Authorization: 'Basic ' + btoa(`${login.user}:${login.password}`) },
  });
  assert.equal(answer.status, 200, `${operation}: ${await answer.clone().text()}`);
  return answer.json();
}

async function until(what, seconds, look) {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found) return found;
    assert.ok(performance.now() < deadline, `${what}: not within ${seconds} s`);
    await new Promise(done => setTimeout(done, 20));
  }
}

const viatalk = () => stack.tenants.viatalk.users;
const seconds = text => text.replace('▲', '').trim().split(':').reduce((sum, part) => sum * 60 + Number(part), 0);

// Every queue.status answered to `page` is first given to `change`.
const intercept = (page, change) => page.route('**/api/v1/queue.status', async route => {
  const answer = await route.fetch();
  const status = await answer.json();
  change(status);
  await route.fulfill({ response: answer, json: status });
});

test('without credentials nothing is given, and the browser is told to ask', async () => {
  const answer = await fetch(stack.url + '/');
  assert.equal(answer.status, 401);
  assert.match(answer.headers.get('www-authenticate'), /^Basic realm=/);
  assert.doesNotMatch(await answer.text(), /board/i);
  const wrong = await fetch(stack.url + '/', { headers: { Authorization: 'Basic ' + btoa('operator:wrong') } });
  assert.equal(wrong.status, 401);
});

test('strict policy; the page is never stored, its assets for ever; a post from elsewhere is refused', async () => {
  const headers = { Authorization: 'Basic ' + btoa(`${stack.operator.user}:${stack.operator.password}`) };
  const page = await fetch(stack.url + '/', { headers });
  const policy = page.headers.get('content-security-policy');
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe/);
  assert.equal(page.headers.get('cache-control'), 'no-store');
  const assets = [...new Set((await page.text()).match(/\/assets\/[^"]+/g))];
  assert.equal(assets.length, 3);
  for (const path of assets) {
    const asset = await fetch(stack.url + path);
    assert.equal(asset.status, 200, path);
    assert.match(asset.headers.get('cache-control'), /immutable/);
    assert.equal(asset.headers.get('x-content-type-options'), 'nosniff');
  }
  assert.equal((await fetch(stack.url + assets[0].replace(/\.[0-9a-f]{16}\./, '.0000000000000000.'))).status, 404);
  const form = await fetch(stack.url + '/api/v1/queue.list', { method: 'POST', body: '{}', headers: { ...headers, 'Content-Type': 'text/plain' } });
  assert.equal(form.status, 415);
});

test('an operator sees three companies side by side, as the API tells them; all of it from us', async () => {
  const { page, complaints, foreign, close } = await open(stack.operator);
  await until('three companies', 5, async () => (await page.locator('.company h2').allTextContents()).length === 3);
  assert.deepEqual((await page.locator('.company h2').allTextContents()).sort(), ['Dotblock Inc', 'Hostrocket Inc', 'Viatalk Inc']);
  await until('nine queues', 5, async () => (await page.locator('.queue').count()) === 9);
  const boxes = await Promise.all([0, 1, 2].map(n => page.locator('.company').nth(n).boundingBox()));
  assert.ok(boxes.every(box => box.y === boxes[0].y && box.x + box.width <= 1440), JSON.stringify(boxes));
  const status = await ask('queue.status', { tenant: 'dotblock', id: 'sales' });
  const expected = status.members.filter(member => !member.agent).map(member => member.member_name);
  await until('its members', 5, async () => {
    const people = await page.locator('.company').first().locator('.agent .name').allTextContents();
    return expected.every(name => people.includes(name));
  });
  assert.deepEqual(complaints, []);
  assert.deepEqual(foreign, []);
  await close();
});

test("a company's user sees that company alone; an agent only the own queues", async () => {
  const supervisor = await open(viatalk().supervisor);
  assert.deepEqual(await supervisor.page.locator('.company h2').allTextContents(), ['Viatalk Inc']);
  assert.doesNotMatch(await supervisor.page.locator('body').innerText(), /dotblock|hostrocket/i);
  assert.deepEqual(supervisor.complaints, []);
  await supervisor.close();
  const own = (await ask('queue.list', {}, viatalk().agent)).items.length;
  const agent = await open(viatalk().agent);
  await until('the own queues', 5, async () => (await agent.page.locator('.queue').count()) === own);
  await agent.close();
});

test('a caller who joins is on the board within a second, and the clock runs', async () => {
  const { page, close } = await open(viatalk().viewer);
  let after = (await ask('event.poll', {}, viatalk().viewer)).next;
  // Some are answered before any page could show them: of a few callers one is to stay long enough.
  let took;
  for (let tries = 0; took === undefined && tries < 20;) {
    const news = await ask('event.poll', { after, wait_seconds: 10 }, viatalk().viewer);
    after = news.next;
    const joined = news.items.find(event => event.type === 'caller.joined');
    if (!joined) continue;
    tries++;
    const told = performance.now();
    const row = page.locator('.caller', { hasText: joined.number }).first();
    const seen = await row.waitFor({ timeout: 1000 }).then(() => performance.now() - told, () => undefined);
    if (seen === undefined) {
      const status = await ask('queue.status', { id: joined.queue }, viatalk().viewer);
      assert.ok(!status.callers.some(caller => caller.call_id === joined.call_id), `${joined.number} waits and is not shown after 1 s`);
      continue;
    }
    took = seen;
  }
  assert.ok(took !== undefined, 'no caller was seen');
  console.log(`caller.joined to the board: ${took.toFixed(0)} ms`);
  // Talks whose begin we know (one that was under way when we came shows no clock): one that lasts runs as time does.
  const talks = () => page.evaluate(() => ({ at: performance.now(), clocks: Object.fromEntries(
    [...document.querySelectorAll('.agent[data-state=in_call]')].map(agent =>
      [agent.querySelector('.name').textContent, agent.querySelector(':scope > .clock').textContent])) }));
  await until('a clock that runs', 30, async () => {
    const first = await talks();
    await new Promise(done => setTimeout(done, 2100));
    const then = await talks();
    const passed = (then.at - first.at) / 1000;
    return Object.entries(first.clocks).some(([name, text]) =>
      Math.abs(seconds(then.clocks[name] ?? '') - seconds(text) - passed) <= 1.1);
  });
  await close();
});

test('a pause is shown with its reason and clock, wrap-up counts down, a late caller is marked', async () => {
  const ago = s => new Date(Date.now() - s * 1000).toISOString();
  const { page, close } = await open(viatalk().viewer, { prepare: page => intercept(page, status => {
    const [first, second] = status.members;
    Object.assign(first, { state: 'paused', paused: true, paused_reason: 'lunch', paused_since: ago(754), call_id: undefined });
    Object.assign(second, { state: 'wrapup', paused: false, wrapup_until: ago(-25) });
    status.service_level_seconds = 30;
    status.callers = [{ call_id: `${status.name}-late`, position: 1, number: '+34911222333', name: 'Late Caller', since: ago(95), wait_seconds: 95 }];
    status.counts.waiting = 1;
  }) });
  const paused = page.locator('.agent[data-state=paused]').first();
  assert.match(await paused.locator('.doing').innerText(), /Paused\s*lunch/);
  assert.ok(Math.abs(seconds(await paused.locator('.clock').innerText()) - 754) <= 4);
  assert.match(await page.locator('.agent[data-state=wrapup] .clock').first().innerText(), /^0:\d\d left$/);
  assert.equal(await page.locator('.caller .clock').first().getAttribute('data-late'), '2');
  assert.match(await page.title(), /^\(3\)/);
  await close();
});

test('hostile names stay text', async () => {
  const hostile = ['<img src=x onerror=document.title="hit">', '"><script>document.title="hit"</script>', '\u202egnp.exe<svg onload=alert(1)>'];
  const { page, complaints, foreign, close } = await open(viatalk().viewer, { prepare: page => {
    page.on('dialog', dialog => { complaints.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
    return intercept(page, status => {
      status.callers = hostile.map((name, n) => ({ call_id: `${status.name}-${n}`, position: n + 1, number: hostile[n], name, since: new Date().toISOString(), wait_seconds: 0 }));
      status.members[0].paused_reason = status.members[0].talking_to = status.members[0].member_name = hostile[0];
      Object.assign(status.members[0], { agent: undefined, state: 'paused', paused: true });
    });
  } });
  const names = await page.locator('.caller .name').allTextContents();
  for (const name of hostile) assert.ok(names.includes(name), name);
  assert.equal(await page.locator('main img, main script, main svg, main iframe').count(), 0);
  assert.notEqual(await page.title(), 'hit');
  assert.deepEqual(complaints, []);
  assert.deepEqual(foreign, []);
  await close();
});

test('long reasons, names and waits stay in their rows', async () => {
  const long = 'a reason that somebody wrote in one long sentence without any thought of who reads it where';
  for (const [width, height] of [[1440, 900], [390, 844], [320, 700]]) {
    const { page, close } = await open(width > 600 ? stack.operator : viatalk().supervisor, { width, height, prepare: page => intercept(page, status => {
      const since = new Date(Date.now() - 28_000_000).toISOString();
      status.callers = ['Zoë', ''].map((name, n) => ({ call_id: `${status.name}-${n}`, position: n + 1, number: n ? '' : '+44201234567890123', name, since, wait_seconds: 28_000 }));
      for (const member of status.members.slice(0, 2)) Object.assign(member, { state: 'paused', paused: true, paused_reason: long, paused_since: since });
    }) });
    await until('a paused agent', 10, () => page.locator('.agent[data-state=paused]').count());
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${width} px: scrolls sideways`);
    const outside = await page.evaluate(() => [...document.querySelectorAll('.doing, .clock, .detail, .counts dt')].filter(part => {
      const box = part.getBoundingClientRect(), row = (part.closest('li') ?? part.closest('.queue')).getBoundingClientRect();
      const clock = part.matches('.doing') && innerWidth > 600 ? part.parentElement.querySelector('.clock').getBoundingClientRect() : null;
      return box.right > row.right || part.matches('.clock, dt') && part.scrollWidth > part.clientWidth || clock && clock.width && box.right > clock.left;
    }).map(part => `${part.className} ${part.textContent}`));
    assert.deepEqual(outside, [], `${width} px`);
    await page.screenshot({ path: `${options.screenshots}/long-${width}.png` });
    await close();
  }
});

test('a company that comes later is on the board without loading it anew', async () => {
  let asked = 0;
  const { page, close } = await open(stack.operator, { prepare: page => page.route('**/api/v1/tenant.list', async route => {
    const answer = await route.fetch();
    const list = await answer.json();
    if (!asked++) list.items = [];
    await route.fulfill({ response: answer, json: list });
  }) });
  await until('every company', 10, async () => (await page.locator('.company:has(.agent)').count()) === 3);
  assert.equal(await page.locator('#notice').isVisible(), false);
  await close();
});

test('a queue is chosen by keyboard alone, and the choice is in the address', async () => {
  const { page, close } = await open(viatalk().supervisor);
  const queue = page.locator('.queue-name').nth(1);
  for (let n = 0; n < 10 && !(await queue.evaluate(e => e === document.activeElement)); n++) await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await until('pressed', 2, async () => (await queue.getAttribute('aria-pressed')) === 'true');
  assert.equal(new URL(page.url()).hash, '#viatalk=support');
  assert.equal(await page.locator('h3').last().innerText(), 'Agents of Support Viatalk');
  await page.keyboard.press('Space');
  await until('not pressed', 2, async () => (await queue.getAttribute('aria-pressed')) === 'false');
  await close();
});

test('screenshots: desktop and phone, light and dark; nothing is cut off sideways', async () => {
  for (const colorScheme of ['light', 'dark']) {
    for (const [name, width, height, login] of [['desktop', 1440, 900, stack.operator], ['phone', 390, 844, viatalk().supervisor]]) {
      const { page, complaints, close } = await open(login, { width, height, colorScheme });
      const companies = name === 'desktop' ? 3 : 1;
      await until('every company filled', 10, async () => (await page.locator('.company:has(.agent)').count()) === companies);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} scrolls sideways`);
      await page.screenshot({ path: `${options.screenshots}/${name}-${colorScheme}.png` });
      assert.deepEqual(complaints, []);
      await close();
    }
  }
});

describe('behind', () => {
  test('says so when the server is not heard, holds the clocks, and catches up by itself', async () => {
    const { page, close } = await open(viatalk().viewer);
    const banner = page.locator('.behind');
    await page.route('**/api/v1/**', route => route.abort());
    await banner.waitFor({ timeout: 12_000 });
    assert.match(await banner.innerText(), /the server does not answer/);
    assert.equal(await page.locator('#link').innerText(), 'Behind');
    const clocks = () => page.locator('.clock').allTextContents();
    const held = await until('clocks that are drawn as they were', 3, async () => {
      const first = await clocks();
      await new Promise(done => setTimeout(done, 1200));
      return JSON.stringify(first) === JSON.stringify(await clocks()) && first;
    });
    assert.ok(held.some(text => /\d:\d\d/.test(text)), 'a clock to be held');
    await page.unroute('**/api/v1/**');
    await banner.waitFor({ state: 'hidden', timeout: 20_000 });
    await close();
  });

  test('a feed that went on without us is no alarm: all is read anew', async () => {
    const { page, close } = await open(viatalk().viewer);
    const alarms = [];
    await page.exposeFunction('alarmed', text => alarms.push(text));
    await page.evaluate(() => new MutationObserver(() => document.querySelector('.behind:not([hidden])') && alarmed('behind'))
      .observe(document.body, { subtree: true, attributes: true, childList: true }));
    let refused = 0;
    await page.route('**/api/v1/event.poll', route => {
      if (refused || !route.request().postDataJSON().after) return route.continue();
      refused++;
      return route.fulfill({ status: 410, json: { error: { code: 'start_anew', message: 'the cursor is too old' } } });
    });
    await page.waitForRequest('**/api/v1/queue.list', { timeout: 15_000 });
    assert.equal(refused, 1);
    await page.waitForRequest(request => request.url().endsWith('event.poll') && request.postDataJSON().after, { timeout: 15_000 });
    assert.deepEqual(alarms, []);
    await close();
  });

  test('without its database the queues that are known stay live', async () => {
    const { page, close } = await open(viatalk().viewer);
    let refused = 0, again = 0;
    const away = { status: 503, json: { error: { code: 'unavailable', message: 'the database cannot be reached' } } };
    await page.route(/api\/v1\/(queue|agent|tenant)\.list/, route => (refused++, route.fulfill(away)));
    await page.route('**/api/v1/event.poll', route => {
      if (again || !route.request().postDataJSON().after) return route.continue();
      again++;
      return route.fulfill({ status: 410, json: { error: { code: 'start_anew', message: 'the cursor is too old' } } });
    });
    await until('the lists refused', 15, () => refused >= 2);
    await page.waitForRequest(request => request.url().endsWith('event.poll') && request.postDataJSON().after, { timeout: 15_000 });
    assert.equal(await page.locator('.behind').isVisible(), false);
    assert.equal(await page.locator('#link').innerText(), 'Live');
    assert.ok(await page.locator('.agent').count() > 0);
    await close();
  });

  // The last: it leaves the simulator's clients cut for a while.
  test('says so when Asterisk is silent, and is live again when it is back', async () => {
    const { page, close } = await open(viatalk().viewer);
    const simulator = stack.pids[0];
    process.kill(simulator, 'SIGSTOP');
    try {
      await page.locator('.behind').waitFor({ timeout: 15_000 });
      assert.match(await page.locator('.behind').innerText(), /no word from Asterisk. Shown as it was at \d\d:\d\d:\d\d\./);
      await page.screenshot({ path: `${options.screenshots}/behind.png` });
    } finally {
      process.kill(simulator, 'SIGCONT');
    }
    await page.locator('.behind').waitFor({ state: 'hidden', timeout: 20_000 });
    assert.equal(await page.locator('#link').innerText(), 'Live');
    await close();
  });
});
