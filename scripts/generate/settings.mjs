import 'reflect-metadata';
import { launcherSettings } from '../../dist/apps/cli/launcher-settings.js';
import { moduleSettings } from '../../dist/apps/cli/module-settings.js';
import { settings } from '../../dist/libs/platform/index.js';

const LAUNCHER = `\`npm start\` reads the settings of the server and these. What it does not find it makes itself on the first start and keeps under \`DATA_DIR\`, in development only.`;

/** docs/reference/configuration.md */
export function configurationReference() {
  return [
    '# Configuration',
    '',
    'Made from the code by `npm run generate`; do not edit.',
    '',
    'Every setting is an environment variable. A secret may also come from a file: `NAME_FILE` holds its path, and one newline at the end of the file is dropped. An empty value counts as not set. A setting that is missing, weak or unknown stops the start with one message that names every such problem.',
    '',
    '## Server',
    '',
    ...table(settings()),
    '',
    '## npm start',
    '',
    LAUNCHER,
    '',
    ...table(launcherSettings),
    '',
    '## Modules',
    '',
    'The two example modules, each as a program of its own (`apps/projects`, `apps/reports`). `npm start` sets all of these.',
    '',
    ...table(moduleSettings),
    '',
  ].join('\n');
}

function table(described) {
  const row = ({ name, description, default: fallback, secret, required }) => {
    const names = secret ? `\`${name}\`, \`${name}_FILE\`` : `\`${name}\``;
    return `| ${names} | ${cell(description)} | ${cell(fallback ?? '–')} | ${required ?? 'no'} |`;
  };
  return [
    '| setting | what it is | default | required |',
    '| --- | --- | --- | --- |',
    ...described.map(row),
  ];
}

function cell(text) {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}

/** .env.example: everything commented out, since development needs nothing. */
export function environmentExample() {
  return [
    '# Made from the code by `npm run generate`; do not edit. Copy it to .env, which nothing reads by itself:',
    '#   set -a; . ./.env; set +a; npm start',
    '# In development nothing has to be set. A secret NAME may also come from the file that NAME_FILE names.',
    '',
    '# ---- Server ----',
    '',
    ...settings().flatMap(entry),
    '# ---- npm start, beside the settings of the server ----',
    '',
    ...launcherSettings.flatMap(entry),
    '# ---- Modules that run by themselves; npm start sets all of these ----',
    '',
    ...moduleSettings.filter(({ name }) => !settings().some((one) => one.name === name)).flatMap(entry),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}

function entry({ name, description, default: fallback, secret, required }) {
  const notes = [
    required === 'always' ? 'Required.' : required ? `Required ${required}.` : '',
    fallback ? `Default: ${fallback}.` : '',
    secret ? 'Secret.' : '',
  ];
  const plain =
    fallback && /^[A-Za-z0-9.:/_-]+$/.test(fallback) && !/^[A-Z_]+$/.test(fallback) ? fallback : '';
  const comment = [description.replaceAll('`', ''), ...notes].filter(Boolean).join(' ');
  return [...wrap(comment), `#${name}=${plain}`, ''];
}

function wrap(text) {
  const lines = ['#'];
  for (const word of text.split(' ')) {
    if (lines.at(-1).length + word.length + 1 > 110) lines.push('#');
    lines[lines.length - 1] += ` ${word}`;
  }
  return lines;
}
