import { find, setText, speak } from "./util/dom.js";
import { systemClock } from "./util/clock.js";
import { chatAddress } from "./util/route.js";
import { mayHaveLogin, storageHere } from "./util/storage.js";
import { words } from "./util/words.js";
import { guestFaults, loginFaults, signupFaults } from "./model/credentials.js";
import { Auth } from "./net/auth.js";
import { exchanger } from "./net/exchange.js";
import { Vault, WRITTEN } from "./net/vault.js";
import { CredentialsForm } from "./view/credentials_form.js";
import { PasswordFields } from "./view/password_fields.js";
import { Tabs } from "./view/tabs.js";

/** The first page: log in, sign up or look in as a guest, or straight on for who is logged in already. */
const clock = systemClock;
const exchange = exchanger({ fetch: (path, options) => fetch(path, options), clock });
const auth = new Auth({ exchange, clock, locks: navigator.locks });
const hasEnded = new URLSearchParams(location.search).has("ended");

/** Signing up is done once, even when the log-in behind it has to be tried again. */
let signedUp = null;

speak();
setText(find("#server-name"), words.serverName(location.host));
new Tabs(find("[role=tablist]"));
for (const form of [find("#login-form"), find("#signup-form")]) new PasswordFields(form);

new CredentialsForm(find("#login-form"), {
  busy: words.loggingIn,
  faultsOf: loginFaults,
  onsubmit: async (values) => {
    await auth.logIn(values);
    await enterAnew();
  },
});

new CredentialsForm(find("#signup-form"), {
  busy: words.signingUp,
  faultsOf: (values) => signupFaults(newcomer(values)),
  onsubmit: async (values) => {
    if (signedUp !== values.username) await auth.signUp(newcomer(values));
    signedUp = values.username;
    await auth.logIn(values);
    await enterAnew();
  },
});

new CredentialsForm(find("#guest-form"), {
  busy: words.guestEntering,
  faultsOf: (values) => guestFaults(guest(values)),
  onsubmit: async (values) => {
    await auth.enterAsGuest(guest(values));
    await enterAnew();
  },
});

find("#login-username").focus();
offerGuests();
if (hasEnded) tellEnd();
else if (mayHaveLogin(storageHere())) auth.refresh().then(enter, () => {});

function newcomer({ full_name: fullName, ...rest }) {
  return { ...rest, fullName: fullName.trim() };
}

function guest({ display_name: displayName }) {
  return { displayName: displayName.trim() };
}

/** A server that doesn't say whether it takes guests takes none. */
async function offerGuests() {
  const { guests } = await auth.options().catch(() => ({ guests: false }));
  find("#guest").hidden = !guests;
}

/** Without the mark, a reload of this page looks for a login again. */
function tellEnd() {
  const notice = find("#notice");
  notice.hidden = false;
  setText(notice, words.loginEnded);
  history.replaceState(null, "", `/${location.hash}`);
}

/** What this browser still shows of whoever was here before isn't for who comes now. */
async function enterAnew() {
  const vault = await Vault.open(() => globalThis.indexedDB, clock);
  await vault.erase({ but: WRITTEN });
  return enter();
}

/** Never comes back: the form stays busy until the chat is there. */
function enter() {
  location.replace(chatAddress(location.hash));
  return new Promise(() => {});
}
