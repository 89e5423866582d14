/**
 * Every text that a person can read, in one place, ready to be translated. Pages name
 * their entries with `data-word` attributes (see util/dom.js); code imports `words`.
 */
const plurals = new Intl.PluralRules("en");
const numbers = new Intl.NumberFormat("en");

function counted(count, one, other) {
  return `${numbers.format(count)} ${plurals.select(count) === "one" ? one : other}`;
}

export const words = {
  appName: "Pneumatic",

  logIn: "Log in",
  signUp: "Sign up",
  loggingIn: "Logging in…",
  signingUp: "Signing up…",
  loginTabs: "Log in or sign up",
  username: "Username",
  password: "Password",
  fullName: "Full name (optional)",
  fullNameHint: "How others see you.",
  passwordHint: "At least 8 characters.",
  serverName: (host) => `Chat on ${host}`,
  loginEnded: "Your login has ended. Please log in again.",
  needUsername: "Enter a username.",
  needPassword: "Enter your password.",
  usernameTooLong: "A username has at most 150 characters.",
  usernameBlank: "A username is made of visible characters, without spaces.",
  passwordTooShort: "A password has at least 8 characters.",
  passwordTooLong: "A password has at most 256 characters.",
  fullNameTooLong: "A name has at most 200 characters.",

  unreachable: "The server can't be reached. Check your connection and try again.",
  unreadable: "The server sent an answer that can't be read. Try again later.",
  failed: "That didn't work. Try again.",
  retryIn: (detail, seconds) => `${detail} Try again in ${counted(seconds, "second", "seconds")}.`,

  conversations: "Conversations",
  people: "People",
  search: "Search people and conversations",
  searchHint: "Search",
  newGroup: "New group",
  logOut: "Log out",
  loggedInAs: "Logged in as",
  noMatches: "Nothing found.",
  noConversations: "No conversations yet. Choose a person below to start one.",
  nobodyHere: "Nobody else is here yet. Share this address and ask them to sign up.",
  morePeople: (count) => `${counted(count, "more person", "more people")}. Search to find them.`,
  unread: (count) => `${numbers.format(count)} unread`,
  unreadBadge: (count) => (count > 99 ? "99+" : String(count)),
  noMessagesYet: "No messages yet",
  yourPreview: (text) => `You: ${text}`,
  senderPreview: (name, text) => `${name}: ${text}`,
  draft: "Draft:",
  untitled: "Group",
  unknownPerson: "Someone",
  you: "You",
  pageTitle: (unread, name) => `${unread > 0 ? `(${unread > 99 ? "99+" : unread}) ` : ""}${name ? `${name} · ` : ""}Pneumatic`,

  back: "Back to the list",
  messages: "Messages",
  members: (count) => counted(count, "member", "members"),
  chooseConversation: "Choose a conversation, or a person to start one with.",
  unknownConversation: "This conversation doesn't exist, or you aren't in it.",
  backToList: "Show all conversations",
  firstMessage: (name) => `This is the beginning. Say hello to ${name}.`,
  loadFailed: "The messages couldn't be loaded.",
  tryAgain: "Try again",
  remove: "Delete",
  dismiss: "Dismiss",
  loading: "Loading…",
  loadingOlder: "Loading earlier messages…",
  newMessages: "New",
  newBelow: (count) => (count > 0 ? `${numbers.format(count)} new` : "Latest messages"),
  sending: "Sending",
  stored: "Sent",
  notSent: "Not sent.",
  notSentBecause: (reason) => `Not sent: ${reason}`,
  frameTooBig: "This message is too big for the server.",
  announce: (name, text) => `${name}: ${text}`,

  messageTo: (name) => `Message ${name}`,
  send: "Send",
  charactersLeft: (count) => (count >= 0 ? `${counted(count, "character", "characters")} left` : `${counted(-count, "character", "characters")} too many`),

  groupTitle: "Group name (optional)",
  groupPeople: "Who is in it?",
  filterPeople: "Filter people",
  create: "Create group",
  cancel: "Cancel",
  close: "Close",
  picked: (count) => counted(count, "person chosen", "people chosen"),
  pickTwo: "Choose at least two people. To talk with one person, choose them in the list.",
  titleTooLong: "A group name has at most 200 characters.",

  connecting: "Connecting…",
  online: "Connected",
  offline: "Not connected",
  offlineBar: (waiting) =>
    waiting > 0
      ? `You're offline. ${counted(waiting, "message", "messages")} will be sent when you're back.`
      : "You're offline.",
  connectingBar: (waiting) =>
    waiting > 0 ? `Connecting… ${counted(waiting, "message is", "messages are")} waiting.` : "Connecting…",
  nextTry: (seconds) => `Next try in ${seconds} s.`,
  now: "Now",

  shortcuts: "Keyboard shortcuts",
  shortcutSearch: "Search",
  shortcutPrevious: "Previous conversation",
  shortcutNext: "Next conversation",
  shortcutSend: "Send the message",
  shortcutBreak: "New line",
  shortcutBack: "Back to the list",
  shortcutHelp: "This sheet",

  today: "Today",
  yesterday: "Yesterday",
  justNow: "now",
  minutesAgo: (count) => `${count} min`,
  hoursAgo: (count) => `${count} h`,
};
