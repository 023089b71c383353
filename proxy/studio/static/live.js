// The live list: asks for the last decided pages once a second while this page is looked at, or less often where an answer
// takes long. A worker that is replaced, or does not answer, is asked again. Addresses are whole, here and in the other
// scripts: `fetch` refuses a path in a page that was opened as http://anna:token@studio/.
const SHARE = 20;
const rows = document.getElementById("shown");
let told = "";

const cell = (text) => Object.assign(document.createElement("td"), { textContent: text });

const row = (shown) => {
  const line = document.createElement("tr");
  const slots = Object.entries(shown.slots).map(([slot, rule]) => `${slot}: ${rule || "the page's own"}`);
  line.append(cell(new Date(shown.at * 1000).toLocaleTimeString()), cell(shown.path), cell(slots.join(" · ")));
  return line;
};

const query = () => {
  const address = new URLSearchParams(location.search);
  return `?${new URLSearchParams({ find: address.get("find") ?? "", page: address.get("page") ?? 1 })}`;
};

const ask = async () => {
  const [live, status] = await Promise.all(["/api/live", `/api/status${query()}`].map((path) => fetch(location.origin + path).then((answer) => answer.json())));
  if (live.length && told !== (told = JSON.stringify(live))) rows.replaceChildren(...live.slice(0, 25).map(row));
  const cells = new Map([...document.querySelectorAll("[data-shown]")].map((each) => [each.dataset.shown, each]));
  for (const rule of status.rules) {
    const shown = cells.get(rule.name);
    if (shown && shown.textContent !== String(rule.shown)) shown.textContent = rule.shown;
  }
};

const refresh = async () => {
  const began = performance.now();
  if (!document.hidden) await ask().catch(() => {});
  setTimeout(refresh, Math.max(1000, SHARE * (performance.now() - began)));
};

refresh();
