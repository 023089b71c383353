"use client";
import { useEffect, useRef, useState, useSyncExternalStore } from "react";

// An element that is made in the browser, by a router say, has come without HTML: what stands in the slots of the page
// is asked for in one call. One that React takes over has been filled by the server.
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

const never = () => () => {};

export function TbSlot({ name, html = "" }) {
  const [given] = useState({ __html: html });
  const isTakenOver = useSyncExternalStore(never, () => false, () => true);
  const [isFilled] = useState(isTakenOver);
  const element = useRef(null);
  useEffect(() => {
    if (isFilled) return;
    ask(name).then((slot) => {
      if (slot?.html && element.current) element.current.innerHTML = slot.html;
    });
  }, [name]);
  return (
    <div ref={element} data-slot={name} data-tb-raw="" suppressHydrationWarning dangerouslySetInnerHTML={given} />
  );
}
