import { Injectable } from '@nestjs/common';
import { AccountRepository, AdministratorRepository, type Contact } from '#accounts';
import { mayAdminister } from '#licensing';
import { Cache } from '#platform';
import type { Administers } from './license-refusals.js';

/** milliseconds for which a list may be out of date */
const FRESH = 60_000;

/** Whom to ask in an organization, remembered by all nodes together: shown on every visit, changed hardly ever. */
@Injectable()
export class Contacts {
  constructor(
    private readonly accounts: AccountRepository,
    private readonly administrators: AdministratorRepository,
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

  /** What somebody who meets a refusal can do about it by themselves. */
  async administers(organizationId: string, userId: string): Promise<Administers> {
    const actor = await this.administrators.find(userId);
    if (mayAdminister('licenses:change', actor, organizationId)) return 'licenses';
    return mayAdminister('seats:assign', actor, organizationId) ? 'seats' : 'nothing';
  }
}
