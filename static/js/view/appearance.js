/** Shows the page in the colours and the text size that are preferred, now and whenever they change. */
export function followAppearance(preferences, root = document.documentElement) {
  const show = () => {
    root.dataset.theme = preferences.get("theme");
    root.dataset.textSize = preferences.get("textSize");
  };
  preferences.changed.listen(show);
  show();
}
