import 'reflect-metadata';
import { httpStatusOfDecision } from '@core-auth/module-kit/licensing';
import { sentenceOfDecision } from '../../dist/libs/licensing/check/decision-sentences.js';

const BEGIN = '<!-- decisions: made from the code by npm run generate -->';
const END = '<!-- /decisions -->';

/** The guide with its table of decisions made anew; the rest of it is written by hand. */
export function licensingGuide(text) {
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`the guide lacks ${BEGIN} or ${END}`);
  const rows = Object.entries(httpStatusOfDecision).map(
    ([code, status]) => `| \`${code}\` | ${status} | ${sentenceOfDecision[code]} |`,
  );
  const table = ['| code | status | what it says |', '| --- | --- | --- |', ...rows];
  return [before.trimEnd(), '', BEGIN, '', ...table, '', END, after].join('\n');
}
