import { afterAll, afterEach, beforeAll, beforeEach, describe } from '@jest/globals';
import { accountPages } from './pages/account.js';
import { applicationPages } from './pages/applications.js';
import { consolePages } from './pages/console.js';
import { factorPages } from './pages/factors.js';
import { launcherPages } from './pages/launcher.js';
import { modulePages } from './pages/modules.js';
import { organizationPages } from './pages/organization.js';
import { PageVisitor } from './pages/page-visitor.js';
import { signInPages } from './pages/sign-in.js';

describe('every page, as a person finds it', () => {
  const visitor = new PageVisitor();
  beforeAll(() => visitor.start(), 120_000);
  afterAll(() => visitor.stop());
  beforeEach(() => visitor.arrive());
  afterEach(() => visitor.leave());

  signInPages(visitor);
  launcherPages(visitor);
  accountPages(visitor);
  consolePages(visitor);
  organizationPages(visitor);
  applicationPages(visitor);
  modulePages(visitor);
  // the last ones: they leave a person with a second factor
  factorPages(visitor);
});
