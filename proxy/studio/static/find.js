// Finding a rule among many: lines without all of the words are hidden. What was looked for is kept while one pauses rules.
const FEW = 10;
const label = document.getElementById("find"), found = document.getElementById("found"), words = label.querySelector("input");
const lines = [...document.querySelectorAll("#served tbody tr")].map((line) => [line, line.textContent.toLowerCase()]);

const find = () => {
  const asked = words.value.toLowerCase().split(/\s+/).filter(Boolean);
  let left = 0;
  for (const [line, text] of lines) left += !(line.hidden = !asked.every((word) => text.includes(word)));
  found.textContent = asked.length ? `${left} of ${lines.length}` : "";
  sessionStorage.setItem("find", words.value);
};

if (lines.length > FEW) {
  label.hidden = false;
  words.value = sessionStorage.getItem("find") ?? "";
  words.addEventListener("input", find);
  find();
}
