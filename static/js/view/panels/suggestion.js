import { el, find, icon } from "../../util/dom.js";
import { words } from "../../util/words.js";
import { askPermission } from "../permission.js";
import { styled } from "./styles.js";

/** One line above the page that offers notifications; either answer ends it. */
export async function suggestNotifications(preferences) {
  const accept = async () => {
    line.remove();
    preferences.set("notifications", (await askPermission()) === "granted");
  };
  const dismiss = el("button", { type: "button", class: "icon-button", title: words.dismiss, "aria-label": words.dismiss, on: { click: () => line.remove() } }, icon("close"));
  const line = el("div", { class: "page-notice is-friendly", role: "status" }, el("p", {}, words.suggestNotifications), el("button", { type: "button", class: "small", on: { click: accept } }, words.turnOn), dismiss);
  await styled();
  find("#notice").after(line);
}
