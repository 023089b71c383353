import { getCurrentInstance, h, onMounted, ref } from "vue";

// An element that is made in the browser, by a router say, has come without HTML: what stands in the slots of the page
// is asked for in one call. One that Vue takes over has been filled by the server.
let call;

function ask(name) {
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
    const isFilled = getCurrentInstance().vnode.el !== null;
    onMounted(async () => {
      const slot = isFilled ? null : await ask(name);
      if (slot?.html && element.value) element.value.innerHTML = slot.html;
    });
    return () => h("div", { ref: element, "data-slot": name, "data-tb-raw": "", innerHTML: html });
  },
};
