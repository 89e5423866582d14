/**
 * The icons, taken into the page once. A `<use>` of the file asks the server anew for each
 * new icon wherever files are revalidated, and so the clock of a message that waits would
 * be missing just when the connection is. Ids get a prefix, because the page has its own.
 */
const FILE = "/icons.svg";
const SVG = "http://www.w3.org/2000/svg";

let isAdopted = false;

/** Where a `<use>` finds an icon: in the page, or in the file until that has come. */
export function iconAddress(name) {
  return isAdopted ? `#icon-${name}` : `${FILE}#${name}`;
}

/** Resolves in any case; without the copy the icons come from the file. */
export function adoptSprite() {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("GET", FILE);
    request.responseType = "document";
    request.onload = () => {
      const symbols = request.status === 200 ? request.responseXML?.querySelectorAll("symbol") : null;
      if (symbols?.length > 0) adopt(symbols);
      resolve();
    };
    request.onerror = resolve;
    request.send();
  });
}

function adopt(symbols) {
  const sprite = document.createElementNS(SVG, "svg");
  sprite.setAttribute("hidden", "");
  sprite.setAttribute("aria-hidden", "true");
  for (const symbol of symbols) {
    const copy = document.importNode(symbol, true);
    copy.id = `icon-${symbol.id}`;
    sprite.append(copy);
  }
  document.body.append(sprite);
  isAdopted = true;
}
