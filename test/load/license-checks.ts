import { claimsOf } from '../support/world.js';
import { jsonRequest } from './http-connection.js';
import { authorizeAndExchange, repeated, type Operation } from './operations.js';
import { basicOf } from './target.js';

/** Questions of one request, the most that there may be. */
const BATCH = 100;

/** What a module may ask over HTTP; the peer of the other operations knows no licenses. */
export const LICENSE_CHECKS: readonly Operation[] = [
  checking('license_check', 'License check', 1),
  checking('license_check_of_100', `License check, ${BATCH} at once`, BATCH),
];

function checking(name: string, title: string, questions: number): Operation {
  return {
    name,
    title,
    budget: 1,
    prepare: async (target, connection) => {
      const exchanged = await authorizeAndExchange(target, target.client, connection, 0);
      const { access_token: token } = JSON.parse(exchanged.body) as { access_token: string };
      const { organization_id, sub } = claimsOf(token);
      const question = { organization_id, user_id: sub, feature: 'export' };
      const body = questions === 1 ? question : { questions: Array(questions).fill(question) };
      const request = jsonRequest('/v1/licenses/check', { authorization: basicOf(target.client) }, body);
      return repeated(request, (answer) => {
        const allowed = answer.body.match(/"code":"OK"/g)?.length ?? 0;
        if (allowed !== questions) throw new Error(`${allowed} of ${questions} are allowed:\n${answer.body}`);
      });
    },
  };
}
