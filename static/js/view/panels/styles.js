import { el } from "../../util/dom.js";

const STYLES = ["/css/dialog.css", "/css/panels.css", "/css/settings.css", "/css/password.css"];

let styles = null;

/** Resolves when the stylesheets of the panels are there, or can't be had; they come with the first one. */
export function styled() {
  styles ??= Promise.all(STYLES.map(load));
  return styles;
}

function load(href) {
  return new Promise((resolve) => document.head.append(el("link", { rel: "stylesheet", href, on: { load: resolve, error: resolve } })));
}
