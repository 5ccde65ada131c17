/* Text to DOM nodes: a small, safe part of Markdown. Nothing here parses HTML; what is not understood stays text. */
document.currentScript.deskhand((() => {
  "use strict";

  // Only web addresses become links; the URL parser sees through "java\nscript:" and the like. Null otherwise.
  const safeUrl = (text) => {
    try {
      const url = new URL(text, document.baseURI);
      return /^https?:$/.test(url.protocol) ? url.href : null;
    } catch {
      return null;
    }
  };

  const link = (kit, text, url, properties = {}) => {
    const href = safeUrl(url);
    return href ? kit.h("a", { href, target: "_blank", rel: "noopener noreferrer", ...properties }, text) : text;
  };

  // No alternative can start inside another's failed attempt more than once, so hostile text costs linear time.
  const INLINE = /`([^`\n]+)`|\*\*([^*]+)\*\*|\*([^\s*][^*]*)\*|!?\[([^[\]]+)\]\(([^()\s]+)\)|\[(\d{1,2})\]|(https?:\/\/[^\s<>"']+)/g;

  // `sources` are the message's citations: "[2]" in an answer points at the second one.
  const inline = (kit, text, sources) => {
    const nodes = [];
    let end = 0;
    for (const match of text.matchAll(INLINE)) {
      const [whole, code, bold, leaning, label, target, number, bare] = match;
      nodes.push(text.slice(end, match.index));
      end = match.index + whole.length;
      if (code) nodes.push(kit.h("code", {}, code));
      else if (bold) nodes.push(kit.h("strong", {}, ...inline(kit, bold, sources)));
      else if (leaning) nodes.push(kit.h("em", {}, leaning));
      else if (label) nodes.push(link(kit, label, target));
      else if (bare) {
        const url = bare.replace(/[.,;:!?)\]]+$/, ""); // the sentence's own punctuation
        nodes.push(link(kit, url, url), bare.slice(url.length));
      } else {
        const source = sources[number - 1];
        nodes.push(source ? kit.h("sup", {}, link(kit, number, source.url || "javascript:", { title: source.title })) : whole);
      }
    }
    nodes.push(text.slice(end));
    return nodes;
  };

  const cells = (row) => row.replace(/^\s*\||\|\s*$/g, "").split("|").map((cell) => cell.trim());
  const isRule = (line) => /^[\s|:-]*-[\s|:-]*$/.test(line) && line.includes("|");

  // A table is too wide for a chat: each row becomes "Header: cell, Header: cell".
  const tableRows = (lines) => {
    const [head, ...rows] = lines.filter((line) => !isRule(line)).map(cells);
    return rows.map((row) => row.map((cell, at) => (at && head[at] ? `${head[at]}: ${cell}` : `**${cell || "–"}**`)).join(", "));
  };

  const ITEM = /^(\s*)(?:[-*+•]|(\d{1,3})[.)])\s+(.*)$/;

  const list = (kit, items, sources) => {
    const ordered = items[0].number != null;
    const node = kit.h(ordered ? "ol" : "ul", { dir: "auto", start: ordered && items[0].number });
    for (let at = 0; at < items.length; at++) {
      const item = kit.h("li", {}, ...inline(kit, items[at].text, sources));
      let last = at;
      while (last + 1 < items.length && items[last + 1].indent > items[at].indent + 1) last++;
      if (last > at) item.append(list(kit, items.slice(at + 1, last + 1).map((deep) => ({ ...deep, indent: 0 })), sources));
      at = last;
      node.append(item);
    }
    return node;
  };

  const paragraph = (kit, lines, sources) => {
    const node = kit.h("p", { dir: "auto" });
    lines.forEach((line, at) => node.append(...(at ? [kit.h("br")] : []), ...inline(kit, line, sources)));
    return node;
  };

  // Consecutive lines of one kind form a block; returns an array of block elements.
  const kindOf = (line) => {
    if (!line.trim()) return "blank";
    if (/^#{1,6}\s/.test(line)) return "heading";
    if (/^\s*\|.*\|\s*$/.test(line)) return "table";
    return ITEM.test(line) ? "item" : "text";
  };
  const render = (kit, text, sources = []) => {
    const blocks = [];
    for (const [at, piece] of text.replace(/\r\n?/g, "\n").split(/^```.*\n?/m).entries()) {
      if (at % 2) blocks.push(["code", [piece.replace(/\n$/, "")]]);
      else for (const line of piece.split("\n")) addLine(blocks, line.replace(/^\s{0,3}>\s?/, ""));
    }
    return blocks.filter(([kind]) => kind !== "blank").map(([kind, lines]) => {
      if (kind === "code") return kit.h("pre", { dir: "auto" }, lines[0]);
      if (kind === "heading") return kit.h("p", { dir: "auto" }, kit.h("strong", {}, ...inline(kit, lines[0].replace(/^#+\s+/, ""), sources)));
      if (kind === "table" && lines.some(isRule)) return list(kit, tableRows(lines).map((row) => ({ text: row, indent: 0 })), sources);
      if (kind !== "item") return paragraph(kit, lines, sources);
      return list(kit, lines.map((line) => {
        const [, indent, number, rest] = line.match(ITEM);
        return { indent: indent.length, number, text: rest };
      }), sources);
    });
  };
  const addLine = (blocks, line) => {
    const kind = kindOf(line);
    const [before, lines] = blocks[blocks.length - 1] || [];
    if (before === "item" && kind === "text" && /^\s{2,}/.test(line)) lines[lines.length - 1] += ` ${line.trim()}`;
    else if (before === kind && kind !== "heading") lines.push(line);
    else blocks.push([kind, [line]]);
  };

  return { markdown: { render, safeUrl, link } };
})());
