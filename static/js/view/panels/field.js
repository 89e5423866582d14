import { el } from "../../util/dom.js";

/** A labelled field with its place for a fault, as forms of the first page have them: `{node, input}`. */
export function field({ name, label, hint = "", ...attributes }) {
  const id = `settings-${name}`;
  const described = [hint && `${id}-hint`, `${id}-error`].filter(Boolean).join(" ");
  const input = el("input", { id, name, "aria-describedby": described, ...attributes });
  const note = hint ? el("p", { class: "field-hint", id: `${id}-hint` }, hint) : null;
  const fault = el("p", { class: "field-error", id: `${id}-error`, hidden: true, dataset: { errorFor: name } });
  return { node: el("div", { class: "field" }, el("label", { for: id }, label), input, note, fault), input };
}
