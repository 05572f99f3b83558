// A click on a heading sorts by its column; what is no number comes last, and the total stays where it is.
for (const button of document.querySelectorAll("th button")) button.addEventListener("click", () => {
  const head = button.parentElement, body = head.closest("table").tBodies[0];
  const down = head.getAttribute("aria-sort") === "ascending";
  for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const number = text => parseFloat((text.match(/^[[<]?([-+]?[0-9][0-9,.]*)/) || ["", ""])[1].replaceAll(",", ""));
  const text = row => row.cells[head.cellIndex].textContent;
  const order = (a, b) => {
    const x = number(text(a)), y = number(text(b));
    if (isNaN(x) !== isNaN(y)) return isNaN(x) ? 1 : -1;
    return (isNaN(x) ? text(a).localeCompare(text(b)) : x - y) * (down ? -1 : 1);
  };
  body.append(...[...body.rows].sort(order));
});
