/* The console. It shows what the service answers, and asks again when an event says what changed. */
"use strict";

const TOKEN = "echotune-token";
const AGAIN_AFTER_MS = [500, 1000, 2000, 5000, 10000];
const NEWS_EVERY_MS = 5000;
const TOAST_MS = 8000;
const SURE_MS = 5000;
const VIEWS = ["listening", "system", "generations", "more"];
const $ = (id) => document.getElementById(id);

let token = sessionStorage.getItem(TOKEN);
let person = null;
let scores = {};
let charts = null;
let stream = null;

/* -- the service ------------------------------------------------------------------------------ */

class Refused extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

async function ask(path, options = {}) {
  let answer;
  try {
    // What was kept a moment ago is older than the event that says that it has changed.
    answer = await fetch(path, { cache: "no-cache", ...options, headers: { Authorization: `Token ${token}` } });
  } catch {
    throw new Refused(0, "The service does not answer.");
  }
  if (answer.ok) return answer;
  const found = await answer.json().catch(() => ({}));
  if (answer.status === 401 && person) signOut("The token is no longer valid.");
  throw new Refused(answer.status, found.error || `The service answers ${answer.status}.`);
}

const read = async (path) => (await ask(path)).json();
const send = (path, body) => ask(path, { method: "POST", body: JSON.stringify(body) });
const mine = (what) => `/v1/listeners/${encodeURIComponent(person.name)}/${what}`;

/** Runs `work`, and runs it once more if it was wanted again meanwhile: never twice at a time. */
function oneAtATime(work) {
  let running = null;
  let again = false;
  const run = async () => {
    do {
      again = false;
      await work().catch(report);
    } while (again && person);
    running = null;
  };
  return () => {
    again = true;
    running = running || run();
    return running;
  };
}

function report(error) {
  if (error instanceof Refused) {
    if (error.code !== 401 && error.code !== 404) toast(error.message);
  } else {
    throw error;
  }
}

/* -- events ----------------------------------------------------------------------------------- */

/** Follows the events until it is ended. The token goes in a header, never in an address. */
class Stream {
  constructor(onEvent) {
    this.onEvent = onEvent;
    this.ending = new AbortController();
    this.run();
  }

  async run() {
    for (let failed = 0; !this.ending.signal.aborted; failed += 1) {
      try {
        const answer = await ask("/v1/events", { signal: this.ending.signal });
        linkIs("live");
        failed = -1;
        await this.follow(answer.body.getReader());
      } catch (error) {
        if (error.code === 401) return;
      }
      if (this.ending.signal.aborted) return;
      linkIs("lost");
      const wait = AGAIN_AFTER_MS[Math.min(Math.max(failed, 0), AGAIN_AFTER_MS.length - 1)];
      await new Promise((done) => setTimeout(done, wait));
    }
  }

  async follow(reader) {
    const decoder = new TextDecoder();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += decoder.decode(value, { stream: true });
      const events = text.split("\n\n");
      text = events.pop();
      for (const each of events) this.take(each);
    }
  }

  take(event) {
    const fields = {};
    for (const line of event.split("\n")) {
      const at = line.indexOf(": ");
      if (at > 0) fields[line.slice(0, at)] = line.slice(at + 2);
    }
    if (fields.event) this.onEvent(fields.event, JSON.parse(fields.data));
  }

  end() {
    this.ending.abort();
  }
}

function linkIs(state) {
  $("link").dataset.state = state;
  $("link-text").textContent = { live: "live", lost: "connection lost, trying again" }[state];
}

function onEvent(name, data) {
  if (name === "list") loadList();
  else if (name === "history") loadHistory();
  else if (name === "playing") showPlaying(data);
  else if (name === "status") showStatus(data);
}

/* -- signing in ------------------------------------------------------------------------------- */

$("sign-in-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  token = $("token").value.trim();
  $("sign-in-error").textContent = "";
  try {
    await signIn();
    $("token").value = "";
    $("main").focus({ preventScroll: true });
  } catch (error) {
    $("sign-in-error").textContent = error.code === 401 ? "This token is not valid." : error.message;
    $("token").focus();
  }
});

async function signIn() {
  person = null;
  person = await read("/v1/me");
  sessionStorage.setItem(TOKEN, token);
  $("name").textContent = person.name;
  $("nav-generations").hidden = !person.is_admin;
  for (const [id, isHidden] of [["sign-in", true], ["nav", false], ["who", false]]) $(id).hidden = isHidden;
  charts = charts || new Charts($("charts"));
  showView();
  stream = new Stream(onEvent);
  const status = await read("/v1/status");
  charts.replace(status.samples);
  showStatus(status);
}

function signOut(why = "") {
  if (stream) stream.end();
  stream = person = token = null;
  sessionStorage.removeItem(TOKEN);
  location.replace(location.pathname + (why ? "#signed-out" : ""));
  location.reload();
}

$("sign-out").addEventListener("click", () => signOut());

/* -- views ------------------------------------------------------------------------------------ */

function showView() {
  const wanted = location.hash.slice(1);
  const isAllowed = VIEWS.includes(wanted) && (wanted !== "generations" || person.is_admin);
  const view = isAllowed ? wanted : "listening";
  for (const each of VIEWS) $(each).hidden = each !== view;
  for (const link of document.querySelectorAll("#nav a")) {
    if (link.hash === `#${view}`) {
      link.setAttribute("aria-current", "page");
      $("title").textContent = link.textContent;
      document.title = `${link.textContent} – EchoTune`;
    } else {
      link.removeAttribute("aria-current");
    }
  }
  if (view === "system") charts.draw();
  if (view === "more") loadClients();
  if (view === "generations") loadGenerations();
}

addEventListener("hashchange", () => {
  if (!person || location.hash === "#main") return;
  showView();
  scrollTo(0, 0);
});

/* -- tracks ----------------------------------------------------------------------------------- */

function make(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

const nameOf = (track) => track.track_name || track.track_id;
const fullName = (track) => (track.artist_name ? `${nameOf(track)} by ${track.artist_name}` : nameOf(track));

/** Makes the rows of `place` those of `wanted` ([key, make, update]); the keyboard keeps its place. */
function showRows(place, wanted) {
  const focused = document.activeElement;
  const behind = place.contains(focused) ? rowsBehind(focused.closest("li")) : [];
  const rows = new Map([...place.children].map((row) => [row.dataset.key, row]));
  const isFirst = !rows.size;
  wanted.forEach(([key, makeRow, update], at) => {
    let row = rows.get(key);
    rows.delete(key);
    if (!row) {
      row = makeRow();
      row.dataset.key = key;
      if (!isFirst) row.classList.add("new");
    }
    update(row);
    if (place.children[at] !== row) place.insertBefore(row, place.children[at] || null);
  });
  for (const row of rows.values()) row.remove();
  if (!focused.isConnected) goOn(place, focused, behind);
  else if (focused !== document.activeElement) focused.focus({ preventScroll: true });
}

function rowsBehind(row) {
  const found = [];
  for (let each = row.nextElementSibling; each; each = each.nextElementSibling) found.push(each);
  return found;
}

/** Moves the focus from a button whose row has left to the same one of the next row, or to the heading. */
function goOn(place, lost, behind) {
  const row = behind.find((each) => each.isConnected);
  const next = row ? row.querySelector(`button.${lost.classList[0]}`) : place.parentElement.querySelector("h2");
  if (focusedBefore === lost) focusedBefore = next;
  next.focus();
}

/** Marks a button as busy. One that is disabled would lose the focus. */
function setBusy(button, is) {
  button.setAttribute("aria-disabled", String(is));
}

const isBusy = (button) => button.getAttribute("aria-disabled") === "true";

function trackRow(track, does) {
  const row = make("li");
  const text = make("div", "track");
  text.append(make("p", "title", nameOf(track)), make("p", "about"));
  const buttons = make("div", "does");
  buttons.append(...does);
  row.append(text, buttons);
  return row;
}

function scoreButton(track, score, name, verb) {
  const button = make("button", name);
  button.type = "button";
  button.append(icon(name));
  button.setAttribute("aria-label", `${verb} ${fullName(track)}`);
  button.title = verb;
  button.dataset.track = track.track_id;
  button.dataset.score = score;
  button.addEventListener("click", () => think(track, scores[track.track_id] === score ? 0 : score));
  return button;
}

function thoughtButtons(track) {
  return [scoreButton(track, 1, "love", "Love"), scoreButton(track, -1, "hate", "Hate")];
}

function showScores() {
  for (const button of document.querySelectorAll("button[data-score]")) {
    const isPressed = scores[button.dataset.track] === Number(button.dataset.score);
    button.setAttribute("aria-pressed", String(isPressed));
  }
}

let unsaid = 0;
let sayings = 0;
let said = Promise.resolve();

/** Sends what a person says of tracks in the order in which they say it. */
async function sayOf(path, body) {
  unsaid += 1;
  sayings += 1;
  const turn = said.then(() => send(path, body));
  said = turn.catch(() => {});
  try {
    await turn;
  } finally {
    unsaid -= 1;
    if (!unsaid) loadHistory();
  }
}

/** Loves or hates a track, or neither; it is shown at once, and taken back if it is refused. */
async function think(track, score, canUndo = true) {
  const before = scores[track.track_id] || 0;
  scores[track.track_id] = score;
  showScores();
  const says = { 1: "You love", 0: "You neither love nor hate", "-1": "You hate" }[score];
  toast(`${says} ${fullName(track)}.`, canUndo ? () => think(track, before, false) : null);
  try {
    await sayOf("/v1/feedback", { track_id: track.track_id, score });
  } catch (error) {
    scores[track.track_id] = before;
    showScores();
    report(error);
  }
}

/** "Not now" takes a track off the list for a while; it leaves when the new list arrives. */
function dismissButton(track) {
  const button = make("button", "dismiss");
  button.type = "button";
  button.append(icon("dismiss"));
  button.setAttribute("aria-label", `Not now: dismiss ${fullName(track)}`);
  button.title = "Not now";
  button.dataset.track = track.track_id;
  button.addEventListener("click", () => dismiss(track));
  return button;
}

async function dismiss(track, undo = false) {
  const says = undo ? `${fullName(track)} may come again.` : `Not now: ${fullName(track)}.`;
  toast(says, undo ? null : () => dismiss(track, true));
  await sayOf("/v1/dismiss", { track_id: track.track_id, undo }).catch(report);
}

/** "That wasn't me" takes a play back for good, so that it is asked for twice. */
function notMeButton(listen) {
  const button = make("button", "not-me");
  const rest = () => {
    button.replaceChildren(icon("not-me"));
    button.classList.remove("sure");
    button.setAttribute("aria-label", `That wasn't me: take back ${fullName(listen)}`);
  };
  button.type = "button";
  button.title = "That wasn't me";
  rest();
  button.addEventListener("click", async () => {
    if (isBusy(button)) return;
    if (!button.classList.contains("sure")) {
      button.classList.add("sure");
      button.textContent = "Take back?";
      button.setAttribute("aria-label", `Take back? Press again to take back ${fullName(listen)}`);
      setTimeout(rest, SURE_MS);
      return;
    }
    setBusy(button, true);
    try {
      await send("/1/delete-listen", {
        listened_at: Math.floor(listen.listened_at / 1000), recording_msid: listen.recording_msid,
      });
      toast(`${fullName(listen)} no longer counts as played by you.`);
      $("history-title").scrollIntoView({ block: "nearest" });
    } catch (error) {
      setBusy(button, false);
      report(error);
    }
  });
  return button;
}

/* -- the list --------------------------------------------------------------------------------- */

const loadList = oneAtATime(async () => {
  let list;
  try {
    list = await read(mine("recommendations"));
  } catch (error) {
    if (error.code !== 404) throw error;
    $("list-about").textContent = "Your list appears after your first play.";
    showRows($("next"), []);
    return;
  }
  const about = list.is_fallback ? "What is popular; your own list follows your first play." : "";
  $("list-about").textContent = about || `Made ${timeOf(list.published_at)} by generation ${list.generation}.`;
  showRows($("next"), list.tracks.map((track, at) => [
    track.track_id,
    () => {
      const row = trackRow(track, [...thoughtButtons(track), dismissButton(track)]);
      row.prepend(make("span", "place"));
      return row;
    },
    (row) => {
      row.firstChild.textContent = at + 1;
      row.querySelector(".about").textContent = [track.artist_name, track.why].filter(Boolean).join(" · ");
    },
  ]));
  showScores();
  if (list.tracks.length) say(`Your list has changed. First is ${fullName(list.tracks[0])}.`);
});

const loadHistory = oneAtATime(async () => {
  const sayingsBefore = sayings;
  const [found, thought] = await Promise.all([read(mine("history")), read(mine("feedback"))]);
  if (!unsaid && sayings === sayingsBefore) scores = thought.scores;  // else it is older than the page
  const { listens } = found;
  $("history-about").textContent = listens.length ? "The newest plays first." : "Nothing yet.";
  const counts = new Map();
  showRows($("history"), listens.map((listen) => {
    const name = `${listen.listened_at} ${listen.track_id}`;
    counts.set(name, (counts.get(name) || 0) + 1);
    return [
      `${name} ${counts.get(name)}`,
      () => trackRow(listen, [...thoughtButtons(listen), notMeButton(listen)]),
      (row) => {
        const time = make("time", "", timeOf(listen.listened_at));
        time.dateTime = new Date(listen.listened_at).toISOString();
        const parts = [listen.artist_name, `via ${listen.client}`].filter(Boolean).join(" · ");
        row.querySelector(".about").replaceChildren(`${parts} · `, time);
      },
    ];
  }));
  showScores();
});

function showPlaying(listen) {
  const track = listen && listen.track_metadata;
  $("playing").textContent = track ? `Now playing: ${track.track_name} by ${track.artist_name}` : "";
}

function timeOf(ms) {
  const then = new Date(ms);
  const time = then.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  const isToday = then.toDateString() === new Date().toDateString();
  return isToday ? `at ${time}` : `${then.toLocaleDateString("en-CA")} ${time}`;
}

const loadClients = oneAtATime(async () => {
  const found = await read(mine("clients"));
  const number = found.of_newest.toLocaleString("en");
  $("clients-about").textContent = `Which programs sent your plays, among the newest ${number}.`;
  $("client-rows").replaceChildren(...found.clients.map((each) => {
    const row = make("tr");
    const name = make("th", "", each.client);
    name.scope = "row";
    row.append(name, make("td", "number", each.listens.toLocaleString("en")), make("td", "", timeOf(each.last_seen)));
    return row;
  }));
});

/* -- importing a file ------------------------------------------------------------------------- */

const UPLOADING = 0.2;

for (const kind of ["dragenter", "dragover"]) {
  $("drop").addEventListener(kind, (event) => {
    event.preventDefault();
    $("drop").classList.add("over");
  });
}
for (const kind of ["dragleave", "drop"]) {
  $("drop").addEventListener(kind, () => $("drop").classList.remove("over"));
}
for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault());
$("drop").addEventListener("drop", (event) => importFile(event.dataTransfer.files[0]));
$("file").addEventListener("change", () => importFile($("file").files[0]));

/** Sends a file; the answer is lines that say how far the import is. */
function importFile(file) {
  if (!file || $("file").disabled) return;
  const request = new XMLHttpRequest();
  let taken = 0;
  let ended = false;
  const end = (text) => {
    ended = true;
    $("import-says").textContent = text;
    $("import-progress").hidden = true;
    $("file").disabled = false;
    $("file").value = "";
    loadClients();
  };
  const take = () => {
    const lines = request.responseText.split("\n");
    for (; taken < lines.length - 1; taken += 1) {
      const line = JSON.parse(lines[taken]);
      if ("share" in line) progressIs(UPLOADING + (1 - UPLOADING) * line.share);
      else if (line.report) end(reportInWords(line.report));
      else if (line.error) end(line.error);
      else if (line.waits) $("import-says").textContent = line.waits;
    }
  };
  request.upload.addEventListener("progress", (event) => progressIs((UPLOADING * event.loaded) / event.total));
  request.addEventListener("progress", () => request.status === 200 && take());
  request.addEventListener("load", () => {
    if (request.status === 200) take();
    if (!ended) end(request.status === 200 ? "The import was interrupted." : problemIn(request));
  });
  request.addEventListener("error", () => end("The service does not answer; import the file again to go on."));
  request.open("POST", `/v1/imports?name=${encodeURIComponent(file.name)}`);
  request.setRequestHeader("Authorization", `Token ${token}`);
  $("file").disabled = true;
  $("import-progress").hidden = false;
  progressIs(0);
  $("import-says").textContent = `Importing ${file.name}; keep this page open.`;
  request.send(file);
}

function progressIs(share) {
  $("import-progress").value = share;
}

function problemIn(request) {
  try {
    return JSON.parse(request.responseText).error;
  } catch {
    return `The service answers ${request.status}.`;
  }
}

function reportInWords(report) {
  const parts = [`${count(report.sent)} plays imported, ${count(report.already_there)} were there already.`];
  if (report.bad) parts.push(`${count(report.bad)} rows left out: ${report.reasons.join("; ")}.`);
  for (const [reason, rows] of Object.entries(report.ignored)) parts.push(`${count(rows)} ignored: ${reason}.`);
  return [...parts, ...report.skipped].join(" ");
}

/* -- generations ------------------------------------------------------------------------------ */

const ROLL_BACK = "";

async function loadGenerations() {
  const found = await read("/v1/generations").catch(report);
  if (!found) return;
  $("generation-rows").replaceChildren(...found.generations.map((each) => {
    const row = make("tr");
    const name = make("th", "", each.name);
    name.scope = "row";
    const of = each.share === null ? "" : ` ${each.share / 100} %`;
    row.append(
      name, make("td", "", `${each.role.toLowerCase()}${of}, ${each.state.toLowerCase()}`),
      make("td", "", each.model || ""), make("td", "number", share(each.quality["hr@20"])),
      make("td", "number", share(each.baseline["hr@20"])), make("td", "number", count(each.lag_records)),
      make("td", "", each.why),
    );
    return row;
  }));
  $("comparisons").replaceChildren(...found.comparisons.map((each) => make("li", "", comparisonInWords(each))));
  const chosen = $("change-to").value;
  const ready = found.generations.filter((each) => each.gate_open && each.role.toLowerCase() !== "stable");
  const options = ready.map((each) => new Option(`Promote ${each.name}`, each.name));
  if (found.rollback) options.push(new Option(`Roll back to ${found.rollback}`, ROLL_BACK));
  $("change-to").replaceChildren(...options);
  if (options.some((each) => each.value === chosen)) $("change-to").value = chosen;
  $("change-form").hidden = !options.length;
}

function comparisonInWords({ a, b, verdict, difference, low, high, paired, at_ms }) {
  const [found, least, most] = [difference, low, high].map((each) => (100 * each).toFixed(1));
  return `${a} compared with ${b}: ${verdict}. Its hit rate differs by ${found} points (${least} to ${most}) ` +
    `on ${count(paired)} plays; ${timeOf(at_ms)}.`;
}

$("change-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (isBusy($("change"))) return;
  const name = $("change-to").value;
  const why = $("change-why").value;
  setBusy($("change"), true);
  $("change-says").textContent = "Making the change …";
  try {
    const path = name === ROLL_BACK ? "rollback" : "promote";
    const made = await (await send(`/v1/generations/${path}`, { name, why })).json();
    $("change-says").textContent = `${made.stable} serves everybody now.`;
    $("change-why").value = "";
  } catch (error) {
    $("change-says").textContent = error.message;
  }
  setBusy($("change"), false);
  loadGenerations();
});

/* -- the system ------------------------------------------------------------------------------- */

const count = (value) => (value === null || value === undefined ? "unknown" : Math.round(value).toLocaleString("en"));
const share = (value) => (value === null || value === undefined ? "unknown" : `${(100 * value).toFixed(1)} %`);

function showStatus(status) {
  const isGood = !status.problems.length;
  $("health").dataset.state = isGood ? "good" : "bad";
  setText($("health"), isGood ? "Everything works." : "Something needs attention:");
  const problems = [...$("problems").children].map((each) => each.textContent);
  if (problems.join("\n") !== status.problems.join("\n")) {
    $("problems").replaceChildren(...status.problems.map((each) => make("li", "", each)));
  }
  const { sample } = status;
  showFigures(status, [
    ["Generation", status.generation],
    ["Events learnt", count(status.applied)],
    ["Lists", count(status.lists)],
    ["Hit rate", share(sample.hit_rate)],
    ["Popularity's", share(sample.baseline)],
    ["Fresh after, p50", `${count(sample.fresh_p50_ms)} ms`],
    ["Events waiting", count(sample.waiting_events)],
    ["Recommenders", `${status.recommenders.running} of ${status.recommenders.wanted}`],
    ["Sequencers", count(status.sequencers)],
    ["Drift alarms", count(status.drift_alarms)],
    ...Object.entries(status.addresses || {}),
  ]);
  charts.add(sample);
  if (!$("more").hidden) loadClients();  // an import of old plays changes no row of the history
}

function showFigures(status, figures) {
  if ($("figures").children.length !== figures.length) {
    $("figures").replaceChildren(...figures.map(([name]) => {
      const pair = make("div");
      if (name in (status.addresses || {})) pair.className = "address";
      pair.append(make("dt", "", name), make("dd"));
      return pair;
    }));
  }
  figures.forEach(([, value], at) => setText($("figures").children[at].lastChild, value));
}

function setText(element, text) {
  if (element.textContent !== String(text)) element.textContent = text;
}

/* -- messages --------------------------------------------------------------------------------- */

let toastTimer = 0;
let undo = null;
let focusedBefore = $("main");

function toast(text, onUndo = null) {
  clearTimeout(toastTimer);
  undo = onUndo;
  if (!$("toast").contains(document.activeElement)) focusedBefore = document.activeElement;
  else if (!onUndo) leaveToast();
  $("toast").hidden = false;
  $("toast-text").textContent = text;
  $("toast-undo").hidden = !onUndo;
  toastTimer = setTimeout(hideToast, TOAST_MS);
}

function hideToast() {
  if ($("toast").contains(document.activeElement)) leaveToast();
  $("toast").hidden = true;
}

/** Gives the focus back to where it was before. */
function leaveToast() {
  (focusedBefore.isConnected ? focusedBefore : $("main")).focus({ preventScroll: true });
}

$("toast-undo").addEventListener("click", () => {
  hideToast();
  if (undo) undo();
});

let saidAt = 0;

/** Tells a screen reader, but not more often than it can speak. */
function say(text) {
  if (Date.now() - saidAt < NEWS_EVERY_MS) return;
  saidAt = Date.now();
  $("news").textContent = text;
}

/* -- begin ------------------------------------------------------------------------------------ */

if (location.hash === "#signed-out") $("sign-in-error").textContent = "The token is no longer valid.";
if (token) signIn().catch((error) => {
  $("sign-in").hidden = false;
  $("sign-in-error").textContent = error.message;
});
