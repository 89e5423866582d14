import { words } from "./words.js";

/**
 * Times as people read them. All functions take a Date (and `now` where it matters) and
 * an optional `{locale, timeZone}`, which tests fix and the page leaves to the browser.
 */
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const formats = new Map();

/** Formatters are kept: making one costs more than a hundred uses of it. */
function format(date, options, { locale, timeZone } = {}) {
  const key = JSON.stringify([locale, timeZone, options]);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(locale, { ...options, timeZone }));
  return formats.get(key).format(date);
}

/** Hours and minutes: the time in a bubble. */
export function clockTime(date, place) {
  return format(date, { hour: "2-digit", minute: "2-digit" }, place);
}

/** Everything, for tooltips. */
export function fullTime(date, place) {
  return format(date, { dateStyle: "full", timeStyle: "medium" }, place);
}

/** A name for the calendar day, the same for two times exactly when they share that day. */
export function dayKey(date, place) {
  return format(date, { year: "numeric", month: "2-digit", day: "2-digit" }, { ...place, locale: "en-CA" });
}

/** The divider between days. */
export function dayLabel(date, now, place) {
  const day = dayKey(date, place);
  if (day === dayKey(now, place)) return words.today;
  if (day === dayKey(new Date(now.getTime() - DAY), place)) return words.yesterday;
  const options = { weekday: "long", day: "numeric", month: "long" };
  if (yearOf(day) !== yearOf(dayKey(now, place))) options.year = "numeric";
  return format(date, options, place);
}

/** The time in the list: relative under a day, then the weekday, then the date. */
export function briefTime(date, now, place) {
  const age = now.getTime() - date.getTime();
  if (age < MINUTE) return words.justNow;
  if (age < HOUR) return words.minutesAgo(Math.floor(age / MINUTE));
  if (age < DAY) return words.hoursAgo(Math.floor(age / HOUR));
  if (age < 6 * DAY) return format(date, { weekday: "short" }, place);
  const options = { day: "numeric", month: "short" };
  if (yearOf(dayKey(date, place)) !== yearOf(dayKey(now, place))) options.year = "numeric";
  return format(date, options, place);
}

function yearOf(day) {
  return day.slice(0, 4);
}
