// While results are counted the page asks again, and shows them once they are there, without loading anew: who reads it by ear
// or keyboard stays where they are.
const WAIT = 3000;

const ask = async () => {
  const answer = await fetch(location.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!page.getElementById("counting")) document.querySelector("main").replaceWith(page.querySelector("main"));
};

const again = async () => {
  if (!document.hidden) await ask().catch(() => {});
  if (document.getElementById("counting")) setTimeout(again, WAIT);
};

setTimeout(again, WAIT);
