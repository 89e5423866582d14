const WORKER = "/sw.js";

/**
 * Lets the service worker bring the page when the server can't be reached. Everything works
 * without one, so where it isn't possible nothing is said.
 */
export async function enlist() {
  if (!navigator.serviceWorker) return;
  try {
    const policy = globalThis.trustedTypes?.createPolicy("service-worker", { createScriptURL: () => WORKER });
    await navigator.serviceWorker.register(policy ? policy.createScriptURL(WORKER) : WORKER);
  } catch {
    return;
  }
}
