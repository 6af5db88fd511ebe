// Dragging over a plot zooms into that time: a link like any other, so that it can be sent to somebody.
{
  const LEAST = 8;
  let begun = null;

  const geometry = (plot) => {
    const picture = plot.querySelector("svg");
    const box = picture.getBoundingClientRect();
    const scale = box.width / picture.viewBox.baseVal.width;
    return { box, left: Number(plot.dataset.left) * scale, right: Number(plot.dataset.right) * scale };
  };

  const inside = (plot, x) => {
    const { box, left, right } = geometry(plot);
    return Math.min(right, Math.max(left, x - box.left));
  };

  const draw = (to) => {
    const { plot, mark, from } = begun;
    const offset = plot.querySelector("svg").getBoundingClientRect().left - plot.getBoundingClientRect().left + plot.scrollLeft;
    mark.style.left = `${offset + Math.min(from, to)}px`;
    mark.style.width = `${Math.abs(to - from)}px`;
  };

  document.addEventListener("pointerdown", (event) => {
    const plot = event.target.closest(".plot.zooms");
    if (!plot || event.button !== 0 || event.pointerType === "touch" || event.target.closest("a")) return;
    event.preventDefault();
    const mark = document.createElement("div");
    mark.className = "selection";
    begun = { plot, mark, from: inside(plot, event.clientX) };
    plot.append(mark);
    draw(begun.from);
  });

  document.addEventListener("pointermove", (event) => {
    if (begun) draw(inside(begun.plot, event.clientX));
  });

  document.addEventListener("pointerup", (event) => {
    if (!begun) return;
    const { plot, mark, from } = begun;
    begun = null;
    mark.remove();
    const to = inside(plot, event.clientX);
    if (Math.abs(to - from) < LEAST) return;
    const { left, right } = geometry(plot);
    const [first, last] = [Number(plot.dataset.from), Number(plot.dataset.until)];
    const at = (x) => new Date((first + ((x - left) / (right - left)) * (last - first)) * 1000).toISOString().replace(/\.\d+Z$/, "Z");
    const url = new URL(location.href);
    url.searchParams.set("from", at(Math.min(from, to)));
    url.searchParams.set("to", at(Math.max(from, to)));
    location.assign(url);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !begun) return;
    begun.mark.remove();
    begun = null;
  });
}

// Pictures are drawn as wide as there is room for: the server is told, and asked once more where that matters.
{
  const measure = () => {
    const plot = document.querySelector(".plot.zooms");
    const picture = plot?.querySelector("svg");
    if (!picture || plot.clientWidth < 200) return;
    const room = Math.round(plot.clientWidth);
    const drawn = picture.viewBox.baseVal.width;
    document.cookie = `reach_width=${room}; Path=/; Max-Age=31536000; SameSite=Lax`;
    if (Math.abs(room - drawn) > drawn * 0.12 && document.cookie.includes(`reach_width=${room}`)) {
      document.dispatchEvent(new Event("reach:resized"));
    }
  };
  measure();
  let waits = null;
  addEventListener("resize", () => { clearTimeout(waits); waits = setTimeout(measure, 400); });
}
