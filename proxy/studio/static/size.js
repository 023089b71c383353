// How many visitors a condition is true of, a moment after the last letter. An answer that a later one overtook is dropped.
const [when, size, share, problems] = ["when", "size", "share", "problems"].map((id) => document.getElementById(id));
const PAUSE_MS = 250, AWAY = "Not counted: the studio does not answer.";
let waiting, asked = 0;

const show = (answer) => {
  size.textContent = answer.said;
  share.value = answer.width;
  problems.replaceChildren(...answer.problems.map((one) =>
    Object.assign(document.createElement("li"), { textContent: `line ${one.line}: ${one.what}; ${one.help}` })));
};

const count = async () => {
  const mine = ++asked;
  const answer = await fetch(`${location.origin}/api/segments/size`, { method: "POST", body: when.value }).catch(() => new Response(AWAY, { status: 503 }));
  const told = answer.ok ? await answer.json() : { said: await answer.text(), width: 0, problems: [] };
  if (mine === asked) show(told);
};

when.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(count, PAUSE_MS);
});
if (when.value) count();
