import { Injectable } from '@nestjs/common';
import { AccountRepository, type Contact } from '#accounts';
import { Cache } from '#platform';

/** milliseconds for which a list may be out of date */
const FRESH = 60_000;

/** Whom to ask in an organization, remembered by all nodes together: shown on every visit, changed hardly ever. */
@Injectable()
export class Contacts {
  constructor(
    private readonly accounts: AccountRepository,
    private readonly cache: Cache,
  ) {}

  async of(organizationId: string): Promise<readonly Contact[]> {
    const key = `contacts:${organizationId}`;
    const remembered = await this.cache.get<Contact[]>(key);
    if (remembered) return remembered;
    const contacts = await this.accounts.contactsOf(organizationId);
    await this.cache.set(key, contacts, FRESH);
    return contacts;
  }
}
