import { afterAll, afterEach, beforeAll, describe } from '@jest/globals';
import { joiningStories } from './journeys/joining.js';
import { signingInStories } from './journeys/signing-in.js';
import { factorStories } from './journeys/factors.js';
import { sessionStories } from './journeys/sessions.js';
import { organizationStories } from './journeys/organizations.js';
import { endingStories } from './journeys/endings.js';
import { licenseStories } from './journeys/licenses.js';
import { Town } from './journeys/town.js';

describe('what people do with accounts and organizations, in a browser', () => {
  const town = new Town();
  beforeAll(() => town.open(), 120_000);
  afterAll(() => town.close());
  afterEach(() => town.empty());

  joiningStories(town);
  signingInStories(town);
  factorStories(town);
  sessionStories(town);
  organizationStories(town);
  endingStories(town);
  licenseStories(town);
});
