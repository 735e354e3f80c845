"use strict";
// The case table. Everything a model said goes through textContent: nothing here parses markup.
(() => {
  const PAGE = 50;
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("case-data").textContent);
  const pictures = JSON.parse(byId("picture-data").textContent);
  const cases = data.rows.map((row) => Object.fromEntries(data.columns.map((name, i) => [name, row[i]])));
  cases.forEach((item, i) => { item.order = i; item.fullRaw = () => item.raw.join(item.reasoning); });
  const indexOf = new Map(cases.map((item, i) => [item.key, i]));
  const state = { shown: cases, page: 0, open: null };

  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  // Filters

  const VERDICTS = [
    ["", "all", () => true],
    ["not-correct", "not correct", (c) => c.verdict !== "correct"],
    ["missed", "missed hazard", (c) => c.hazard === "missed hazard"],
    ["alarm", "false alarm", (c) => c.hazard === "false alarm"],
    ...["correct", "wrong", "unparsed", "error"].map((word) => [word, word, (c) => c.verdict === word]),
  ];
  const nullsLast = (a, b, compare) => (a === null) - (b === null) || (a === null ? 0 : compare(a, b));
  const SORTS = [
    ["", "as asked", (a, b) => a.order - b.order],
    ["unsure", "least confident first", (a, b) => nullsLast(a.confidence, b.confidence, (x, y) => x - y)],
    ["sure", "most confident first", (a, b) => nullsLast(a.confidence, b.confidence, (x, y) => y - x)],
    ["slow", "slowest first", (a, b) => nullsLast(a.seconds, b.seconds, (x, y) => y - x)],
    ["id", "by id", (a, b) => (a.id < b.id ? -1 : 1)],
  ];

  function choices(select, pairs) {
    select.append(...pairs.map(([value, label]) => element("option", { value }, label)));
    select.closest("label").hidden = pairs.length < 3;
  }
  const values = (name) => [["", "all"], ...[...new Set(cases.map((c) => c[name]))].map((v) => [v, v || "(none)"])];

  function haystack(item) {
    item.text ??= [item.id, item.suite, item.said, item.expected, item.category, item.label, item.file, item.reason,
      item.reasoning, item.raw.join(" "), ...Object.values(item.fields)].join("\n").toLowerCase();
    return item.text;
  }

  function clear() {
    byId("q").value = "";
    for (const select of byId("filters").querySelectorAll("select")) select.selectedIndex = 0;
  }

  function filter() {
    const words = byId("q").value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = ["prompt", "category", "suite"].map((name) => [name, byId(`f-${name}`)])
      .filter(([, select]) => select.selectedIndex > 0).map(([name, select]) => [name, select.value]);
    const verdict = VERDICTS[Math.max(byId("f-verdict").selectedIndex, 0)][2];
    const order = SORTS[Math.max(byId("sort").selectedIndex, 0)][2];
    state.shown = cases.filter((c) => verdict(c) && wanted.every(([name, value]) => c[name] === value)
      && words.every((word) => haystack(c).includes(word))).sort(order);
    state.page = 0;
    render();
  }

  // Rows

  const ICONS = { good: "✓", warn: "!", bad: "✗" };
  const word = (item) => element("span", { class: `word ${item.style}` },
    element("span", { "aria-hidden": "true" }, ICONS[item.style]), ` ${item.told}`);

  function picture(item, alt = "") {
    const source = pictures[item.media];
    return source ? element("img", { src: source, alt }) : element("span", { class: "noimage", title: "no picture" });
  }

  const figure = (value, digits) => (value === null ? "–" : value.toFixed(digits));

  function row(item) {
    const open = state.open === item.key;
    const button = element("button", { type: "button", "aria-expanded": String(open) }, item.id);
    const made = element("tr", { class: open ? "case open" : "case" },
      element("td", { class: "pic" }, picture(item)),
      element("td", {}, button),
      element("td", { class: "c-prompt" }, item.prompt),
      element("td", { class: "c-expected" }, item.expected),
      element("td", {}, element("bdi", {}, item.said), element("span", { class: "under" }, `expected ${item.expected}`)),
      element("td", {}, word(item)),
      element("td", { class: "n c-confidence" }, figure(item.confidence, 2)),
      element("td", { class: "n c-seconds" }, figure(item.seconds, 3)));
    made.dataset.key = item.key;
    return made;
  }

  function facts(pairs) {
    const told = pairs.filter(([, value]) => value !== "" && value !== null);
    return element("dl", { class: "facts" }, ...told.map(([name, value]) =>
      element("div", {}, element("dt", {}, name), element("dd", {}, element("bdi", {}, String(value))))));
  }

  function told(title, text, kind = "") {
    return text ? [element("h4", {}, title), element("pre", { dir: "auto", class: kind, tabindex: "0", "aria-label": title }, text)] : [];
  }

  // hidden columns must not be spanned, or a narrow screen would make room for them
  const columns = () => String([...document.querySelectorAll("#case-table thead th")].filter((head) => head.getClientRects().length).length);

  function detail(item) {
    const batch = item.batch === null ? null : `${item.batch}${item.batch_size === null ? "" : `, of ${item.batch_size} cases`}`;
    const tokens = item.output_tokens === null ? null : `${item.input_tokens ?? "–"} in, ${item.output_tokens} out`;
    const link = element("a", { href: `#case=${encodeURIComponent(item.key)}` }, "link to this case");
    const side = facts([
      ["Expected", item.expected], ["Said", item.said], ["Confidence", figure(item.confidence, 4)], ["Prompt", item.prompt],
      ["Label", item.label], ["Category", item.category], ["Source", item.source], ["Group", item.group],
      ...Object.entries(item.fields), ["Must pass", item.must_pass ? "yes" : ""], ["File", item.file], ["Batch", batch],
      ["Tokens", tokens], ["Seconds", figure(item.seconds, 4)], ["Ended by", item.finish], ["Answered", item.timestamp], ["Suite", item.suite],
    ]);
    const texts = element("div", {},
      ...told("Asked", item.asked), ...told("Reasoning", item.reasoning || "(none)"),
      ...told(item.verdict === "error" ? "Why there is no reply" : "Why there is no answer", item.reason),
      ...told("Raw text", item.fullRaw(), "raw"));
    const cell = element("td", { colspan: columns() }, element("div", { class: "opened" }, element("div", {}, picture(item, `Sample ${item.id}`), link), texts, side));
    return element("tr", { class: "detail" }, cell);
  }

  function render() {
    const pages = Math.max(1, Math.ceil(state.shown.length / PAGE));
    state.page = Math.min(Math.max(state.page, 0), pages - 1);
    const part = state.shown.slice(state.page * PAGE, (state.page + 1) * PAGE);
    byId("case-rows").replaceChildren(...part.flatMap((item) => (state.open === item.key ? [row(item), detail(item)] : [row(item)])));
    const number = (n) => n.toLocaleString("en");
    byId("count").textContent = state.shown.length === cases.length
      ? `${number(cases.length)} cases` : `${number(state.shown.length)} of ${number(cases.length)} cases`;
    byId("page").textContent = `Page ${state.page + 1} of ${pages}`;
    byId("previous").disabled = state.page === 0;
    byId("next").disabled = state.page === pages - 1;
  }

  // Opening, and links to a case

  function toggle(key) {
    state.open = state.open === key ? null : key;
    render();
    rowOf(key)?.querySelector("button").focus();
  }
  const rowOf = (key) => [...byId("case-rows").children].find((line) => line.dataset.key === key);

  function follow() {
    const match = /^#case=(.+)$/.exec(location.hash);
    if (!match) return;
    const key = safelyDecoded(match[1]);
    if (!indexOf.has(key)) { byId("count").textContent = "The case in this link is not in this report."; return; }
    let at = state.shown.findIndex((item) => item.key === key);
    if (at < 0) { clear(); filter(); at = state.shown.findIndex((item) => item.key === key); }
    state.page = Math.floor(at / PAGE);
    state.open = key;
    render();
    const line = rowOf(key);
    line.scrollIntoView({ block: "center" });
    line.querySelector("button").focus({ preventScroll: true });
  }
  function safelyDecoded(text) {
    try { return decodeURIComponent(text); } catch { return text; }
  }

  choices(byId("f-verdict"), VERDICTS.filter(([value, , test]) => value === "" || cases.some(test)));
  choices(byId("sort"), SORTS);
  for (const name of ["prompt", "category", "suite"]) choices(byId(`f-${name}`), values(name));

  let waiting = 0;
  byId("q").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(filter, 120); });
  // not the form's own change: the search box fires it when a click leaves it, and the click would miss its row
  for (const select of byId("filters").querySelectorAll("select")) select.addEventListener("change", filter);
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("filters").addEventListener("reset", (event) => { event.preventDefault(); clear(); filter(); });
  byId("previous").addEventListener("click", () => { state.page -= 1; render(); });
  byId("next").addEventListener("click", () => { state.page += 1; render(); byId("case-table").scrollIntoView(); });
  byId("case-rows").addEventListener("click", (event) => {
    const line = event.target.closest("tr.case");
    const marking = !event.target.closest("button") && getSelection().type === "Range";
    if (line && !marking) toggle(line.dataset.key);
  });
  matchMedia("(max-width: 40rem)").addEventListener("change", render);
  window.addEventListener("hashchange", follow);
  // a link to the case that the address already names makes no hashchange
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#case="]');
    if (link && link.getAttribute("href") === location.hash) follow();
  });
  byId("case-app").hidden = false;
  render();
  follow();
})();
