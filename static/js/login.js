import { find, setText, speak } from "./util/dom.js";
import { systemClock } from "./util/clock.js";
import { chatAddress } from "./util/route.js";
import { words } from "./util/words.js";
import { loginFaults, signupFaults } from "./model/credentials.js";
import { Auth } from "./net/auth.js";
import { exchanger } from "./net/exchange.js";
import { CredentialsForm } from "./view/credentials_form.js";
import { Tabs } from "./view/tabs.js";

/** The first page: log in or sign up, or straight on for who is logged in already. */
const clock = systemClock;
const exchange = exchanger({ fetch: (path, options) => fetch(path, options), clock });
const auth = new Auth({ exchange, clock, locks: navigator.locks });
const hasEnded = new URLSearchParams(location.search).has("ended");

/** Signing up is done once, even when the log-in behind it has to be tried again. */
let signedUp = null;

speak();
setText(find("#server-name"), words.serverName(location.host));
new Tabs(find("[role=tablist]"));

new CredentialsForm(find("#login-form"), {
  busy: words.loggingIn,
  faultsOf: loginFaults,
  onsubmit: async (values) => {
    await auth.logIn(values);
    enter();
  },
});

new CredentialsForm(find("#signup-form"), {
  busy: words.signingUp,
  faultsOf: signupFaults,
  onsubmit: async (values) => {
    if (signedUp !== values.username) await auth.signUp(values);
    signedUp = values.username;
    await auth.logIn(values);
    enter();
  },
});

find("#login-username").focus();
if (hasEnded) tellEnd();
else auth.refresh().then(enter, () => {});

/** Without the mark, a reload of this page looks for a login again. */
function tellEnd() {
  const notice = find("#notice");
  notice.hidden = false;
  setText(notice, words.loginEnded);
  history.replaceState(null, "", `/${location.hash}`);
}

function enter() {
  location.replace(chatAddress(location.hash));
}
