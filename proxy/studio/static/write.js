// Writing a file: it is checked and tested a moment after the last letter, the cursor's place is told, a link to a line
// selects it, a new line begins as deep as the one before, and who leaves what is not saved is asked first. What could not
// be sent is there again when one comes back: the studio was away, or asked who one is.
const form = document.getElementById("write"), text = form.elements.text, at = document.getElementById("at");
const first = text.defaultValue, wasSent = text.dataset.unsaved !== undefined;
let leaving = false, store; // in a browser that keeps anything
try { store = sessionStorage } catch {}

const tell = () => {
  const before = text.value.slice(0, text.selectionStart).split("\n");
  at.textContent = `line ${before.length}, column ${before.at(-1).length + 1}`;
};

const select = (line) => {
  const rows = text.value.split("\n"), start = rows.slice(0, line - 1).reduce((sum, row) => sum + row.length + 1, 0);
  text.focus();
  text.setSelectionRange(start, start + (rows[line - 1] ?? "").length);
  text.scrollTop = (text.scrollHeight / rows.length) * Math.max(0, line - 6);
  tell();
};

const told = document.getElementById("told");
const PAUSE_MS = 700, SHARE = 4; // of a large folder a check takes long, and the shop's pages are made beside it
let newest = 0, took = 0, waiting;

const check = async () => {
  const mine = ++newest, began = performance.now(), body = new URLSearchParams([...new FormData(form), ["do", "check"]]);
  const answer = await fetch(`${location.origin}/file`, { method: "POST", body }).catch(() => Response.error());
  took = performance.now() - began;
  if (mine === newest && !answer.ok) told.textContent = "Not checked: the studio does not answer.";
  if (!answer.ok || mine !== newest) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html"), tried = page.getElementById("tried");
  if (mine !== newest || leaving) return;
  document.getElementById("tried").replaceWith(document.adoptNode(tried));
  form.querySelector("[value=mend]").hidden = page.querySelector("[value=mend]").hidden;
  const [where, what, how] = tried.querySelectorAll("tbody td");
  told.textContent = what ? `${where.innerText}: ${what.firstChild.data}; ${how.firstChild?.data ?? ""}` : tried.querySelector("h2").textContent;
};

const kept = `unsaved ${form.elements.name.value}`;
const keep = () => store?.setItem(kept, JSON.stringify({ mark: form.elements.mark.value, text: text.value }));
const restore = () => {
  const unsaved = JSON.parse(store?.getItem(kept) ?? null);
  if (wasSent || !unsaved || unsaved.text === text.value) return;
  form.elements.mark.value = unsaved.mark; // if somebody has changed the file since, it is not saved over theirs
  text.value = unsaved.text;
  form.before(Object.assign(document.createElement("p"), { role: "status", textContent: "What you wrote here is back. It is not saved yet." }));
  check().catch(() => {});
};

text.addEventListener("input", () => {
  clearTimeout(waiting);
  newest++;
  waiting = setTimeout(() => {
    check().catch(() => {});
    keep();
  }, Math.max(PAUSE_MS, SHARE * took));
});
for (const kind of ["keyup", "click", "input"]) text.addEventListener(kind, tell);
text.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.isComposing || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const row = text.value.slice(0, text.selectionStart).split("\n").at(-1);
  document.execCommand("insertText", false, `\n${/^ */.exec(row)[0]}`); // the only way that Ctrl-Z knows
});
form.addEventListener("submit", () => {
  leaving = true;
  keep();
});
addEventListener("pageshow", () => (leaving = false));
addEventListener("pagehide", () => leaving || store?.removeItem(kept));
addEventListener("beforeunload", (event) => {
  if (!leaving && (wasSent || text.value !== first)) event.preventDefault();
});
const lineOf = (hash) => Number(/^#line-(\d+)$/.exec(hash)?.[1]);
document.addEventListener("click", (event) => {
  const line = lineOf(event.target.closest("a")?.hash);
  if (!line) return;
  event.preventDefault();
  select(line);
});
restore();
const asked = lineOf(location.hash) || Number(text.dataset.line); // the former, if a link was clicked before this ran
if (asked) select(asked);
