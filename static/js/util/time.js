import { words } from "./words.js";

/**
 * Times as people read them. All functions take a Date (and `now` where it matters) and
 * an optional `{locale, timeZone}`, which tests fix and the page leaves to the browser.
 */
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const CLOCK = { timeStyle: "short" };
const FULL = { dateStyle: "full", timeStyle: "medium" };
const CALENDAR = { year: "numeric", month: "2-digit", day: "2-digit" };
const LONG_DAY = { weekday: "long", day: "numeric", month: "long" };
const WEEKDAY = { weekday: "short" };
const SHORT_DAY = { day: "numeric", month: "short" };
const withYear = new Map([LONG_DAY, SHORT_DAY].map((options) => [options, { ...options, year: "numeric" }]));

const formats = new Map();
let preferred;

/** The language of dates and times from now on; "" leaves it to the browser. */
export function useDatesOf(locale) {
  preferred = locale || undefined;
}

/** Formatters are kept by their options: making one costs more than a hundred uses of it. */
function format(date, options, { locale = preferred, timeZone } = {}) {
  if (!formats.has(options)) formats.set(options, new Map());
  const known = formats.get(options);
  const place = `${locale} ${timeZone}`;
  let formatter = known.get(place);
  if (!formatter) known.set(place, (formatter = new Intl.DateTimeFormat(locale, { ...options, timeZone })));
  return formatter.format(date);
}

/** Hours and minutes: the time in a bubble. */
export function clockTime(date, place) {
  return format(date, CLOCK, place);
}

/** Everything, for tooltips. */
export function fullTime(date, place) {
  return format(date, FULL, place);
}

/** A name for the calendar day, the same for two times exactly when they share that day. */
export function dayKey(date, place) {
  return format(date, CALENDAR, { ...place, locale: "en-CA" });
}

/** The divider between days. */
export function dayLabel(date, now, place) {
  const day = dayKey(date, place);
  if (day === dayKey(now, place)) return words.today;
  if (day === dayKey(new Date(now.getTime() - DAY), place)) return words.yesterday;
  return format(date, datedAs(LONG_DAY, day, dayKey(now, place)), place);
}

/** The time in the list: relative under a day, then the weekday, then the date. */
export function briefTime(date, now, place) {
  const age = now.getTime() - date.getTime();
  if (age < MINUTE) return words.justNow;
  if (age < HOUR) return words.minutesAgo(Math.floor(age / MINUTE));
  if (age < DAY) return words.hoursAgo(Math.floor(age / HOUR));
  if (age < 6 * DAY) return format(date, WEEKDAY, place);
  return format(date, datedAs(SHORT_DAY, dayKey(date, place), dayKey(now, place)), place);
}

/** How long ago somebody was here: "5 min ago", "yesterday at 14:03", "on 5 March". */
export function sinceTime(date, now, place) {
  const age = now.getTime() - date.getTime();
  if (age < MINUTE) return words.momentAgo;
  if (age < 6 * HOUR) return words.ago(briefTime(date, now, place));
  const day = dayKey(date, place);
  if (day === dayKey(now, place)) return words.todayAt(clockTime(date, place));
  if (day === dayKey(new Date(now.getTime() - DAY), place)) return words.yesterdayAt(clockTime(date, place));
  return words.onDay(dayLabel(date, now, place));
}

/** With the year where it isn't this one; both days as `dayKey` names them. */
function datedAs(options, day, today) {
  return day.slice(0, 4) === today.slice(0, 4) ? options : withYear.get(options);
}
