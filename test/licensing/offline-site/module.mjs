// A module at a site without a network, in plain Node.js: who has a seat in the license file's block may work.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { httpStatusOfDecision } from '@core-auth/module-kit/licensing';
import { OfflineLicense } from '@core-auth/module-kit/offline';

const license = await OfflineLicense.open({
  file: readFileSync('plant-7.jws', 'utf8'),
  keys: JSON.parse(readFileSync('license-keys.json', 'utf8')),
  issuer: 'https://auth.example.com',
  instance: 'plant-7',
  state: 'plant-7.json',
});
if (license.denial) console.error(`${license.denial.code}: ${license.denial.sentence}`);

/** Whether the person may work, and a sentence for whoever runs the site when nobody may. */
function work(person) {
  const question = { userId: person, module: 'projects', environment: 'production', feature: 'export' };
  const { code } = license.decide(question);
  return { status: httpStatusOfDecision[code], code, sentence: license.denial?.sentence };
}

/** A seat of the block, for as long as nobody gives it back. */
function seat(method, person) {
  const code = method === 'PUT' ? license.assignSeat(person) : license.releaseSeat(person);
  return { status: httpStatusOfDecision[code], code, seats: license.seats };
}

createServer(({ method, url }, response) => {
  const [, what, person] = url.split('/');
  const { status, ...answer } = what === 'seats' ? seat(method, person) : work(person);
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
}).listen('module.sock', () => console.log('ready'));
