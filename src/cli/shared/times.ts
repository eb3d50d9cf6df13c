/** Points in time, for people. */

/** A time as text; empty for none. */
export type TimeText = (at: Date | undefined) => string;

/** ISO 8601 in UTC: `2026-11-28T05:06:07.890Z`. */
export const utcTime: TimeText = (at) => at?.toISOString() ?? '';

const digits = (value: number, width = 2): string => String(value).padStart(width, '0');

/** ISO 8601 in the time zone of the process, with its offset: `2026-11-28T06:06:07.890+01:00`. */
export const localTime: TimeText = (at) => {
  if (at === undefined) return '';
  const day = [digits(at.getFullYear(), 4), digits(at.getMonth() + 1), digits(at.getDate())].join('-');
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map((value) => digits(value)).join(':');
  // Minutes to be added to local time to get UTC: the sign is the other way round than that of an offset.
  const offset = -at.getTimezoneOffset();
  const size = Math.abs(offset);
  const zone = `${offset < 0 ? '-' : '+'}${digits(Math.floor(size / 60))}:${digits(size % 60)}`;
  return `${day}T${time}.${digits(at.getMilliseconds(), 3)}${zone}`;
};
