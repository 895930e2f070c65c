/** A form as a page shows it: where it is sent, and what it sends when nobody has typed anything. */
export interface ShownForm {
  readonly action: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** The forms of a page that change something. */
export function formsOn(html: string): ShownForm[] {
  return [...html.matchAll(/<form[^>]*method="post"[^>]*>.*?<\/form>/gis)].map(([form]) => ({
    action: attributeOf(form, 'action') ?? '',
    fields: fieldsOf(form),
  }));
}

function fieldsOf(form: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [tag, kind = ''] of form.matchAll(/<(input|textarea|select|button)\b[^>]*>/gi)) {
    const name = attributeOf(tag, 'name');
    if (name === undefined || name in fields) continue;
    const chosen = kind === 'select' ? firstOptionOf(form, tag) : attributeOf(tag, 'value');
    fields[name] = chosen ?? '';
  }
  return fields;
}

function firstOptionOf(form: string, select: string): string | undefined {
  const option = /<option\b[^>]*>/i.exec(form.slice(form.indexOf(select)))?.[0] ?? '';
  return attributeOf(option, 'value');
}

function attributeOf(tag: string, name: string): string | undefined {
  const value = new RegExp(`\\s${name}="([^"]*)"`, 'i').exec(tag)?.[1];
  return value
    ?.replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
