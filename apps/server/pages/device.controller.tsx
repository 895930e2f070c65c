import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { IsIn, IsOptional, IsString, IsUUID, MaxLength } from 'class-validator';
import type { FastifyReply } from 'fastify';
import { AccountRepository } from '#accounts';
import {
  DeviceVerification,
  formatUserCode,
  ModuleDirectory,
  readUserCode,
  type DeviceRequest,
} from '#oauth';
import { Clock, RequireSession } from '#platform';
import { Csrf, type Session } from '#sessions';
import { Contacts } from './contacts.js';
import { ConfirmDeviceView, DeviceResultView, DeviceView, type UserCodeFailure } from './device.view.js';
import { LicenseRefusedView } from './license-refused.view.js';
import { queryHref } from './links.js';
import { Pages } from './pages.js';
import { accountOf, CurrentVisit, type Visit } from './visit.js';

const PATH = '/device';

class DeviceQuery {
  @IsOptional()
  @IsString({ message: 'user_code must be sent once.' })
  @MaxLength(64, { message: 'The code is too long.' })
  user_code?: string;
}

class DeviceForm extends DeviceQuery {
  @IsOptional()
  @IsString({ message: 'csrf_token must be sent once.' })
  csrf_token?: string;

  @IsOptional()
  @IsUUID(undefined, { message: 'organization_id must be an organization.' })
  organization_id?: string;

  @IsOptional()
  @IsIn(['approve', 'deny'], { message: 'Choose to approve or to deny.' })
  decision?: 'approve' | 'deny';
}

const STATUS: Readonly<Record<UserCodeFailure['kind'], number>> = {
  missing: 400,
  'wrong-code': 400,
  'form-expired': 403,
  'too-many-codes': 429,
};

/** The verification page (RFC 8628 §3.3): a code is only looked for when a form brings it. */
@Controller('device')
export class DeviceController {
  constructor(
    private readonly verification: DeviceVerification,
    private readonly modules: ModuleDirectory,
    private readonly accounts: AccountRepository,
    private readonly contacts: Contacts,
    private readonly csrf: Csrf,
    private readonly pages: Pages,
    private readonly clock: Clock,
  ) {}

  @Get()
  @RequireSession()
  async show(@CurrentVisit() visit: Visit, @Query() { user_code: text }: DeviceQuery): Promise<void> {
    if (await this.mustChoose(visit.session)) return chooseOrganization(visit.reply, text);
    this.form(visit, shownCode(text));
  }

  @Post()
  @RequireSession()
  async submit(@CurrentVisit() visit: Visit, @Body() form: DeviceForm): Promise<void> {
    const { user_code: text, decision } = form;
    const { session, request } = visit;
    if (await this.mustChoose(session)) return chooseOrganization(visit.reply, text);
    if (!this.csrf.holds(request, form.csrf_token)) return this.form(visit, text, { kind: 'form-expired' });
    if (text === undefined) return this.form(visit, text, { kind: 'missing' });

    const search = await this.verification.find(text, session);
    if (search.kind === 'wrong-code') return this.form(visit, text, { kind: 'wrong-code' });
    if (search.kind === 'too-many-codes') return this.pause(visit, text, search.until);
    if (search.kind === 'needs-organization') return chooseOrganization(visit.reply, text);
    const { request: device } = search;
    if (decision === 'deny') return this.deny(visit, device);
    if (await this.refuseWithoutLicense(visit, device)) return;
    // what the person saw is what is approved: with another organization chosen meanwhile, they look again
    if (decision === undefined || form.organization_id !== session.organization?.id) {
      return this.confirm(visit, device);
    }
    return this.approve(visit, device);
  }

  @Get('approved')
  @RequireSession()
  approved(@CurrentVisit() visit: Visit): void {
    const account = accountOf(visit, this.csrf);
    this.pages.send(visit.reply, <DeviceResultView account={account} approved={true} />);
  }

  @Get('denied')
  @RequireSession()
  denied(@CurrentVisit() visit: Visit): void {
    const account = accountOf(visit, this.csrf);
    this.pages.send(visit.reply, <DeviceResultView account={account} approved={false} />);
  }

  private form(visit: Visit, userCode: string | undefined, failure?: UserCodeFailure): void {
    const view = <DeviceView account={accountOf(visit, this.csrf)} userCode={userCode} failure={failure} />;
    this.pages.send(visit.reply, view, { status: failure ? STATUS[failure.kind] : 200 });
  }

  private pause(visit: Visit, userCode: string, until: Date): void {
    const wait = Math.max(1, Math.ceil((until.getTime() - this.clock.now().getTime()) / 1000));
    visit.reply.header('retry-after', String(wait));
    this.form(visit, userCode, { kind: 'too-many-codes', retryAfterSeconds: wait });
  }

  private async confirm(visit: Visit, device: DeviceRequest): Promise<void> {
    const { session, reply } = visit;
    const { client, scopes, userCode, createdAt } = device;
    const view = (
      <ConfirmDeviceView
        account={accountOf(visit, this.csrf)}
        userCode={userCode}
        client={{
          name: client.name,
          host: hostOf(client),
          firstParty: client.firstParty,
        }}
        organization={session.organization}
        hasOtherOrganizations={await this.hasOtherOrganizations(session)}
        scope={scopes.join(' ')}
        moduleNames={new Map([...(await this.modules.all())].map(([key, { name }]) => [key, name]))}
        secondsAgo={(this.clock.now().getTime() - createdAt.getTime()) / 1000}
      />
    );
    this.pages.send(reply, view);
  }

  private async approve(visit: Visit, device: DeviceRequest): Promise<void> {
    const outcome = await this.verification.approve(device, visit.session);
    if (outcome === 'gone') return this.form(visit, device.userCode, { kind: 'wrong-code' });
    // an ended session is asked to sign in, and comes back to the code
    const next =
      outcome === 'approved' ? `${PATH}/approved` : queryHref(PATH, { user_code: device.userCode });
    visit.reply.header('cache-control', 'no-store').redirect(next, 303);
  }

  private async deny(visit: Visit, device: DeviceRequest): Promise<void> {
    if (!(await this.verification.deny(device, visit.session))) {
      return this.form(visit, device.userCode, { kind: 'wrong-code' });
    }
    visit.reply.header('cache-control', 'no-store').redirect(`${PATH}/denied`, 303);
  }

  /** @returns whether the refusal was answered */
  private async refuseWithoutLicense(visit: Visit, device: DeviceRequest): Promise<boolean> {
    const { session, reply } = visit;
    const refusal = await this.verification.refusal(device, session);
    const { organization } = session;
    if (!refusal || !organization) return false;
    const view = (
      <LicenseRefusedView
        module={refusal.module}
        organization={organization}
        code={refusal.decision.code}
        licenseId={refusal.decision.licenseId}
        administers={await this.contacts.administers(organization.id, session.userId)}
        contacts={await this.contacts.of(organization.id)}
        hasOtherOrganizations={await this.hasOtherOrganizations(session)}
        returnTo={queryHref(PATH, { user_code: device.userCode })}
        account={accountOf(visit, this.csrf)}
      />
    );
    this.pages.send(reply, view, { status: 403 });
    return true;
  }

  /** Who belongs to none has nothing to choose, until a device asks for more than their account. */
  private async mustChoose({ organization, userId }: Session): Promise<boolean> {
    return !organization && (await this.accounts.membershipsOf(userId)).length > 0;
  }

  private async hasOtherOrganizations({ userId }: Session): Promise<boolean> {
    return (await this.accounts.membershipsOf(userId)).length > 1;
  }
}

/** A client that brought its metadata is whoever answers at that address, whatever name it gives itself. */
function hostOf({ source, id, clientUri, firstParty }: DeviceRequest['client']): string | undefined {
  const address = source === 'metadata_document' ? id : clientUri;
  return !firstParty && address !== null && URL.canParse(address) ? new URL(address).host : undefined;
}

/** `XXXX-XXXX`, when the text can be a code. */
function shownCode(text: string | undefined): string | undefined {
  const code = readUserCode(text);
  return code === undefined ? undefined : formatUserCode(code);
}

/** Who belongs to several organizations chooses one first, and comes back to the code. */
function chooseOrganization(reply: FastifyReply, text: string | undefined): void {
  const query = { return_to: queryHref(PATH, { user_code: shownCode(text) }) };
  reply.header('cache-control', 'no-store').redirect(queryHref('/choose-organization', query), 303);
}
