// The list of rules follows while one types what to find. What was looked for is kept while one pauses rules.
const WAIT = 150;
const form = document.getElementById("find"), words = form?.elements.find, here = new URL(location.href);
const PARTS = ["#served tbody", "#pages"];
let newest = 0, waiting, kept; // by a browser that keeps anything
try { kept = sessionStorage } catch {}

const show = async () => {
  const mine = ++newest, url = `/?find=${encodeURIComponent(words.value)}`;
  kept?.setItem("find", words.value);
  const answer = await fetch(location.origin + url).catch(() => Response.error());
  if (mine !== newest) return;
  if (!answer.ok) document.getElementById("found").textContent = "The studio does not answer: this list is as it was.";
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (mine !== newest) return;
  history.replaceState(null, "", url);
  for (const part of PARTS) document.querySelector(part).replaceWith(page.querySelector(part));
  document.getElementById("found").textContent = page.getElementById("found").textContent; // the same element, so that it is heard
};

if (form) {
  const typed = words.value !== words.defaultValue; // before this ran
  if (!typed && !here.search && !here.hash) words.value = kept?.getItem("find") ?? "";
  if (words.value !== words.defaultValue) show().catch(() => {});
  words.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => show().catch(() => {}), WAIT);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show().catch(() => {});
  });
}
