import { it } from '@jest/globals';
import { MEMBER, OWNER } from '../person.js';
import { type PageVisitor } from './page-visitor.js';

/** The pages of an organization, and of invitations to it. */
export function organizationPages(visitor: PageVisitor): void {
  it('an organization: a new one, its overview, people, invitations, roles, settings, deletion', async () => {
    const { page, system } = visitor;
    await visitor.signIn(OWNER);
    await page.goto(`${system.server}/organization`);
    await visitor.look('organization');
    await page.getByRole('link', { name: 'People' }).click();
    await page.getByLabel('Change role of Mia Chen').click();
    await visitor.look('organization-people');
    await page.getByRole('link', { name: 'Invitations' }).click();
    await page.getByLabel('E-mail addresses').fill('first@acme.example\nsecond@acme.example\nnobody');
    await page.getByRole('button', { name: 'Send invitations' }).click();
    await page.getByText('2 of 3 invited').waitFor();
    await visitor.look('organization-invitations');
    await page.getByRole('link', { name: 'Roles' }).click();
    await page.getByLabel('Name').fill('Archivist');
    await page.getByRole('button', { name: 'Create the role' }).click();
    await page.getByText('The role was created.').waitFor();
    await page.getByLabel('Change Archivist').click();
    await visitor.look('organization-roles');
    await page.getByRole('link', { name: 'Settings' }).click();
    await visitor.look('organization-settings');
    await page.getByLabel('Minutes without use').fill('61');
    await page.locator('section', { hasText: 'Minutes without use' }).getByRole('button').click();
    await page.getByRole('alert').waitFor();
    await visitor.look('organization-settings-refused');
    await page.goto(`${system.server}/organization/new`);
    await page.getByLabel('Name').fill('Acme');
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByRole('alert').waitFor();
    await visitor.look('organization-new-refused');
    await page.getByLabel('Name').fill('Side project');
    await page.getByLabel('Key').fill('side-project');
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByText('The organization was created.').waitFor();
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByLabel('Type “side-project” to confirm').fill('side-project');
    await page.getByRole('button', { name: 'Delete Side project' }).click();
    await page.getByText('Side project will be deleted').waitFor();
    await visitor.look('organization-deletion');
  }, 120_000);

  it('an invitation: without an account, with a refused password, as somebody else, not good any more', async () => {
    const { page, system } = visitor;
    const link = await system.invite('newcomer@acme.example');
    await page.goto(link);
    await visitor.look('invitation');
    await page.getByLabel('Your name').fill('Nora Newcomer');
    await page.getByLabel('Password').fill('too short');
    await page.getByRole('button', { name: 'Create the account' }).click();
    await page.getByRole('alert').waitFor();
    await visitor.look('invitation-refused');
    await visitor.signIn(MEMBER);
    await page.goto(link);
    await visitor.look('invitation-other-address');
    await page.goto(`${system.server}/invitation?token=${'A'.repeat(43)}`);
    await visitor.look('invitation-invalid');
  }, 90_000);
}
