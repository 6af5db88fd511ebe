// Spans that count on: the server's clock decides, for that of the browser may be wrong.
{
  const body = document.body;
  const ahead = Number(body.dataset.now) * 1000 - Date.now();
  const units = (body.dataset.units ?? " d, h, min, s").split(",");

  const span = (seconds) => {
    const parts = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60];
    const first = parts.findIndex((count) => count > 0);
    if (first < 0) return `0${units[3]}`;
    return parts.slice(first, first + 2)
      .map((count, index) => (count > 0 ? `${count}${units[first + index]}` : ""))
      .filter((text) => text).join(" ");
  };

  const tick = () => {
    const now = Date.now() + ahead;
    for (const time of document.querySelectorAll("time[data-ago]")) {
      time.textContent = span(Math.max(0, Math.floor(now / 1000 - Number(time.dataset.ago))));
    }
  };
  setInterval(tick, 10_000);
}

