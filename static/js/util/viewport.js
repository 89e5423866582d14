/**
 * Tells the stylesheet how high the visible part is (`--visible-height`). On phones the
 * keyboard covers the page without resizing it, and the composer must stay above it.
 */
export function followViewport(viewport = window.visualViewport) {
  if (!viewport) return;
  const follow = () => {
    if (viewport.scale > 1.01) return;
    document.documentElement.style.setProperty("--visible-height", `${Math.round(viewport.height)}px`);
  };
  viewport.addEventListener("resize", follow);
  follow();
}
