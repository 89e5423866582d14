import { el } from "../util/dom.js";
import { parseRich } from "../util/rich.js";

const TAGS = { bold: "strong", italic: "em", code: "code" };

/** The nodes of a message's text; addresses were checked to be http or https. */
export function richNodes(text) {
  return made(parseRich(text));
}

function made(tree) {
  return tree.map((node) => {
    if (node.kind === "text") return node.text;
    if (node.kind === "link") return el("a", { href: node.href, target: "_blank", rel: "noopener noreferrer", tabindex: -1 }, node.text);
    if (node.kind === "block") return el("pre", { tabindex: 0 }, el("code", {}, node.text));
    return el(TAGS[node.kind], {}, ...(node.children ? made(node.children) : [node.text]));
  });
}
