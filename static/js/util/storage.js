const LOGIN = "pneumatic.login";

/** The browser's storage, or null where it forbids even the name. It never holds what opens an account. */
export function storageHere() {
  try {
    return globalThis.localStorage;
  } catch {
    return null;
  }
}

/** Notes whether this browser has a login, so that a newcomer isn't asked for one that can't be there. */
export function noteLogin(storage, isIn) {
  try {
    if (isIn) storage.setItem(LOGIN, "1");
    else storage.removeItem(LOGIN);
  } catch {
    // Where nothing can be kept, there may always be one.
  }
}

/** Whether there may be a login. */
export function mayHaveLogin(storage) {
  try {
    return storage.getItem(LOGIN) !== null;
  } catch {
    return true;
  }
}
