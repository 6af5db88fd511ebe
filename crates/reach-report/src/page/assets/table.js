// Tables that are whole on their page are sorted by a click on the head of a column; the overview is filtered while
// somebody types, as far as it is on this page.
{
  const value = (row, column) => {
    const cell = row.cells[column];
    if (!cell) return "";
    return cell.dataset.v ?? cell.textContent.trim();
  };

  const compare = (a, b) => {
    const [x, y] = [parseFloat(a), parseFloat(b)];
    if (!Number.isNaN(x) && !Number.isNaN(y) && !/^\d+\.\d+\.\d/.test(a)) return x - y;
    return a.localeCompare(b, document.documentElement.lang, { numeric: true });
  };

  const prepare = () => {
    for (const table of document.querySelectorAll("table.sortable:not([data-ready])")) {
      table.dataset.ready = "";
      [...table.tHead.rows[0].cells].forEach((head, column) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = head.textContent;
        head.replaceChildren(button);
        button.addEventListener("click", () => {
          const down = head.getAttribute("aria-sort") === "ascending";
          for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
          head.setAttribute("aria-sort", down ? "descending" : "ascending");
          const rows = [...table.tBodies[0].rows];
          rows.sort((a, b) => compare(value(a, column), value(b, column)) * (down ? -1 : 1));
          table.tBodies[0].append(...rows);
        });
      });
    }
  };
  prepare();
  document.addEventListener("reach:swapped", prepare);

  document.addEventListener("input", (event) => {
    if (event.target.id !== "q") return;
    const words = event.target.value.toLowerCase().split(/\s+/).filter((word) => word && !word.includes("="));
    for (const row of document.querySelectorAll("#targets tbody tr")) {
      const name = row.querySelector("th").textContent.toLowerCase();
      const tips = () => [...row.querySelectorAll("[title]")].map((cell) => cell.title).join(" ").toLowerCase();
      row.hidden = !words.every((word) => name.includes(word) || tips().includes(word));
    }
  });
}

