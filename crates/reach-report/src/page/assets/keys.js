// Keys: `/` searches, `j` and `k` go through rows, `g` and a letter goes to a page, `?` shows them all.
{
  const help = document.getElementById("help");
  const opener = document.getElementById("help-open");
  if (help && opener) {
    opener.hidden = false;
    opener.addEventListener("click", () => help.showModal());
  }

  const places = { o: "/", i: "/incidents", s: "/signals", m: "/silences" };
  let waits = 0;

  const rows = () => [...document.querySelectorAll("main table:not(details table) tbody tr, .incidents li")]
    .filter((row) => !row.hidden && row.querySelector("a[href]"));

  const step = (by) => {
    const all = rows();
    if (all.length === 0) return;
    const now = all.findIndex((row) => row.contains(document.activeElement));
    const next = now < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, now + by));
    const link = all[next].querySelector("th a[href], a[href]");
    link.focus();
    all[next].scrollIntoView({ block: "nearest" });
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (typing) {
      if (event.key === "Escape") typing.blur();
      return;
    }
    if (help?.open) return;
    if (Date.now() < waits && places[event.key] && document.querySelector("nav a[href='/']")) {
      waits = 0;
      event.preventDefault();
      location.assign(places[event.key]);
      return;
    }
    const press = (id) => document.querySelector(`[data-key="${id}"]`)?.click();
    switch (event.key) {
      case "/": {
        const search = document.getElementById("q");
        if (!search) return;
        search.focus();
        search.select();
        break;
      }
      case "j": step(1); break;
      case "k": step(-1); break;
      case "g": waits = Date.now() + 1500; break;
      case "?": help?.showModal(); break;
      case "+": case "=": press("in"); break;
      case "-": press("out"); break;
      case "ArrowLeft":
        if (!document.querySelector("[data-key='earlier']") || event.target.closest(".scroll, .plot")) return;
        press("earlier");
        break;
      case "ArrowRight":
        if (!document.querySelector("[data-key='later']") || event.target.closest(".scroll, .plot")) return;
        press("later");
        break;
      default: return;
    }
    event.preventDefault();
  });
}

