
// What is new comes by server-sent events: `patch` replaces elements by their ids, `refresh` the whole of main.
{
  const body = document.body;
  const page = body.dataset.live;
  const sign = document.getElementById("live");
  const heard = document.getElementById("announce");
  const EVERY = 10_000;
  let refreshed = Date.now();
  let planned = null;

  const show = (on) => {
    if (!sign) return;
    sign.hidden = false;
    sign.classList.toggle("lost", !on);
    sign.textContent = on ? sign.dataset.on : sign.dataset.off;
  };

  const busy = () => document.querySelector("main form :is(input:not([type=hidden]), select, textarea):focus, .selection, dialog[open]") !== null
    || [...document.querySelectorAll("main input[name=text], main input[name=comment]")].some((field) => field.value !== "");

  const open = () => {
    const text = document.getElementById("summary")?.dataset.open;
    try { return new Map(JSON.parse(text ?? "[]").map((one) => [one.id, one.title])); } catch { return new Map(); }
  };

  const announce = (before) => {
    const after = open();
    const said = [];
    for (const [id, title] of after) if (!before.has(id)) said.push(body.dataset.opened + title);
    for (const [id, title] of before) if (!after.has(id)) said.push(body.dataset.closed + title);
    if (said.length > 0 && heard) heard.textContent = said.join(". ");
  };

  // Whatever has the focus keeps it where it is still there.
  const path = (element) => {
    if (!element || element === body) return null;
    const anchor = element.closest("[id]");
    if (!anchor) return null;
    const href = element.getAttribute("href");
    return { id: anchor.id, href, self: anchor === element };
  };
  const refocus = (kept) => {
    if (!kept || (document.activeElement && document.activeElement !== body)) return;
    const anchor = document.getElementById(kept.id);
    const link = kept.href && anchor ? [...anchor.querySelectorAll("a[href]")].find((one) => one.getAttribute("href") === kept.href) : null;
    (kept.self ? anchor : link)?.focus({ preventScroll: true });
  };

  const patch = (patches) => {
    const before = open();
    const kept = path(document.activeElement);
    for (const { id, html } of patches) {
      const old = document.getElementById(id);
      if (!old) continue;
      const template = document.createElement("template");
      template.innerHTML = html;
      const fresh = template.content.firstElementChild;
      if (!fresh || fresh.isEqualNode(old)) continue;
      fresh.hidden = old.hidden;
      if (fresh.tagName === "TR") fresh.classList.add("changed");
      old.replaceWith(fresh);
    }
    refocus(kept);
    announce(before);
  };

  const swap = async () => {
    planned = null;
    if (document.hidden || busy()) { plan(EVERY); return; }
    refreshed = Date.now();
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, credentials: "same-origin" });
      if (answer.redirected && new URL(answer.url).pathname !== location.pathname) { location.reload(); return; }
      if (!answer.ok || busy()) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const main = fresh.querySelector("main");
      const old = document.querySelector("main");
      if (!main || !old) return;
      const before = open();
      const kept = path(document.activeElement);
      const shut = new Set([...old.querySelectorAll("details")].map((one, index) => (one.open ? null : index)));
      const wide = new Set([...old.querySelectorAll("details")].map((one, index) => (one.open ? index : null)));
      const scrolled = [...old.querySelectorAll(".scroll, .plot, .timeline")].map((one) => [one.scrollLeft, one.scrollTop]);
      old.replaceChildren(...main.childNodes);
      [...old.querySelectorAll("details")].forEach((one, index) => {
        if (shut.has(index)) one.open = false;
        if (wide.has(index)) one.open = true;
      });
      [...old.querySelectorAll(".scroll, .plot, .timeline")].forEach((one, index) => {
        if (scrolled[index]) [one.scrollLeft, one.scrollTop] = scrolled[index];
      });
      document.title = fresh.title;
      const nav = fresh.querySelector("header.top nav");
      if (nav && !document.querySelector("header.top nav").contains(document.activeElement)) {
        document.querySelector("header.top nav").replaceChildren(...nav.childNodes);
      }
      refocus(kept);
      announce(before);
      document.dispatchEvent(new Event("reach:swapped"));
    } catch {
      show(false);
    }
  };

  document.addEventListener("reach:resized", () => { swap(); });

  const plan = (least = 0) => {
    if (planned !== null) return;
    planned = setTimeout(swap, Math.max(least, EVERY - (Date.now() - refreshed), 0));
  };

  if (page && "EventSource" in window) {
    let source = null;
    let wait = 1_000;
    const listen = () => {
      source = new EventSource(`/live?page=${encodeURIComponent(page)}&lang=${document.documentElement.lang}`);
      source.addEventListener("open", () => { wait = 1_000; show(true); });
      source.addEventListener("patch", (event) => {
        try { patch(JSON.parse(event.data).patches ?? []); } catch { plan(); }
      });
      source.addEventListener("refresh", () => plan());
      source.addEventListener("error", () => {
        show(false);
        // The browser tries again by itself unless the answer was no stream at all.
        if (source.readyState !== EventSource.CLOSED) return;
        setTimeout(listen, wait);
        wait = Math.min(wait * 2, 60_000);
      });
    };
    listen();
    addEventListener("pagehide", () => source?.close());
    addEventListener("pageshow", (event) => { if (event.persisted) { listen(); plan(); } });
    document.addEventListener("visibilitychange", () => { if (!document.hidden && planned !== null) { clearTimeout(planned); planned = null; plan(); } });
  }
}
