import { h } from "vue";

export const TbSlot = {
  props: ["name", "html"],
  setup: ({ name, html = "" }) => () => h("div", { "data-slot": name, "data-tb-raw": "", innerHTML: html }),
};
