// Everything here adds to pages that work without it: the clock of the test, and photos that are sent with progress, pauses, and from
// where they stood after a lost line (tus 1.0.0). Words come from the page, in its language; times are those of the capital, as everywhere.
"use strict";
(() => {
  const RETRY_SECONDS = [1, 2, 4, 8, 15, 30];
  const TRIES_LIMIT = 30;
  const PIXELS_WIDE = 1600;
  const REPORTS_LIMIT = 20;
  const $ = (id) => document.getElementById(id);
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));

  const left = document.querySelector("[data-left]");
  if (left) {
    const until = performance.now() + 1000 * Number(left.dataset.left);
    const show = () => {
      const seconds = Math.max(0, Math.round((until - performance.now()) / 1000));
      left.querySelector("strong").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
      if (seconds > 0) setTimeout(show, 1000);
    };
    left.hidden = false;
    show();
  }
  if ($("fault") && !$("fault").hidden && !$("photo-form")) $("fault").focus();

  const form = $("photo-form");
  // Without digests in the browser (plain HTTP on another machine) the form itself is sent, as without a script.
  if (!form || !window.crypto || !crypto.subtle) return;
  const { kind, trace, step, token, ticket, site } = form.dataset;
  const said = JSON.parse(form.dataset.said);
  const limit = Number(form.dataset.limit);
  const progresses = form.dataset.progress === "1";
  const input = $("photo");
  const memory = `foto-${trace}-${kind}`;
  const reportsKept = `laporan-${trace}`;
  let chosen = null; // what is sent: the photo, its digest, and where its ticket leads
  let running = null; // the request in progress
  let now = null; // the try that it belongs to
  let timer = 0;
  let tries = 0;

  // --- what is said

  const say = (text) => {
    $("state").textContent = text;
    $("state").classList.remove("notice");
  };
  const busy = (is) => {
    $("send").hidden = is;
    form.querySelector(".picker").hidden = is;
  };
  const fail = (text) => {
    $("fault").querySelector("p").textContent = text;
    $("fault").hidden = false;
    for (const told of $("fault").querySelectorAll(".back")) told.remove();
    say("");
    ready();
  };
  const ready = () => {
    busy(false);
    buttons(false, false);
  };
  const buttons = (pause, resume) => {
    if (!progresses) return;
    $("pause").hidden = !pause;
    $("resume").hidden = !resume;
  };
  const percent = () => (chosen ? Math.floor((100 * chosen.offset) / chosen.blob.size) : 0);
  const draw = (bytes) => {
    if (!progresses) return;
    const all = chosen.blob.size;
    const share = Math.min(100, Math.floor((100 * bytes) / all));
    $("sending").hidden = false;
    $("bar").value = share;
    $("sent").textContent = fill(said.sent_bytes, { sent: Math.round(bytes / 1000), all: Math.round(all / 1000), percent: share });
  };
  const wait = (seconds) => (seconds < 60
    ? fill(said.wait_seconds, { n: Math.max(1, Math.round(seconds)) })
    : fill(said.wait_minutes, { n: Math.ceil(seconds / 60) }));
  const clock = (seconds) => new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "Asia/Jakarta" })
    .format(new Date(Date.now() + 1000 * seconds)) + " WIB";
  const reason = (code) => said[`code_${code}`] || said.code_other;

  // --- one try: named as the server's ledger names it, reported when it ends

  const waitingReports = JSON.parse(localStorage.getItem(reportsKept) || "[]");
  const keep = () => localStorage.setItem(reportsKept, JSON.stringify(waitingReports.slice(-REPORTS_LIMIT)));
  const flush = () => {
    for (const report of waitingReports.splice(0)) navigator.sendBeacon(`${site}/laporan`, JSON.stringify(report));
    keep();
  };
  const begin = () => {
    const drawn = crypto.getRandomValues(new Uint8Array(3));
    const number = 1 + ((drawn[1] << 8) | drawn[2]) % 65535;
    const hex = (value, digits) => value.toString(16).padStart(digits, "0");
    const id = trace + hex(drawn[0], 2) + step + hex(number, 6);
    const attempt = { id, began: performance.now(), bytes: 0, exchanges: 0, phase: "connect", over: false };
    attempt.header = () => `00-${id}-${hex(attempt.exchanges += 1, 16)}-01`;
    attempt.end = (outcome, status, code, phase) => {
      if (attempt.over) return;
      attempt.over = true;
      const report = { attempt: id, outcome, phase: phase || attempt.phase, status, code: code || "none", bytes: attempt.bytes,
        exchanges: attempt.exchanges, milliseconds: Math.round(performance.now() - attempt.began) };
      waitingReports.push(report);
      // Who has just lost the line can't report it yet: with the next answer, or when the page goes, or when it is opened again.
      if (outcome !== "reset") flush();
      else keep();
    };
    now = attempt;
    return attempt;
  };
  const outcomeOf = (status, waits) => {
    if (status === 503 || status === 429) return waits ? "refused" : "failed";
    if (status >= 500) return "failed";
    if (status === 413) return "too_large";
    if (status === 409) return "conflict";
    return status === 401 || status === 410 ? "expired" : "invalid";
  };

  const request = (method, url, headers, body, attempt, withCookie) => new Promise((resolve) => {
    const asked = new XMLHttpRequest();
    running = asked;
    asked.open(method, url);
    asked.withCredentials = withCookie;
    for (const [name, value] of Object.entries(headers)) asked.setRequestHeader(name, value);
    if (attempt) {
      attempt.phase = "connect";
      const base = chosen.offset;
      if (body instanceof Blob || body instanceof FormData) {
        asked.upload.onprogress = (event) => {
          attempt.phase = "send";
          attempt.bytes = event.loaded;
          draw(base + event.loaded);
        };
        asked.upload.onload = () => {
          attempt.phase = "wait";
          say(progresses ? said.checking : said.sending);
        };
      } else {
        asked.upload.onload = () => { attempt.phase = "wait"; };
      }
      asked.onreadystatechange = () => { if (asked.readyState === 2 || asked.readyState === 3) attempt.phase = "receive"; };
    }
    const done = () => {
      if (running === asked) running = null;
      if (asked.status !== 0) flush();
      let told = {};
      if ((asked.getResponseHeader("Content-Type") || "").includes("json")) {
        try { told = JSON.parse(asked.responseText); } catch (error) { told = {}; }
      }
      resolve({ status: asked.status, told, header: (name) => asked.getResponseHeader(name), url: asked.responseURL });
    };
    asked.onload = done;
    asked.onerror = done;
    asked.onabort = done;
    asked.send(body);
  });

  // --- what happens next

  const later = (seconds, next) => {
    clearTimeout(timer);
    timer = setTimeout(next, Math.max(0.2, seconds) * 1000);
  };
  const stored = () => {
    localStorage.removeItem(memory);
    draw(chosen.blob.size);
    say(said.stored);
    buttons(false, false);
    $("fault").hidden = true;
    $("onward").hidden = false;
    $("onward").focus();
  };
  const comeBack = (answer, next) => {
    const seconds = Number(answer.told.retry_after_seconds || answer.header("Retry-After") || 5);
    if (answer.told.place) chosen.place = answer.told.place;
    const until = Date.now() + 1000 * seconds;
    const show = () => {
      const still = (until - Date.now()) / 1000;
      if (still <= 0) return next();
      $("state").textContent = `${fill(answer.told.code === "uploads_busy" ? said.waits : reason(answer.told.code) + " {time}",
        { at: clock(still), time: wait(still) })} ${said.waits_open}`;
      return later(Math.min(still, still < 60 ? 15 : 60), show);
    };
    buttons(false, false);
    $("state").classList.add("notice");
    show();
  };
  const refused = (answer, attempt, next) => {
    const code = answer.told.code || "other";
    const waits = answer.told.retry_after_seconds !== undefined || answer.header("Retry-After") !== null;
    attempt.end(outcomeOf(answer.status, waits), answer.status, code, "none");
    if (waits && (answer.status === 503 || answer.status === 429)) return comeBack(answer, next);
    if (answer.status === 401 && code.startsWith("session")) return fail(said.session_over);
    return fail(reason(code));
  };
  const cut = (attempt, next) => {
    attempt.end("reset", 0, "none");
    tries += 1;
    if (tries > TRIES_LIMIT) return fail(fill(said.cut, { percent: percent() }));
    const seconds = RETRY_SECONDS[Math.min(tries, RETRY_SECONDS.length) - 1];
    say(`${fill(said.cut, { percent: percent() })} ${fill(said.going_on, { time: wait(seconds) })}`);
    buttons(false, true);
    return later(seconds, next);
  };

  const ask = async () => {
    const attempt = begin();
    say(said.asking);
    $("fault").hidden = true;
    const headers = { "Content-Type": "application/json", "Form-Token": token, traceparent: attempt.header() };
    if (chosen.place) headers["Upload-Place"] = chosen.place;
    chosen.offset = 0;
    const wish = JSON.stringify({ kind, bytes: chosen.blob.size, sha256: chosen.sha256 });
    const answer = await request("POST", ticket, headers, wish, attempt, true);
    if (answer.status === 0) return cut(attempt, ask);
    if (answer.status === 200) {
      attempt.end("ok", 200, "none", "none");
      return stored();
    }
    if (answer.status !== 201) return refused(answer, attempt, ask);
    chosen.url = answer.told.tus_url;
    localStorage.setItem(memory, JSON.stringify({ sha256: chosen.sha256, url: chosen.url }));
    return send(attempt);
  };
  const send = async (attempt) => {
    say(said.sending);
    draw(chosen.offset);
    buttons(true, false);
    attempt.bytes = 0;
    const headers = { "Tus-Resumable": "1.0.0", "Upload-Offset": String(chosen.offset), "Content-Type": "application/offset+octet-stream",
      traceparent: attempt.header() };
    const answer = await request("PATCH", chosen.url, headers, chosen.blob.slice(chosen.offset), attempt, false);
    if (chosen.paused) {
      attempt.end("timed_out", 0, "none");
      say(said.paused);
      return buttons(false, true);
    }
    if (answer.status === 0 || answer.status === 408 || answer.status === 423) return cut(attempt, goOn);
    if (answer.status === 204 && Number(answer.header("Upload-Offset")) === chosen.blob.size) {
      attempt.end("ok", 204, "none", "none");
      return stored();
    }
    if (answer.status === 409) {
      attempt.end("conflict", 409, answer.told.code, "none");
      return goOn();
    }
    if ([404, 410, 401].includes(answer.status)) {
      attempt.end("expired", answer.status, answer.told.code, "none");
      return ask();
    }
    return refused(answer, attempt, goOn);
  };
  const goOn = async () => {
    clearTimeout(timer);
    chosen.paused = false;
    buttons(false, false);
    const answer = await request("HEAD", chosen.url, { "Tus-Resumable": "1.0.0" }, null, null, false);
    if (answer.status === 0) return cut(begin(), goOn);
    if (answer.status !== 200) return ask();
    const offset = Number(answer.header("Upload-Offset"));
    if (offset > chosen.offset) tries = 0;
    chosen.offset = offset;
    return offset === chosen.blob.size ? stored() : send(begin());
  };

  // --- as in 2020: all or nothing

  const sendForm = async () => {
    const attempt = begin();
    chosen.offset = 0;
    const body = new FormData();
    body.append("photo", chosen.blob, "photo.jpg");
    say(said.sending);
    const answer = await request("POST", form.action, { Accept: "application/json", traceparent: attempt.header() }, body, attempt, true);
    if (answer.status === 201) {
      attempt.end("ok", answer.status, "none", "none");
      return stored();
    }
    if (answer.status === 0) attempt.end("reset", 0, "none");
    else attempt.end(outcomeOf(answer.status, false), answer.status, answer.told.code, "none");
    return fail(said.failed_plain);
  };

  // --- the photo

  const digest = async (blob) => {
    const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
    return Array.from(bytes, (one) => one.toString(16).padStart(2, "0")).join("");
  };
  const shrink = async (file) => {
    say(said.shrinking);
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, PIXELS_WIDE / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    return new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", 0.85); });
  };
  const take = async (file) => {
    let blob = file;
    if (progresses && (file.size > limit || file.type !== "image/jpeg")) {
      try { blob = await shrink(file); } catch (error) { blob = null; }
      if (!blob) return fail(said.unreadable);
      if (blob.size > limit) return fail(fill(said.too_large, { n: limit / 1e6 }));
    }
    chosen = { blob, offset: 0, paused: false, sha256: "", url: "", place: "" };
    tries = 0;
    $("fault").hidden = true;
    if (!ticket) return sendForm();
    chosen.sha256 = await digest(blob);
    const before = JSON.parse(localStorage.getItem(memory) || "null");
    if (before && before.sha256 === chosen.sha256) {
      chosen.url = before.url;
      return goOn();
    }
    return ask();
  };

  input.addEventListener("change", () => {
    const file = input.files[0];
    input.removeAttribute("capture");
    $("preview").hidden = !file;
    if (!file) return;
    if ($("preview").src) URL.revokeObjectURL($("preview").src);
    $("preview").src = URL.createObjectURL(file);
    say("");
    ready();
  });
  form.addEventListener("submit", (event) => {
    if (!input.files.length) return; // the browser says what is missing
    event.preventDefault();
    clearTimeout(timer);
    busy(true);
    take(input.files[0]);
  });
  if (progresses) {
    $("pause").addEventListener("click", () => {
      chosen.paused = true;
      if (running) running.abort();
    });
    $("resume").addEventListener("click", goOn);
  }
  addEventListener("online", () => { if (timer && chosen && chosen.url && !running && progresses && !$("resume").hidden && !chosen.paused) goOn(); });
  addEventListener("pagehide", () => { if (running && now) now.end("timed_out", 0, "none"); });
  if (navigator.onLine) flush();
  for (const id of ["shrinks", "resumes"]) if ($(id)) $(id).hidden = false;
  const camera = $("camera");
  camera.hidden = !matchMedia("(pointer: coarse)").matches;
  camera.addEventListener("click", () => {
    input.setAttribute("capture", camera.dataset.capture);
    input.click();
  });
})();
