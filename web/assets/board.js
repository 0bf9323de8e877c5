// The live board: reads the same JSON operations as everybody else, under the login that the browser holds.
// Whatever comes from outside (a caller's name above all) is only ever set as text.

const POLL_SECONDS = 10; // also how old `as of` gets while nothing happens
const POLL_SLOTS = 3; // a browser opens six connections to a server, over all its tabs: half of them may wait
const ROUND_MS = 200; // queues that changed are read again at most this often
const FULL_READ_MS = 60_000; // queues and names as configured, for which no event comes
const EMPTY_READ_MS = 5_000; // while there is no company yet
const CALLERS_SHOWN = 6;

const STATES = {
  in_call: 'In call', on_hold: 'On hold', ringing: 'Ringing', busy: 'Busy', wrapup: 'Wrap-up', paused: 'Paused',
  free: 'Free', unavailable: 'Offline', unknown: 'Unknown',
};
const COUNTS = ['free', 'ringing', 'in_call', 'wrapup', 'paused', 'unavailable'];

const $ = id => document.getElementById(id);
const pause = ms => new Promise(done => setTimeout(done, ms));

// ---- talking to the server

class Refused extends Error {
  constructor(status, error) {
    super(error.message ?? `HTTP ${status}`);
    this.status = status;
    this.code = error.code;
    this.retryAfter = error.retry_after;
  }
}

// Our clock and the server's differ; clocks on the board run by the server's. Its Date header has whole seconds, so
// the largest difference seen is the nearest to the truth.
let skew = -Infinity;
const serverNow = () => Date.now() + (skew === -Infinity ? 0 : skew);

async function call(operation, params, { signal, seconds = 10 } = {}) {
  const limit = AbortSignal.timeout(seconds * 1000);
  const response = await fetch(`/api/v1/${operation}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(params),
    signal: signal ? AbortSignal.any([limit, signal]) : limit,
  });
  const date = Date.parse(response.headers.get('Date') ?? '');
  if (date) {
    const ahead = date - Date.now();
    skew = Math.abs(ahead - skew) < 5000 ? Math.max(skew, ahead) : ahead; // else: first answer, or a clock was set
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, answer.error ?? {});
  return answer;
}

async function all(operation, params) {
  const items = [];
  let after;
  do {
    const page = await call(operation, { ...params, limit: 500, ...(after && { after }) });
    items.push(...page.items);
    after = page.next;
  } while (after);
  return items;
}

async function each(items, work) {
  const left = [...items];
  await Promise.all([1, 2, 3].map(async () => {
    while (left.length) await work(left.shift());
  }));
}

// `work(true)` while it holds one of the browser's slots for a request that waits, else `work(false)`.
async function withSlot(work) {
  for (let n = 0; navigator.locks && n < POLL_SLOTS; n++) {
    const got = await navigator.locks.request(`pbxd-poll-${n}`, { ifAvailable: true },
      async lock => lock && { value: await work(true) });
    if (got) return got.value;
  }
  return work(false);
}

const shown = () => document.hidden
  ? new Promise(done => document.addEventListener('visibilitychange', done, { once: true })).then(shown)
  : Promise.resolve();

let signedOut = false;
function notice(text) {
  $('notice').textContent = text;
  $('notice').hidden = !text;
}

// What to do about a failure: how long to wait before the next try. Jitter, so that a server that comes back is not met
// by everybody at once.
function backOff(error, failures) {
  if (error.status === 401) {
    signedOut = true;
    notice('Your login is no longer accepted. Load the page anew to sign in.');
  }
  const ms = error.retryAfter ? error.retryAfter * 1000 : Math.min(15_000, 500 * 2 ** Math.min(failures, 6));
  return ms * (0.75 + Math.random() / 2);
}

function words(error) {
  if (error instanceof Refused) return error.message;
  return 'the server does not answer';
}

// ---- small tools for the page

function stamp(id) {
  const root = $(id).content.firstElementChild.cloneNode(true);
  const parts = { root };
  for (const element of root.querySelectorAll('[data-at]')) parts[element.dataset.at] = element;
  return parts;
}

// Only what differs is written: the page stays calm, and a reader of the screen hears no repetition.
function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Rows of `list` by key: kept, moved, made and removed as `items` say.
function rows(list, template, items, keyOf, fill) {
  list.rows ??= new Map();
  const seen = new Set();
  let next = list.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    seen.add(key);
    let row = list.rows.get(key);
    if (!row) list.rows.set(key, row = stamp(template));
    if (row.root === next) next = next.nextElementSibling;
    else list.insertBefore(row.root, next);
    fill(row, item);
  }
  for (const [key, row] of list.rows) {
    if (seen.has(key)) continue;
    row.root.remove();
    list.rows.delete(key);
  }
}

function duration(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const two = n => String(n).padStart(2, '0');
  return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

const timeOfDay = at => new Date(at).toLocaleTimeString([], { hour12: false });

// `from`: counts up since then; `until`: counts down; neither: shows `otherwise`. `target`: seconds after which it is late.
function clock(element, company, { from, until, target, otherwise = '' } = {}) {
  element.clock = { company, from: from && Date.parse(from), until: until && Date.parse(until), target, otherwise };
  tick(element);
}

function tick(element) {
  const { company, from, until, target, otherwise } = element.clock;
  const now = company.now();
  put(element, from ? duration(now - from) : until ? `${duration(until - now)} left` : otherwise);
  const waited = from ? (now - from) / 1000 : 0;
  const late = !target || waited < target ? '' : waited < 2 * target ? '1' : '2';
  if (late) element.dataset.late = late;
  else delete element.dataset.late;
}

// ---- one company

class Company {
  queues = new Map(); // name → { row of queue.list, status }
  agents = new Map(); // name → title
  stale = false;
  problem = null; // why we cannot ask
  asOf = null;
  allCallers = false;
  #cursor = null;
  #abort = null;
  #drawing = false;
  #read = 0;

  constructor(tenant, named) {
    this.tenant = tenant;
    this.params = named ? { tenant: tenant.name } : {};
    this.view = stamp('company');
    this.view.title.textContent = tenant.title || tenant.name;
    this.view.more.addEventListener('click', () => {
      this.allCallers = !this.allCallers;
      this.draw();
    });
    $('board').append(this.view.root);
  }

  get behind() { return this.stale || this.problem !== null; }

  // What is behind is shown as it was: a clock that runs on would claim that the caller is still there.
  now() { return this.behind && this.asOf ? this.asOf : serverNow(); }

  get chosen() {
    const name = new URLSearchParams(location.hash.slice(1)).get(this.tenant.name);
    return this.queues.has(name) ? name : null;
  }

  choose(name) {
    const filters = new URLSearchParams(location.hash.slice(1));
    if (name === this.chosen) filters.delete(this.tenant.name);
    else filters.set(this.tenant.name, name);
    history.replaceState(null, '', filters.size ? `#${filters}` : location.pathname);
    this.draw();
  }

  async follow() {
    for (let failures = 0; !signedOut;) {
      await shown();
      try {
        if (!this.#cursor || performance.now() - this.#read > FULL_READ_MS) await this.readAll();
        const waited = await withSlot(wait => this.poll(wait));
        failures = 0;
        await pause(waited ? 50 : 1000);
        if (document.hidden) this.#cursor = null; // what is shown again after a while is read anew
      } catch (error) {
        this.#cursor = null;
        this.failed(error);
        await pause(backOff(error, failures++));
      }
    }
  }

  async poll(wait) {
    this.#abort = new AbortController();
    const seconds = wait ? POLL_SECONDS : 0;
    const page = await call('event.poll', { ...this.params, after: this.#cursor, limit: 500, wait_seconds: seconds },
      { signal: this.#abort.signal, seconds: seconds + 5 });
    this.#cursor = page.next;
    const whole = page.stale !== this.stale || page.items.some(event => event.type.startsWith('board.'));
    this.heard(page);
    for (const name of whole ? this.queues.keys() : new Set(page.items.map(event => event.queue)))
      if (this.queues.has(name)) readSoon(this, name);
    return wait;
  }

  // The cursor first: what happens while the state is read comes again as an event, and nothing is lost.
  async readAll() {
    const start = await call('event.poll', { ...this.params, wait_seconds: 0 });
    try {
      await this.readLists();
    } catch (error) {
      // Without its database pbxd still tells the live state, and nobody can change which queues and agents there are.
      if (error.code !== 'unavailable' || !this.queues.size) throw error;
    }
    await each(this.queues.keys(), name => this.readQueue(name));
    this.#cursor = start.next;
    this.#read = performance.now();
    this.problem = null;
    this.heard(start);
  }

  async readLists() {
    const [queues, agents] = await Promise.all([all('queue.list', this.params), all('agent.list', this.params)]);
    this.agents = new Map(agents.map(agent => [agent.name, agent.title || agent.name]));
    this.queues = new Map(queues.map(row => [row.name, { row, status: this.queues.get(row.name)?.status }]));
  }

  async readQueue(name) {
    const status = await call('queue.status', { ...this.params, id: name });
    const queue = this.queues.get(name);
    if (!queue) return;
    queue.status = status;
    this.draw();
  }

  // The board could not be read between two polls: begin again.
  restart(error) {
    this.failed(error);
    this.#cursor = null;
    this.#abort?.abort(error);
  }

  // A queue that is gone or a feed that went on without us is news, no problem: all is read anew.
  failed(error) {
    if (error.code !== 'start_anew' && error.code !== 'not_found') this.problem = words(error);
    this.draw();
  }

  heard(page) {
    this.stale = page.stale;
    this.asOf = Date.parse(page.as_of);
    this.draw();
  }

  draw() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      drawCompany(this);
      drawTop();
    });
  }
}

// ---- reading again what has changed

const changed = new Map();
let reading = false;

async function readSoon(company, name) {
  changed.set(`${company.tenant.name}/${name}`, { company, name });
  if (reading) return;
  reading = true;
  while (changed.size) {
    const began = performance.now();
    const round = [...changed.values()];
    changed.clear();
    await each(round, ({ company, name }) => company.readQueue(name).catch(error => company.restart(error)));
    await pause(Math.max(0, ROUND_MS - (performance.now() - began)));
  }
  reading = false;
}

// ---- drawing

function drawCompany(company) {
  const { view } = company;
  const queues = [...company.queues.values()].filter(queue => queue.status);
  const chosen = company.chosen;
  const inView = chosen ? queues.filter(queue => queue.row.name === chosen) : queues;

  const asItWas = company.asOf ? `Shown as it was at ${timeOfDay(company.asOf)}.` : 'Nothing is known yet.';
  put(view.behind, `Behind: ${company.problem ?? 'no word from Asterisk'}. ${asItWas}`);
  view.behind.hidden = !company.behind;
  view.root.classList.toggle('is-behind', company.behind);
  if (company.asOf) put(view.asOf, timeOfDay(company.asOf));

  drawQueues(company, queues, chosen);
  const everyone = people(company, queues);
  put(view.waiting, String(queues.reduce((sum, queue) => sum + queue.status.counts.waiting, 0)));
  put(view.free, String(everyone.filter(person => person.state === 'free').length));
  put(view.people, String(everyone.length));
  drawCallers(company, inView, chosen);
  drawAgents(company, chosen ? people(company, inView) : everyone, chosen);
}

const titleOf = queue => queue.row.title || queue.row.name;

function drawQueues(company, queues, chosen) {
  rows(company.view.queues, 'queue', queues, queue => queue.row.name, (row, queue) => {
    const { counts, callers } = queue.status;
    put(row.name, titleOf(queue));
    row.name.onclick = () => company.choose(queue.row.name);
    row.name.setAttribute('aria-pressed', String(chosen === queue.row.name));
    row.root.classList.toggle('chosen', chosen === queue.row.name);
    put(row.waiting, String(counts.waiting));
    for (const figure of [row.waiting, row.longest])
      figure.parentElement.classList.toggle('none', counts.waiting === 0);
    const first = callers.filter(caller => !caller.callback).map(caller => caller.since).sort()[0];
    clock(row.longest, company, { from: first, target: queue.status.service_level_seconds });
    if (!first) put(row.longest, '–');
    for (const state of COUNTS) {
      const bar = row.root.querySelector(`.bar [data-state=${state}]`);
      bar.style.flexGrow = counts[state];
      bar.classList.toggle('none', !counts[state]);
      const count = row.root.querySelector(`.counts [data-state=${state}]`);
      count.classList.toggle('none', !counts[state]);
      put(count.lastElementChild, String(counts[state]));
    }
  });
}

function drawCallers(company, queues, chosen) {
  const { view } = company;
  const callers = queues.flatMap(queue => queue.status.callers.map(caller => ({ ...caller, queue })));
  callers.sort((a, b) => (chosen ? a.position - b.position : 0) || a.since.localeCompare(b.since));
  put(view.callersHead, chosen ? `Waiting in ${titleOf(company.queues.get(chosen))}` : 'Waiting');
  view.nobody.hidden = callers.length > 0;
  const many = callers.length > CALLERS_SHOWN;
  view.more.hidden = !many;
  put(view.more, company.allCallers ? 'Show fewer' : `Show all ${callers.length}`);
  const list = many && !company.allCallers ? callers.slice(0, CALLERS_SHOWN) : callers;
  rows(view.callers, 'caller', list, caller => `${caller.queue.row.name}/${caller.call_id}`, (row, caller) => {
    const number = caller.number || 'number withheld';
    put(row.position, String(caller.position));
    row.position.title = `position ${caller.position} in ${titleOf(caller.queue)}`;
    const shown = caller.callback ? `Callback ${caller.name}`.trim() : caller.name;
    put(row.name, shown || number);
    row.name.title = shown || number;
    put(row.number, shown ? number : '');
    put(row.queue, chosen ? '' : titleOf(caller.queue));
    clock(row.wait, company, { from: caller.since, target: caller.queue.status.service_level_seconds });
  });
}

// An agent is a member of several queues and one person: the strongest of what the queues say. Free in one and paused in
// another is free.
const STRENGTH = ['in_call', 'on_hold', 'ringing', 'busy', 'wrapup', 'free', 'paused', 'unavailable', 'unknown'];

function people(company, queues) {
  const found = new Map();
  for (const queue of queues) {
    for (const member of queue.status.members) {
      const key = `${queue.status.server}/${member.interface}`;
      let person = found.get(key);
      if (!person) {
        const name = company.agents.get(member.agent) ?? (member.member_name || member.interface);
        found.set(key, person = { key, name, state: 'unknown', in: [] });
      }
      person.in.push({ queue, member });
      if (STRENGTH.indexOf(member.state) < STRENGTH.indexOf(person.state)) person.state = member.state;
    }
  }
  // Everybody keeps the place, so that the eye finds them; only those who are offline go to the end.
  const away = person => Number(person.state === 'unavailable');
  return [...found.values()].sort((a, b) => away(a) - away(b) || a.name.localeCompare(b.name));
}

function drawAgents(company, list, chosen) {
  const { view } = company;
  put(view.agentsHead, chosen ? `Agents of ${titleOf(company.queues.get(chosen))}` : 'Agents');
  view.noAgents.hidden = list.length > 0;
  rows(view.agents, 'agent', list, person => person.key, (row, person) => {
    const here = person.in.filter(({ member }) => member.state === person.state);
    const { member, queue } = here.find(({ member }) => member.call_id) ?? here[0] ?? person.in[0];
    const pausedIn = person.in.filter(({ member }) => member.paused);
    row.root.dataset.state = person.state;
    put(row.name, person.name);
    row.name.title = `${member.interface}: ${person.in.map(({ queue }) => titleOf(queue)).join(', ')}`;
    put(row.state, STATES[person.state] ?? person.state);
    put(row.detail, details(person, member, pausedIn));
    put(row.where, member.talking_to && here.length && !chosen ? titleOf(queue) : '');
    row.detail.title = `${row.detail.textContent} ${row.where.textContent}`;
    const since = pausedIn.map(({ member }) => member.paused_since).filter(Boolean).sort()[0];
    const until = here.map(({ member }) => member.wrapup_until).filter(Boolean).sort().at(-1);
    const talk = { from: member.in_call_since, otherwise: '–' }; // absent: was up before pbxd saw it
    clock(row.clock, company, {
      in_call: talk, on_hold: talk,
      paused: { from: since }, wrapup: { until },
    }[person.state]);
    row.clock.clock.over = () => here.forEach(({ queue }) => readSoon(company, queue.row.name));
  });
}

function details(person, member, pausedIn) {
  switch (person.state) {
    case 'paused': return pausedIn.find(({ member }) => member.paused_reason)?.member.paused_reason ?? '';
    case 'free': return pausedIn.length ? `paused in ${pausedIn.map(({ queue }) => titleOf(queue)).join(', ')}` : '';
    case 'unavailable': case 'unknown': return '';
    default: return [member.talking_to, pausedIn.length && 'then paused'].filter(Boolean).join(' · ');
  }
}

const companies = [];

function drawTop() {
  const behind = companies.some(company => company.behind);
  const known = companies.every(company => company.asOf);
  $('link').parentElement.dataset.link = behind ? 'behind' : known ? 'live' : 'wait';
  put($('link'), behind ? 'Behind' : known ? 'Live' : 'Connecting');
  let waiting = 0;
  for (const company of companies)
    for (const { status } of company.queues.values()) waiting += status?.counts.waiting ?? 0;
  document.title = behind || !waiting ? 'Live board' : `(${waiting}) Live board`;
}

function tickAll() {
  for (const element of document.querySelectorAll('.clock')) {
    if (!element.clock?.from && !element.clock?.until) continue;
    tick(element);
    // No event tells that wrap-up is over.
    if (element.clock.until && element.clock.until < element.clock.company.now()) {
      element.clock.until = undefined;
      element.clock.over();
    }
  }
}

// Companies are looked for again: an operator's board shows a new one without being loaded anew.
async function start() {
  for (let failures = 0; !signedOut;) {
    await shown();
    try {
      const me = await call('system.whoami', {});
      const tenants = await all('tenant.list', {});
      failures = 0;
      put($('who'), `${me.login} · ${me.role}`);
      notice(tenants.length ? '' : 'There is no company yet: create one with pbxctl tenant create.');
      const there = new Set(companies.map(company => company.tenant.name));
      for (const tenant of tenants.filter(tenant => !there.has(tenant.name))) {
        const company = new Company(tenant, me.role === 'operator');
        companies.push(company);
        company.follow();
      }
      await pause(tenants.length ? FULL_READ_MS : EMPTY_READ_MS);
    } catch (error) {
      const wait = backOff(error, failures++);
      if (!signedOut && !companies.length) notice(`The board cannot be read: ${words(error)}. Trying again.`);
      await pause(wait);
    }
  }
}

setInterval(tickAll, 1000);
// A hidden page reads nothing: it must not go on claiming a number in its tab.
document.addEventListener('visibilitychange', () => { if (document.hidden) document.title = 'Live board'; });
addEventListener('hashchange', () => companies.forEach(company => company.draw()));
start();
