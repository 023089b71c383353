// The two things a page for everybody cannot hold: the number on the cart, and the token of this browser's forms.
// Both come from /cart.json. Without this script the shop works too; the number stays empty.
"use strict";

const counter = document.getElementById("cart-count");
const toast = document.getElementById("toast");

function show(count) {
  counter.textContent = count || "";
  counter.setAttribute("aria-label", count === 1 ? "1 piece" : `${count} pieces`);
}

async function fetchCart() {
  const answer = await fetch("/cart.json", { headers: { accept: "application/json" } });
  if (!answer.ok) throw new Error(`cart: ${answer.status}`);
  return answer.json();
}

async function add(form) {
  const { token } = await fetchCart();
  const body = new URLSearchParams(new FormData(form));
  body.set("token", token);
  const answer = await fetch(form.action, { method: "POST", body, headers: { accept: "application/json" } });
  if (!answer.ok) throw new Error(`add: ${answer.status}`);
  const { count, added } = await answer.json();
  show(count);
  say(`${added} is in your cart`);
}

function say(text) {
  toast.textContent = text;
  toast.classList.add("is-shown");
  clearTimeout(say.timer);
  say.timer = setTimeout(() => toast.classList.remove("is-shown"), 4000);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-add-to-cart]")) return;
  event.preventDefault();
  // When our way fails, the browser's own submit shows what is wrong.
  add(form).catch(() => form.submit());
});

fetchCart().then(({ count }) => show(count)).catch(() => show(0));
