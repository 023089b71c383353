// The live list: asks for the last decided pages once a second while this page is looked at.
const rows = document.getElementById("shown");

const cell = (text) => Object.assign(document.createElement("td"), { textContent: text });

const row = (shown) => {
  const line = document.createElement("tr");
  const slots = Object.entries(shown.slots).map(([slot, rule]) => `${slot}: ${rule || "the page's own"}`);
  line.append(cell(new Date(shown.at * 1000).toLocaleTimeString()), cell(shown.path), cell(slots.join(" · ")));
  return line;
};

const refresh = async () => {
  if (!document.hidden) {
    const [live, status] = await Promise.all(["/api/live", "/api/status"].map((url) => fetch(url).then((answer) => answer.json())));
    if (live.length) rows.replaceChildren(...live.slice(0, 25).map(row));
    for (const rule of status.rules) {
      const shown = document.querySelector(`[data-shown="${CSS.escape(rule.name)}"]`);
      if (shown) shown.textContent = rule.shown;
    }
  }
  setTimeout(refresh, 1000);
};

refresh();
