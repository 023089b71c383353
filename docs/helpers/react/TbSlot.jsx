"use client";
import { useState } from "react";

export function TbSlot({ name, html = "" }) {
  const [first] = useState({ __html: html });
  return <div data-slot={name} data-tb-raw="" suppressHydrationWarning dangerouslySetInnerHTML={first} />;
}
