
"use strict";
const find = (choice, within = document) => [...within.querySelectorAll(choice)];
const page = document.documentElement;
const speak = () => {
  for (const [held, attribute] of [["o", ""], ["ol", "aria-label"], ["op", "placeholder"]])
    for (const element of find(`[data-${held}]`)) {
      const shown = attribute ? element.getAttribute(attribute) : element.textContent;
      if (attribute) element.setAttribute(attribute, element.dataset[held]);
      else element.textContent = element.dataset[held];
      element.dataset[held] = shown;
    }
  page.lang = page.lang === "en" ? "zh-CN" : "en";
};
const shade = () => {
  const now = page.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  page.dataset.theme = now === "dark" ? "light" : "dark";
};
find("#language").forEach(button => button.addEventListener("click", speak));
find("#theme").forEach(button => button.addEventListener("click", shade));

const held = document.getElementById("rows");
if (held) margins(JSON.parse(held.textContent));

function margins(rows) {
  const STEP = 100, [NAME, REVENUE, COST, COMMISSION, MARGIN, RATE] = [0, 2, 3, 4, 5, 6];
  const table = document.getElementById("agents"), body = table.tBodies[0], filter = document.getElementById("filter");
  const word = name => rows.words[page.lang === "en" ? "en" : "zh"][name];
  const lines = find("tr", body).map((line, index) => ({ line, agent: rows.agents[index] }));
  const state = { of: "agents", by: REVENUE, down: true, open: new Set(), shown: STEP };
  const margin = sums => sums[REVENUE] - sums[COST] - sums[COMMISSION];
  const rate = sums => sums[REVENUE] > 0 ? Math.sign(margin(sums)) * Math.round(Math.abs(margin(sums)) * 1e4 / sums[REVENUE]) : null;
  const value = (sums, by) => by === MARGIN ? margin(sums) : by === RATE ? rate(sums) ?? -Infinity
    : by === NAME ? sums[1] || sums[0] || "" : by === 1 ? (sums[6] || sums[5]).length : sums[by];
  const order = (first, second) => {
    const [one, two] = [value(first, state.by), value(second, state.by)];
    const less = typeof one === "string" ? one.localeCompare(two, "zh") : one < two ? -1 : one > two ? 1 : 0;
    return state.down ? -less : less;
  };
  const digits = (count, places) => {
    const text = String(Math.abs(count)).padStart(places + 1, "0");
    const whole = text.slice(0, -places).replace(/\B(?=(\d{3})+$)/g, ",");
    return (count < 0 ? "−" : "") + whole + "." + text.slice(-places);
  };
  const percent = count => count === null ? "—" : digits(count, 2).replace(/\.?0+$/, "") + "%";
  const matches = (text, ...names) => !text || names.some(name => (name || "").toLowerCase().includes(text));
  const cell = (line, text, look) => {
    const made = line.insertCell();
    made.textContent = text;
    if (look) made.className = look;
    return made;
  };
  const opener = (made, key) => {
    const button = document.createElement("button");
    button.className = "open";
    button.setAttribute("aria-expanded", state.open.has(key));
    button.setAttribute("aria-label", made.textContent);
    button.addEventListener("click", () => { state.open.has(key) ? state.open.delete(key) : state.open.add(key); draw(key); });
    button.dataset.key = key;
    made.prepend(button);
    made.addEventListener("click", event => event.target === button || button.click());
  };
  const row = (look, name, sums, count, bill) => {
    const line = document.createElement("tr"), first = cell(line, name, "name");
    line.className = look;
    cell(line, count, "n");
    for (const amount of [sums[REVENUE], sums[COST], sums[COMMISSION], margin(sums)]) cell(line, digits(amount, 2), "n");
    if (margin(sums) < 0) line.cells[5].classList.add("bad");
    cell(line, percent(rate(sums)), "n");
    const links = cell(line, "");
    for (const form of bill ? ["pdf", "xlsx"] : []) {
      const link = document.createElement("a");
      link.href = `${bill}.${form}`;
      link.textContent = form.toUpperCase();
      links.append(link, " ");
    }
    return [line, first];
  };
  const more = (count, look) => {
    const line = document.createElement("tr"), button = document.createElement("button");
    line.className = look;
    button.textContent = word("more").replace("#", count);
    button.addEventListener("click", () => { state.shown += 10 * STEP; draw(); });
    const made = cell(line, "");
    made.colSpan = 8;
    made.append(button);
    return line;
  };
  const customers = (found, look, within) => {
    const made = [];
    for (const customer of found.slice(0, state.shown)) {
      const key = `${within}/${customer[0]}`;
      const named = customer[0] === null ? word("nobody") : `${customer[0]} ${customer[1]}`;
      const [line, first] = row(look, named, customer, customer[6].length, customer[5]);
      opener(first, key);
      made.push(line);
      for (const number of state.open.has(key) ? customer[6] : [])
        made.push(row("of2", number[0] || word("of_contract"), [0, 0, ...number.slice(1)], "", "")[0]);
    }
    return found.length > state.shown ? [...made, more(found.length - state.shown, look)] : made;
  };
  const added = lines => lines[0].map((_, index) => lines.reduce((sum, line) => sum + line[index], 0));
  const grouped = lines => lines.reduce((found, line) => found.set(line[0], [...found.get(line[0]) || [], line]), new Map());
  const whole = parts => {
    const numbers = grouped(parts.flatMap(part => part[6]));
    const sums = [...numbers].map(([number, own]) => [number, ...added(own.map(line => line.slice(1)))]);
    return [...parts[0].slice(0, 2), ...added(parts.map(part => part.slice(REVENUE, MARGIN))), parts[0][5], sums];
  };
  const sellers = new Map(), wholes = [...grouped(rows.agents.flatMap(agent => agent[5])).values()]
    .map(parts => parts.length > 1 ? whole(parts) : parts[0]);
  for (const agent of rows.agents)
    for (const [key] of agent[5]) sellers.set(key, [...sellers.get(key) || [], agent[0], agent[1]]);
  const draw = focus => {
    const text = filter.value.trim().toLowerCase(), made = [];
    const fits = customer => matches(text, customer[0], customer[1], ...customer[6].map(number => number[0]));
    const chosen = (agent, all) => agent[5].filter(customer => all || fits(customer));
    if (state.of === "customers") {
      const found = wholes.filter(customer => fits(customer) || matches(text, ...sellers.get(customer[0])));
      made.push(...customers(found.sort(order), "", ""));
    } else {
      for (const { line, agent } of [...lines].sort((one, two) => order(one.agent, two.agent))) {
        const isNamed = matches(text, agent[0], agent[1]), found = chosen(agent, isNamed), key = `${agent[0]}`;
        if (!found.length) continue;
        const isOpen = state.open.has(key) || (text && !isNamed);
        const button = line.querySelector(".open");
        button.setAttribute("aria-expanded", isOpen);
        button.setAttribute("aria-label", line.cells[0].textContent);
        made.push(line, ...(isOpen ? customers(found.sort(order), "of", key) : []));
      }
    }
    if (!made.length) cell(made[made.push(document.createElement("tr")) - 1], word("none_found")).colSpan = 8;
    body.replaceChildren(...made);
    find("th[data-by]", table).forEach(head => head.setAttribute("aria-sort",
      +head.dataset.by === state.by ? (state.down ? "descending" : "ascending") : "none"));
    find("#tools [data-of]").forEach(button => button.setAttribute("aria-pressed", button.dataset.of === state.of));
    if (focus) find(".open", body).find(button => button.dataset.key === focus)?.focus();
  };
  lines.forEach(({ line, agent }) => opener(line.cells[0], `${agent[0]}`));
  find("th[data-by] button", table).forEach(button => button.addEventListener("click", () => {
    const by = +button.parentElement.dataset.by;
    [state.down, state.by] = [state.by === by ? !state.down : by !== NAME, by];
    draw();
  }));
  filter.addEventListener("input", () => { state.shown = STEP; draw(); });
  find("[data-of]").forEach(button => button.addEventListener("click", () => {
    Object.assign(state, { of: button.dataset.of, shown: STEP, by: button.dataset.of === "agents" ? REVENUE : MARGIN, down: button.dataset.of === "agents" });
    draw();
    if (!button.closest("#tools")) table.scrollIntoView({ block: "start" });
  }));
  find("#language").forEach(button => button.addEventListener("click", () => draw()));
  draw();
}
