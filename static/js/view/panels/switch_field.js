import { el, setText } from "../../util/dom.js";

let switches = 0;

/** A choice between on and off: `{node, show(isOn), say(hint)}`; `onchange(isOn)` when it is turned. */
export function switchField({ label, hint = "", onchange }) {
  const id = `switch-${(switches += 1)}`;
  const note = el("span", { class: "secondary", id: `${id}-hint` }, hint);
  const box = el("input", { type: "checkbox", role: "switch", id, "aria-describedby": note.id, on: { change: () => onchange(box.checked) } });
  const node = el("div", { class: "switch" }, el("label", { for: id }, label), box, note);
  return {
    node,
    show: (isOn) => {
      box.checked = isOn;
    },
    say: (text) => setText(note, text),
    forbid: (isForbidden) => {
      box.disabled = isForbidden;
    },
  };
}
