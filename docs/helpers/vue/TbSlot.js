import { h, onMounted, ref } from "vue";

// Where a router has swapped the page, no HTML came: what stands in the new page's slots is asked for in one call.
const first = globalThis.location?.href;
let hasMoved = false;
let call;

function ask(name) {
  hasMoved ||= location.href !== first;
  if (!hasMoved) return Promise.resolve(); // the server has filled it
  call ??= { names: new Set(), answer: Promise.resolve().then(fetchSlots).catch(() => ({})) };
  call.names.add(name);
  return call.answer.then((slots) => slots[name]);
}

async function fetchSlots() {
  const names = [...call.names].join(), path = encodeURIComponent(location.pathname + location.search);
  call = undefined;
  const answer = await fetch(`/_tb/slots?names=${names}&path=${path}`);
  return answer.ok ? answer.json() : {};
}

export const TbSlot = {
  props: ["name", "html"],
  setup({ name, html = "" }) {
    const element = ref(null);
    onMounted(async () => {
      const slot = await ask(name);
      if (slot?.html && element.value) element.value.innerHTML = slot.html;
    });
    return () => h("div", { ref: element, "data-slot": name, "data-tb-raw": "", innerHTML: html });
  },
};
