/** One value, or several when a parameter was sent more than once (which validation then refuses). */
export type FormFields = Record<string, string | string[]>;

/** Parses application/x-www-form-urlencoded; a repeated name becomes an array, an empty value counts as absent. */
export function parseForm(text: string): FormFields {
  const fields = Object.create(null) as FormFields;
  for (const [name, value] of new URLSearchParams(text)) {
    // RFC 6749 §3.1, §3.2: parameters sent without a value are treated as if they were omitted
    if (value === '') continue;
    const before = fields[name];
    if (before === undefined) fields[name] = value;
    // in place: to copy the list each time would let one form of 64 KiB hold the process for seconds
    else if (Array.isArray(before)) before.push(value);
    else fields[name] = [before, value];
  }
  return fields;
}

/** The parameters that were sent exactly once. */
export function singleFields(fields: FormFields): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
