(function (w, d, n, all) {
  var states = new WeakMap(), sheet, due;
  function marked(list) { return [].slice.call(list.querySelectorAll("[data-tb-order]")) }
  function cards(list) { return [].filter.call(list.children, function (card) { return card.dataset.product }) }
  function ids(list) { return cards(list).map(function (card) { return card.dataset.product }) }
  function unmark(list) { marked(list).forEach(function (card) { card.removeAttribute("data-tb-order") }) }
  // A list that its own page sorts is in that order from then on, and no longer in ours.
  function watched(list) {
    var one = states.get(list);
    if (!one) {
      states.set(list, one = { were: marked(list), ids: ids(list), at: here() });
      new MutationObserver(function () {
        var at = 0;
        if (!marked(list).every(function (card) { at = one.were.indexOf(card, at) + 1; return at })) unmark(list);
      }).observe(list, { childList: true });
    }
    return one;
  }
  function here() { return location.pathname + location.search }
  // A list that a router draws has come without its order. One that it hides is of another page than the address says.
  function drawn() {
    due = 0;
    d.querySelectorAll("[data-tb-rank]").forEach(function (list) {
      if (!list.getClientRects().length) return;
      var isNew = !states.has(list), one = watched(list), now = ids(list);
      if (isNew ? one.were.length : one.ids.length && one.at === here() && one.ids.every(function (id) { return now.indexOf(id) >= 0 })) return;
      one.ids = now;
      one.at = here();
      unmark(list);
      if (now.length > 1) fetch("/_tb/rank", { method: "POST", body: JSON.stringify({ products: now, listing: list.dataset.list, page: here() }) })
        .then(function (answer) { return answer.json() })
        .then(function (ranked) { met(ranked); if (ranked.rule && ids(list).join() === now.join()) arrange(list, one, ranked.products) })
        .catch(function () {});
    });
  }
  function arrange(list, one, order) {
    var all = [].slice.call(list.children), of = cards(list), places = [], css = "[data-tb-order]~:not([data-tb-order]){order:201}", i;
    if (all.length > 200 || !/flex|grid/.test(getComputedStyle(list).display)) return;
    if (!sheet) {
      for (i = 1; i < 201; i++) css += '[data-tb-order="' + i + '"]{order:' + i + "}";
      sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      d.adoptedStyleSheets.push(sheet);
    }
    all.forEach(function (child, i) {
      child.setAttribute("data-tb-order", i + 1);
      if (of.indexOf(child) >= 0) places.push(i + 1);
    });
    of.forEach(function (card) { card.setAttribute("data-tb-order", places[order.indexOf(card.dataset.product)]) });
    one.were = marked(list);
  }
  function lists() {
    marked(d).forEach(function (card) { watched(card.parentNode) });
    d.querySelectorAll("[data-tb-rank]").forEach(watched);
    // Once a frame: whether a list is shown takes a layout, which a busy page would pay for at each change.
    new MutationObserver(function () { due = due || requestAnimationFrame(drawn) }).observe(d, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-product"] });
  }
  d.readyState === "loading" ? d.addEventListener("DOMContentLoaded", lists) : lists();
  if (n.globalPrivacyControl || n.doNotTrack === "1" || w.tailorbird) return;
  var queue = [], pushed = [], seen = {}, viewed = {}, told = new WeakSet(), timer, opening, drawing, looking, item, isOpen, path, at = place(), known = /^(page_view|view_item(_list)?|search|view_promotion|gtm\..*)$/;
  var page = performance.getEntriesByType("navigation")[0] || {};
  var isAhead = d.prerendering || page.activationStart || page.deliveryType === "navigational-prefetch", soft = isAhead ? 2 : all;
  function id() { return n.userAgent.length + "-" + Date.now().toString(36) + Math.random().toString(36).slice(2) }
  // Beacons under way hold 64 kB together, and `keepalive` shares that: what is more goes without.
  function post(path, body) {
    body = JSON.stringify(body);
    if (!n.sendBeacon || !n.sendBeacon(path, body)) fetch(path, { method: "POST", body, keepalive: !n.sendBeacon }).catch(function () {});
  }
  function send() {
    if (d.prerendering) return later();
    if (queue.length) post("/_tb/v1/batch", { sentAt: new Date().toISOString(), batch: queue.splice(0) });
    if (pushed.length) post("/_tb/g/collect", pushed.splice(0));
  }
  function later() { clearTimeout(timer); timer = setTimeout(send, 300) }
  // For results: each rule once a page, also of whom it was withheld.
  function met(ranked) {
    var rule = ranked.rule || ranked.held_out;
    if (!queue || !ranked.variant || seen["/" + rule]) return;
    seen["/" + rule] = 1;
    track("Experiment Viewed", { experiment_name: rule, variation_name: ranked.variant });
  }
  function track(event, properties, type) {
    queue.push({ type: type || "track", event: event, messageId: id(), timestamp: new Date().toISOString(), properties: properties });
    later();
  }
  function banner(element) {
    var b = element.closest("[data-tb-rule]"), s = b && b.closest("[data-slot],tb-slot");
    return b && { promotion_id: b.dataset.tbRule, creative: b.dataset.tbVariant, position: s ? s.dataset.slot || s.getAttribute("name") : "" };
  }
  function product() {
    var marked = d.querySelector("main[data-product],article[data-product],body[data-product]"), found = marked && { product_id: marked.dataset.product };
    d.querySelectorAll('script[type="application/ld+json"]').forEach(function (script) {
      try {
        var thing = JSON.parse(script.text), offer = [].concat(thing.offers || {})[0];
        if (thing["@type"] === "Product" && thing.sku) found = { product_id: thing.sku, category: thing.category, brand: thing.brand && (thing.brand.name || thing.brand), price: offer.price };
      } catch (_) {}
    });
    return found;
  }
  // Once a page, whether its JSON-LD says so or its `dataLayer`. The call for its slots told it, too, if the catalogue has it.
  function view(p) {
    var id = p && (p.product_id || p.items && p.items[0] && p.items[0].item_id);
    if (!id || viewed[id]) return;
    viewed[id] = 1;
    track("Product Viewed", Object.assign({ told_at: path }, p));
  }
  // A page that was opened without a request is counted with what stands in its slots: by the call of the helper that made
  // them; here, where they came in HTML that was swapped in, or fetched ahead of time; else as a page alone.
  function opened() {
    var names = [], asked;
    drawing = 0;
    d.querySelectorAll("[data-slot],tb-slot").forEach(function (s) {
      if (told.has(s)) return;
      told.add(s);
      if ("tbRaw" in s.dataset && !isAhead) asked = 1;
      else names.push(s.dataset.slot || s.getAttribute("name"));
    });
    if (soft) {
      path = names[0] && !all || asked ? here() : "";
      if (names[0] && !all) fetch("/_tb/slots?names=" + names.map(encodeURIComponent) + "&path=" + encodeURIComponent(here()));
      else if (!asked) track("", { path: location.pathname }, "page");
      isOpen = 1;
      view(product());
      view(item);
    }
    look();
  }
  // A link to a part of the page opens none; but some routers keep theirs behind the # (#/tents, #!/tents).
  function place() { return here() + (/^#!?\//.test(location.hash) ? location.hash : "") }
  // Some routers change the address first, and draw the page when its data has come.
  function swapped() {
    if (at !== (at = place())) { soft = 2; isAhead = isOpen = item = 0; viewed = {}; drawing = 1; soon(1e3) }
  }
  function soon(ms) { clearTimeout(opening); opening = setTimeout(opened, ms) }
  function look() {
    looking = 0;
    watch && d.querySelectorAll("[data-tb-rule]").forEach(function (b) { watch.observe(b) });
  }
  function begin() {
    opened();
    new MutationObserver(function () {
      if (drawing) { drawing = 0; soon(200) }
      looking = looking || requestAnimationFrame(look);
    }).observe(d, { childList: true, subtree: true });
  }
  var watch = w.IntersectionObserver && new IntersectionObserver(function (entries) {
    entries.forEach(function (entry) {
      var b = entry.isIntersecting && banner(entry.target), key = b && location.pathname + JSON.stringify(b);
      if (b && !seen[key]) { seen[key] = 1; track("Promotion Seen", b) }
    });
  }, { threshold: 0.5 });
  function said(o) {
    if (o && o[0] === "event") o = Object.assign({ event: o[1] }, { ecommerce: o[2] });
    if (o && o.ecommerce && o.event && (soft > 1 || all || !known.test(o.event))) {
      if (o.event === "view_item") return isOpen ? view(o.ecommerce) : item = o.ecommerce;
      pushed.push({ event: o.event, params: { event_id: id() }, ecommerce: o.ecommerce });
      later();
    }
  }
  function clicked(e) {
    var on = e.target, b = on.closest && e.detail < 2 && e.button < (on.closest("a") ? 2 : 1) && banner(on), card = b && on.closest("[data-tb-rule] [data-product]");
    if (card) b.product_id = card.dataset.product;
    if (b) track("Promotion Clicked", b);
  }
  d.addEventListener("click", clicked, true);
  d.addEventListener("auxclick", clicked, true); // the middle button opens a link in a tab of its own
  d.addEventListener("submit", function (e) {
    var form = e.target, of = form.closest("[data-product]"), p = form.elements.product || {};
    if (form.matches("[data-add-to-cart]")) track("Product Added", { product_id: p.value || (of && of.dataset.product), quantity: +(form.elements.quantity || {}).value || 1 });
  }, true);
  d.addEventListener("visibilitychange", function () { d.visibilityState === "hidden" && send() });
  w.addEventListener("pagehide", send);
  w.addEventListener("popstate", swapped);
  // Some routers call no pushState: they answer the `navigate` event.
  w.navigation && w.navigation.addEventListener("currententrychange", function (e) { e.navigationType === "replace" ? at = place() : swapped() });
  var go = history.pushState;
  history.pushState = function () { go.apply(history, arguments); swapped() };
  function listen() {
    var layer = w.dataLayer, push = layer && layer.push;
    if (!layer || layer.tb) return;
    layer.tb = 1;
    layer.forEach(said);
    layer.push = function () { [].forEach.call(arguments, said); return push.apply(layer, arguments) };
  }
  listen();
  w.addEventListener("load", listen);
  w.tailorbird = { track: track };
  function ready() { d.readyState === "loading" ? d.addEventListener("DOMContentLoaded", begin) : begin() }
  d.prerendering ? d.addEventListener("prerenderingchange", ready) : ready();
})(window, document, navigator, 0);
