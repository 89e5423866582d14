/** The keys that work everywhere on the page. */
export class Shortcuts {
  /** `onsearch()`, `onstep(±1)` through the conversations, `onleave()`, `onhelp()` for the sheet that lists them. */
  constructor(actions) {
    document.addEventListener("keydown", (event) => {
      if (event.defaultPrevented || event.isComposing || document.querySelector("dialog:modal")) return;
      const action = actionOf(event, actions);
      if (!action) return;
      event.preventDefault();
      action();
    });
  }
}

function actionOf({ key, ctrlKey, metaKey, altKey, target }, { onsearch, onstep, onleave, onhelp }) {
  if ((ctrlKey || metaKey) && !altKey && key.toLowerCase() === "k") return onsearch;
  if (altKey && key === "ArrowUp") return () => onstep(-1);
  if (altKey && key === "ArrowDown") return () => onstep(1);
  if (key === "Escape") return onleave;
  if (key === "?" && !isTyping(target)) return onhelp;
  return null;
}

function isTyping(target) {
  return target instanceof Element && target.closest("input, textarea, select") !== null;
}
