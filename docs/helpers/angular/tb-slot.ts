import { isPlatformServer } from "@angular/common";
import { Directive, ElementRef, inject, input, OnInit, PLATFORM_ID } from "@angular/core";

// An element that is made in the browser, by a router say, has come without HTML: what stands in the slots of the page
// is asked for in one call. One that Angular takes over has been filled by the server.
type Slots = Record<string, { html: string | null }>;
let call: { names: Set<string>; answer: Promise<Slots> } | undefined;

function ask(name: string) {
  call ??= { names: new Set(), answer: Promise.resolve().then(fetchSlots).catch(() => ({})) };
  call.names.add(name);
  return call.answer.then((slots) => slots[name]);
}

async function fetchSlots(): Promise<Slots> {
  const names = [...call!.names].join(), path = encodeURIComponent(location.pathname + location.search);
  call = undefined;
  const answer = await fetch(`/_tb/slots?names=${names}&path=${path}`);
  return answer.ok ? answer.json() : {};
}

// Angular sets `[innerHTML]` again when it takes a page over, so the HTML is written here, once.
@Directive({ selector: "[tbSlot]", host: { "[attr.data-slot]": "tbSlot()", "data-tb-raw": "" } })
export class TbSlot implements OnInit {
  readonly tbSlot = input.required<string>();
  readonly html = input("");
  private readonly element: HTMLElement = inject(ElementRef).nativeElement;
  private readonly isServer = isPlatformServer(inject(PLATFORM_ID));
  private readonly isFilled = this.element.hasAttribute("data-slot");

  ngOnInit() {
    if (this.isFilled) return;
    this.element.innerHTML = this.html();
    if (!this.isServer) ask(this.tbSlot()).then((slot) => slot?.html && (this.element.innerHTML = slot.html));
  }
}
