/** Whether this page may notify: `granted`, `denied`, `default` (nobody was asked yet) or `unsupported`. */
export function permission() {
  return "Notification" in window ? Notification.permission : "unsupported";
}

/** Lets the browser ask, where it hasn't; only right after a click. */
export async function askPermission() {
  return permission() === "default" ? Notification.requestPermission() : permission();
}
